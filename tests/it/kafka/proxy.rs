//! A proxy before a broker that delays, loses or cuts off answers of a chosen kind. It knows of Kafka's protocol only that a
//! frame has its length first, that a request then has its kind, version and number, and that an answer has that number.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// Kinds of requests, by their number in the protocol.
pub const END_TXN: i16 = 26;
pub const TXN_OFFSET_COMMIT: i16 = 28;

#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    /// The broker never hears of it.
    LoseRequest,
    /// The broker does it, and the answer never comes.
    LoseAnswer,
    /// The broker does it, and the connection ends instead of an answer.
    CutOff,
    /// The answer comes late, and all that follow it.
    Delay(Duration),
}

/// What is done to the next requests of a kind.
#[derive(Clone, Copy, Debug)]
struct Fault {
    kind: i16,
    trouble: Trouble,
    left: usize,
    struck: usize,
}

#[derive(Clone)]
pub struct Proxy {
    port: u16,
    fault: Arc<Mutex<Option<Fault>>>,
    /// One test at a time.
    turn: Arc<Mutex<()>>,
}

impl Proxy {
    /// Listens on a port of its own; what comes there goes on to `upstream`.
    pub fn start(upstream: u16) -> Proxy {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let proxy = Proxy { port: listener.local_addr().unwrap().port(), fault: Arc::default(), turn: Arc::default() };
        let accepting = proxy.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // a broker that is down: the client is told by the end of the connection
                if let Ok(broker) = TcpStream::connect(("127.0.0.1", upstream)) {
                    accepting.connect(client, broker);
                }
            }
        });
        proxy
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Keeps other tests from meddling.
    pub fn mine(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// From now on this befalls the next requests of a kind.
    pub fn trouble(&self, kind: i16, trouble: Trouble, times: usize) {
        *self.fault.lock().unwrap() = Some(Fault { kind, trouble, left: times, struck: 0 });
    }

    /// Whether it has befallen as many as it was to.
    pub fn is_over(&self) -> bool {
        self.fault.lock().unwrap().is_none_or(|fault| fault.left == 0)
    }

    /// How many it has befallen.
    pub fn struck(&self) -> usize {
        self.fault.lock().unwrap().map_or(0, |fault| fault.struck)
    }

    /// Takes the trouble, if this request is to have it.
    fn strike(&self, kind: i16, at_request: bool) -> Option<Trouble> {
        let mut fault = self.fault.lock().unwrap();
        let fault = fault.as_mut().filter(|fault| fault.kind == kind && fault.left > 0)?;
        let is_of_request = matches!(fault.trouble, Trouble::LoseRequest);
        (is_of_request == at_request).then(|| {
            fault.left -= 1;
            fault.struck += 1;
            fault.trouble
        })
    }

    fn connect(&self, client: TcpStream, broker: TcpStream) {
        let kinds: Arc<Mutex<HashMap<[u8; 4], i16>>> = Arc::default();
        let (from_client, to_broker) = (client.try_clone().unwrap(), broker.try_clone().unwrap());
        let (proxy, asked) = (self.clone(), kinds.clone());
        std::thread::spawn(move || {
            let request = |frame: &[u8]| {
                let kind = i16::from_be_bytes([frame[0], frame[1]]);
                asked.lock().unwrap().insert([frame[4], frame[5], frame[6], frame[7]], kind);
                proxy.strike(kind, true).is_none()
            };
            let _ = pass_on(from_client, to_broker, request);
        });
        let proxy = self.clone();
        std::thread::spawn(move || {
            let gone = client.try_clone().unwrap();
            let answer = |frame: &[u8]| {
                let kind = kinds.lock().unwrap().remove(&frame[..4]).unwrap_or(-1);
                match proxy.strike(kind, false) {
                    None => true,
                    Some(Trouble::Delay(time)) => {
                        std::thread::sleep(time);
                        true
                    }
                    Some(Trouble::CutOff) => {
                        let _ = gone.shutdown(Shutdown::Both);
                        false
                    }
                    Some(_) => false,
                }
            };
            let _ = pass_on(broker, client, answer);
        });
    }
}

/// Passes on the frames that are to be passed on, until one side is gone; then the other goes too.
fn pass_on(mut from: TcpStream, mut to: TcpStream, passes: impl Fn(&[u8]) -> bool) -> io::Result<()> {
    let mut copy = || -> io::Result<()> {
        loop {
            let mut length = [0; 4];
            from.read_exact(&mut length)?;
            let mut frame = vec![0; u32::from_be_bytes(length) as usize];
            from.read_exact(&mut frame)?;
            if passes(&frame) {
                to.write_all(&length)?;
                to.write_all(&frame)?;
            }
        }
    };
    let result = copy();
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    result
}
