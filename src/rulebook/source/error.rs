//! Errors in rule files, each with its place and an excerpt.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};

use super::reader::Problem;

/// A rule file: its name and its text.
pub type SourceFile = NamedSource<String>;

/// One error in a rule file. As a [`Diagnostic`] it can be rendered with colours; its `Display` is the message alone.
#[derive(Clone, Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
pub struct RuleError {
    pub message: String,
    #[help]
    pub help: Option<String>,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    #[source_code]
    file: Arc<SourceFile>,
    #[label]
    span: SourceSpan,
}

impl RuleError {
    pub(in crate::rulebook) fn new(problem: Problem, file: &Arc<SourceFile>) -> RuleError {
        let span = shown(problem.span, file.inner());
        let before = file.inner().get(..span.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        RuleError {
            message: problem.message,
            help: problem.help,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            file: file.clone(),
            span: span.into(),
        }
    }

    /// The name of the file.
    pub fn file(&self) -> &str {
        self.file.name()
    }

    /// `file:line:column: message`, and the line below it, or the part of a long one that matters.
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:{}:{}: {}", self.file(), self.line, self.column, self.message)?;
        let line: Vec<char> = self.file.inner().lines().nth(self.line - 1).unwrap_or_default().chars().collect();
        let column = (self.column - 1).min(line.len());
        let from = if line.len() <= MAX_EXCERPT { 0 } else { column.saturating_sub(MAX_EXCERPT / 2) };
        let to = line.len().min(from + MAX_EXCERPT);
        let before: String = line[from..column].iter().map(|&c| if c == '\t' { '\t' } else { ' ' }).collect();
        let marked = self.file.inner().get(self.span.offset()..self.span.offset() + self.span.len()).unwrap_or_default();
        let marks = "^".repeat(marked.chars().count().clamp(1, (to - column).max(1)));
        let gutter = " ".repeat(self.line.to_string().len());
        let excerpt: String = line[from..to].iter().collect();
        writeln!(f, "{gutter} |\n{} | {excerpt}\n{gutter} | {before}{marks}", self.line)?;
        if let Some(help) = &self.help {
            writeln!(f, "{gutter} = {help}")?;
        }
        Ok(())
    }
}

/// Of longer lines, such as JSON on one line, an excerpt shows a part.
const MAX_EXCERPT: usize = 120;

/// What of a span is shown: what lies on its first line, between characters of the text.
fn shown(span: Range<usize>, text: &str) -> Range<usize> {
    let mut start = span.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let line = text[start..].lines().next().unwrap_or_default().trim_end();
    let mut end = span.end.clamp(start, start + line.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

/// All errors of the rule files that were loaded together. Its `Display` shows every one of them with its excerpt.
#[derive(Clone, Debug, thiserror::Error, Diagnostic)]
pub struct RuleErrors(#[related] pub Vec<RuleError>);

impl RuleErrors {
    pub fn iter(&self) -> impl Iterator<Item = &RuleError> {
        self.0.iter()
    }
}

impl fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.0 {
            error.write(f)?;
        }
        let plural = if self.0.len() == 1 { "" } else { "s" };
        write!(f, "{} error{plural} in the rules", self.0.len())
    }
}
