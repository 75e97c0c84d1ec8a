//! Exit codes, and failures that carry one.

use std::fmt;
use std::process::ExitCode;

/// The exit codes, those of sysexits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Success = 0,
    /// A check or a test found something wrong.
    Found = 1,
    Usage = 64,
    /// Input that cannot be read.
    Data = 65,
    /// A service that does not answer.
    Unavailable = 69,
    /// An error of ours.
    Software = 70,
    /// Something that cannot be written.
    CannotCreate = 73,
    /// Wrong rules or settings.
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// What went wrong, in words, and the code to exit with.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    message: String,
}

impl Failure {
    pub fn new(exit: Exit, message: impl fmt::Display) -> Failure {
        Failure { exit, message: message.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.trim_end())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::new(Exit::Software, format!("scorekeeper: {error:#}"))
    }
}
