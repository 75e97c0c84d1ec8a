//! `scorekeeper score`: the rules engine over a file of events, offline and deterministic.

mod reports;
mod summary;
mod writer;

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};

use self::summary::Summary;
use self::writer::Writer;
use super::{Exit, Failure, Format, rules};
use crate::engine::Offline;
use crate::events::Timestamp;
use crate::outputs::Record;

/// Score a file of events and commands, offline and deterministically: the same input gives the same bytes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  scorekeeper score --rules rules.yaml --events events.jsonl --output out --until 2026-12-01T00:00:00Z"
)]
pub struct Args {
    /// A rule file, or a folder of them.
    #[arg(long, required = true)]
    rules: Vec<PathBuf>,
    /// Events and commands, one JSON text a line; `-` is standard input.
    #[arg(long)]
    events: PathBuf,
    /// Writes one JSONL file for each output topic here. Without it a summary is printed.
    #[arg(long)]
    output: Option<PathBuf>,
    /// Moves account time on past the last event, so that periods close.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<Timestamp>,
    /// Events to a commit; 1 shows every update.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    commit_every: u32,
    /// The account of events that name none.
    #[arg(long, value_name = "ACCOUNT")]
    default_account: Option<String>,
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|error| error.to_string())
}

pub fn run(args: &Args, format: Format) -> Result<Exit, Failure> {
    let rules = rules::load(&args.rules)?;
    let (mut events, progress) = open(&args.events)?;
    let mut sink = match &args.output {
        Some(folder) => Sink::Files(Writer::create(folder).map_err(|error| unwritable(folder, &error))?),
        None => Sink::Summary(Box::default()),
    };
    let mut engine = Offline::new(rules, args.default_account.clone());
    let (mut text, mut ends) = (Vec::new(), Vec::new());
    loop {
        let more = read_batch(&mut events, args.commit_every as usize, &mut text, &mut ends);
        let more = more.map_err(|error| Failure::new(Exit::Data, format!("{}: {error}", args.events.display())))?;
        if !more {
            break;
        }
        let lines = ends.iter().scan(0, |start, &end| Some(&text[std::mem::replace(start, end)..end]));
        engine.batch(lines.map(without_line_end), &mut |record| sink.take(record));
        progress.inc(text.len() as u64);
    }
    if let Some(until) = args.until {
        engine.until(until, &mut |record| sink.take(record));
    }
    progress.finish_and_clear();
    match sink {
        Sink::Files(writer) => writer.finish().map_err(|error| unwritable(Path::new("output"), &error))?,
        Sink::Summary(summary) => summary.print(&engine.counters(), format),
    }
    Ok(Exit::Success)
}

/// Where the records go.
enum Sink {
    Files(Writer),
    Summary(Box<Summary>),
}

impl Sink {
    fn take(&mut self, record: &Record<'_>) {
        match self {
            Sink::Files(writer) => writer.take(record),
            Sink::Summary(summary) => summary.take(record),
        }
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::CannotCreate, format!("{}: {error}", path.display()))
}

fn open(path: &Path) -> Result<(Box<dyn BufRead>, ProgressBar), Failure> {
    let reader: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        let unreadable = |error: std::io::Error| Failure::new(Exit::Data, format!("{}: {error}", path.display()));
        let file = File::open(path).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.is_dir() {
            return Err(Failure::new(Exit::Data, format!("{}: is a folder", path.display())));
        }
        Box::new(file)
    };
    let progress = match std::fs::metadata(path) {
        Ok(metadata) if std::io::stderr().is_terminal() => {
            let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left");
            ProgressBar::new(metadata.len()).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        }
        _ => ProgressBar::hidden(),
    };
    Ok((Box::new(BufReader::with_capacity(1 << 20, reader)), progress))
}

/// Reads up to `count` lines: their bytes, and where each ends. False at the end of the file.
fn read_batch(events: &mut dyn BufRead, count: usize, text: &mut Vec<u8>, ends: &mut Vec<usize>) -> std::io::Result<bool> {
    text.clear();
    ends.clear();
    while ends.len() < count && events.read_until(b'\n', text)? > 0 {
        ends.push(text.len());
    }
    Ok(!ends.is_empty())
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
