//! Texts into documents: every error of a file is reported at once, with its place.

use std::sync::Arc;

use super::model::Document;
use super::source::{Kind, Node, Problem, Pruned, RuleError, SourceFile, parse_yaml, read};

/// A document with what is needed to say where something in it was written.
#[derive(Debug)]
pub(super) struct Parsed {
    pub document: Document,
    /// The document as it was written, wrong parts included.
    pub root: Node,
    /// Nodes that are missing from `document` because they were wrong.
    pub pruned: Pruned,
    pub file: Arc<SourceFile>,
}

/// Reads a file of one or several documents. Documents with errors are returned too, without what was wrong in them, so
/// that they can be checked further.
pub(super) fn parse(name: &str, text: &str, errors: &mut Vec<RuleError>) -> Vec<Parsed> {
    let (text, (roots, problems)) = parse_text(text.strip_prefix('\u{feff}').unwrap_or(text));
    let file = Arc::new(SourceFile::new(name, text));
    let mut report = |problem| errors.push(RuleError::new(problem, &file));
    problems.into_iter().for_each(&mut report);
    let mut documents = Vec::new();
    for mut root in roots {
        let mut problems = Vec::new();
        name_account(&mut root, &mut problems);
        let (document, pruned) = read::<Document>(&root, &mut problems);
        problems.into_iter().for_each(&mut report);
        documents.extend(document.map(|document| Parsed { document, root, pruned, file: file.clone() }));
    }
    documents
}

/// JSON is read as YAML, whose form contains it but for surrogate pairs (`\ud83d\ude00`): a JSON text with these is written
/// anew without them.
fn parse_text(text: &str) -> (String, (Vec<Node>, Vec<Problem>)) {
    let parsed = parse_yaml(text);
    if !parsed.1.is_empty() && text.trim_start().starts_with('{') && text.contains("\\u") {
        let rewritten = serde_json::from_str::<serde_json::Value>(text).and_then(|value| serde_json::to_string_pretty(&value));
        if let Ok(text) = rewritten {
            let parsed = parse_yaml(&text);
            return (text, parsed);
        }
    }
    (text.to_owned(), parsed)
}

/// Without its account a document cannot be read; it gets one, so that its other errors are found too.
fn name_account(root: &mut Node, problems: &mut Vec<Problem>) {
    let start = root.span.start;
    let Kind::Map(entries) = &mut root.kind else { return };
    if entries.iter().any(|(key, value)| key.text() == Some("account") && !value.is_null()) {
        return;
    }
    problems.push(Problem::new("`account` is missing", start..start));
    entries.retain(|(key, _)| key.text() != Some("account"));
    let scalar = |id, text: &str| Node { id, span: start..start, kind: Kind::Scalar { text: text.to_owned(), plain: false } };
    entries.push((scalar(u32::MAX - 1, "account"), scalar(u32::MAX, "?")));
}
