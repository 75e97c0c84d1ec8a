//! What the local log needs of a disk, and two of them: a directory, and one in memory whose power can fail.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Append-only files by name. What was appended is safe only after [`Disk::sync`].
pub trait Disk: Send + Sync {
    /// All files, in order of their names.
    fn list(&self) -> io::Result<Vec<String>>;
    /// A file's size in bytes.
    fn size(&self, name: &str) -> io::Result<u64>;
    fn read(&self, name: &str, position: u64, length: usize) -> io::Result<Vec<u8>>;
    /// Appends; makes the file if there is none.
    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Makes what was appended to a file, and its name, survive a power failure.
    fn sync(&self, name: &str) -> io::Result<()>;
    fn truncate(&self, name: &str, size: u64) -> io::Result<()>;
    /// Renames a synced file, at once and for good.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    fn remove(&self, name: &str) -> io::Result<()>;
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A directory.
pub struct Directory {
    path: PathBuf,
    files: Mutex<HashMap<String, Arc<File>>>,
    /// Held while the process lives: a directory belongs to one process.
    _lock: File,
}

impl Directory {
    pub fn open(path: PathBuf) -> io::Result<Directory> {
        std::fs::create_dir_all(&path)?;
        let lock = File::create(path.join("lock"))?;
        crate::runtime::lock(&lock)?;
        Ok(Directory { path, files: Mutex::default(), _lock: lock })
    }

    fn file(&self, name: &str) -> io::Result<Arc<File>> {
        let mut files = locked(&self.files);
        if let Some(file) = files.get(name) {
            return Ok(file.clone());
        }
        let file = Arc::new(OpenOptions::new().read(true).append(true).create(true).open(self.path.join(name))?);
        files.insert(name.to_owned(), file.clone());
        Ok(file)
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl Disk for Directory {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != "lock" {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        Ok(std::fs::metadata(self.path.join(name))?.len())
    }

    fn read(&self, name: &str, position: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let known = locked(&self.files).get(name).cloned();
        let file = match known {
            Some(file) => file,
            None if self.path.join(name).exists() => self.file(name)?,
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        file.read_exact_at(&mut bytes, position)?;
        Ok(bytes)
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        (&*self.file(name)?).write_all(bytes)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        let file = self.file(name)?;
        let is_new = file.metadata()?.len() < 1 << 20;
        file.sync_data()?;
        // the name of a file that has just been made must survive too
        if is_new { self.sync_names() } else { Ok(()) }
    }

    fn truncate(&self, name: &str, size: u64) -> io::Result<()> {
        let file = self.file(name)?;
        file.set_len(size)?;
        file.sync_all()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        locked(&self.files).retain(|name, _| name != from && name != to);
        std::fs::rename(self.path.join(from), self.path.join(to))?;
        self.sync_names()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        locked(&self.files).remove(name);
        std::fs::remove_file(self.path.join(name))
    }
}

/// What a write to a [`MemDisk`] is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Only the first bytes of an append arrive, and it fails.
    Torn(usize),
    /// The call fails without effect.
    Fail,
}

/// A call that a fault hook decides about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Append,
    Sync,
    Rename,
    Remove,
}

type Hook = Box<dyn FnMut(Call, &str) -> Fault + Send>;

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Default)]
pub struct MemDisk(Arc<Mutex<Memory>>);

#[derive(Default)]
struct Memory {
    files: BTreeMap<String, MemFile>,
    hook: Option<Hook>,
}

#[derive(Clone, Default)]
struct MemFile {
    bytes: Vec<u8>,
    /// This much survives a power failure.
    synced: usize,
}

impl MemDisk {
    /// Asks `hook` at every call that changes something but truncation.
    pub fn set_hook(&self, hook: impl FnMut(Call, &str) -> Fault + Send + 'static) {
        locked(&self.0).hook = Some(Box::new(hook));
    }

    pub fn clear_hook(&self) {
        locked(&self.0).hook = None;
    }

    /// The power fails: of what was not synced, `keep` bytes of each file happen to be there.
    pub fn crash(&self, keep: usize) {
        for file in locked(&self.0).files.values_mut() {
            let size = (file.synced + keep).min(file.bytes.len());
            file.bytes.truncate(size);
            file.synced = size;
        }
    }

    fn ask(memory: &mut Memory, call: Call, name: &str) -> Fault {
        memory.hook.as_mut().map_or(Fault::None, |hook| hook(call, name))
    }
}

fn missing(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, name.to_owned())
}

impl Disk for MemDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(locked(&self.0).files.keys().cloned().collect())
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        locked(&self.0).files.get(name).map(|file| file.bytes.len() as u64).ok_or_else(|| missing(name))
    }

    fn read(&self, name: &str, position: u64, length: usize) -> io::Result<Vec<u8>> {
        let memory = locked(&self.0);
        let file = memory.files.get(name).ok_or_else(|| missing(name))?;
        let bytes = file.bytes.get(position as usize..position as usize + length);
        bytes.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut memory = locked(&self.0);
        let (kept, result) = match Self::ask(&mut memory, Call::Append, name) {
            Fault::None => (bytes.len(), Ok(())),
            Fault::Torn(kept) => (kept.min(bytes.len()), Err(io::Error::other("torn write"))),
            Fault::Fail => (0, Err(io::Error::other("failed write"))),
        };
        memory.files.entry(name.to_owned()).or_default().bytes.extend_from_slice(&bytes[..kept]);
        result
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        let mut memory = locked(&self.0);
        if Self::ask(&mut memory, Call::Sync, name) != Fault::None {
            return Err(io::Error::other("failed sync"));
        }
        let file = memory.files.get_mut(name).ok_or_else(|| missing(name))?;
        file.synced = file.bytes.len();
        Ok(())
    }

    fn truncate(&self, name: &str, size: u64) -> io::Result<()> {
        let mut memory = locked(&self.0);
        let file = memory.files.get_mut(name).ok_or_else(|| missing(name))?;
        file.bytes.truncate(size as usize);
        file.synced = file.bytes.len();
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut memory = locked(&self.0);
        if Self::ask(&mut memory, Call::Rename, from) != Fault::None {
            return Err(io::Error::other("failed rename"));
        }
        let file = memory.files.remove(from).ok_or_else(|| missing(from))?;
        memory.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut memory = locked(&self.0);
        if Self::ask(&mut memory, Call::Remove, name) != Fault::None {
            return Err(io::Error::other("failed removal"));
        }
        memory.files.remove(name).map(drop).ok_or_else(|| missing(name))
    }
}
