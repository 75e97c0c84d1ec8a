//! YAML (and JSON, which is a part of it) into trees of [`Node`]s.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use granit_parser::{Event, Options, Parser, ScalarStyle};

use super::node::{Kind, Node};
use super::reader::Problem;

/// How deep collections may lie in each other, aliases followed: far beyond any rule file, and safe to recurse over.
const MAX_DEPTH: usize = 64;
/// How many nodes a file may have, aliases followed, against texts that multiply themselves.
const MAX_NODES: u32 = 1_000_000;

/// The documents of a file, and what is wrong with its form. A syntax error ends the file; the documents before it stand.
pub fn parse_yaml(text: &str) -> (Vec<Node>, Vec<Problem>) {
    let mut builder = Builder::default();
    let mut options = Options::default();
    options.emit_comments = false;
    options.flow_nesting_limit = MAX_DEPTH;
    for step in Parser::new_from_str_with_options(text, options) {
        let outcome = match step {
            Ok((event, span)) => builder.take(event, span.byte_range().unwrap_or_default()),
            Err(error) => {
                let at = error.marker().byte_offset().unwrap_or(text.len());
                Err(Problem::new(error.info().to_string(), at..at))
            }
        };
        if let Err(problem) = outcome {
            builder.problems.push(problem);
            break;
        }
    }
    (builder.documents, builder.problems)
}

/// A collection that is still open.
struct Open {
    anchor: usize,
    start: usize,
    map: bool,
    /// Of a map: keys and values in turn.
    children: Vec<Node>,
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    problems: Vec<Problem>,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    next_id: u32,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Range<usize>) -> Result<(), Problem> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let kind = Kind::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain };
                self.close(Node { id: 0, span, kind }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => self.open(anchor, span, false),
            Event::MappingStart(_, anchor, _) => self.open(anchor, span, true),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => {
                    let kind = if open.map { Kind::Map(self.entries(open.children)) } else { Kind::List(open.children) };
                    self.close(Node { id: 0, span: open.start..span.end.max(open.start), kind }, open.anchor)
                }
                None => Ok(()),
            },
            Event::Alias(id) => match self.anchors.get(&id) {
                Some((_, height)) if self.open.len() + height > MAX_DEPTH => Err(too_deep(span)),
                Some((node, _)) => {
                    let mut node = node.clone();
                    self.number(&mut node);
                    self.close(node, 0)
                }
                None => Err(Problem::new("this alias stands inside what it names", span)),
            },
            _ => Ok(()),
        }
    }

    fn open(&mut self, anchor: usize, span: Range<usize>, map: bool) -> Result<(), Problem> {
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(span));
        }
        self.open.push(Open { anchor, start: span.start, map, children: Vec::new() });
        Ok(())
    }

    fn close(&mut self, mut node: Node, anchor: usize) -> Result<(), Problem> {
        if node.id == 0 {
            self.next_id += 1;
            node.id = self.next_id;
        }
        if self.next_id > MAX_NODES {
            return Err(Problem::new("the file is too large", node.span));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), height(&node)));
        }
        match self.open.last_mut() {
            Some(open) => open.children.push(node),
            // a file, or part of one, with nothing but comments is no document
            None if node.is_null() => {}
            None => self.documents.push(node),
        }
        Ok(())
    }

    /// Gives a copied node and all below it ids of their own.
    fn number(&mut self, node: &mut Node) {
        self.next_id = self.next_id.saturating_add(1);
        node.id = self.next_id;
        match &mut node.kind {
            Kind::Scalar { .. } => {}
            Kind::List(items) => items.iter_mut().for_each(|item| self.number(item)),
            Kind::Map(entries) => {
                for (key, value) in entries {
                    self.number(key);
                    self.number(value);
                }
            }
        }
    }

    /// Pairs keys with values. A key that is repeated or no text is a problem, and its entry is left out; `<<` merges.
    fn entries(&mut self, children: Vec<Node>) -> Vec<(Node, Node)> {
        let mut entries: Vec<(Node, Node)> = Vec::with_capacity(children.len() / 2);
        let mut seen: HashSet<String> = HashSet::new();
        let mut merged = Vec::new();
        let mut children = children.into_iter();
        while let (Some(key), Some(value)) = (children.next(), children.next()) {
            match key.text() {
                None => self.problems.push(Problem::new("a key is a text", key.span)),
                Some("<<") => merged.push(value),
                Some(name) if !seen.insert(name.to_owned()) => {
                    self.problems.push(Problem::new(format!("key `{name}` is written twice"), key.span));
                }
                Some(_) => entries.push((key, value)),
            }
        }
        for source in merged {
            let maps = if let Kind::List(items) = source.kind { items } else { vec![source] };
            for map in maps {
                let Kind::Map(inherited) = map.kind else {
                    self.problems.push(Problem::new("`<<` takes a map, or a list of maps", map.span));
                    continue;
                };
                let new = inherited.into_iter().filter(|(key, _)| key.text().is_some_and(|name| seen.insert(name.to_owned())));
                entries.extend(new);
            }
        }
        entries
    }
}

fn too_deep(span: Range<usize>) -> Problem {
    Problem::new("collections lie too deep in each other", span)
}

fn height(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar { .. } => 0,
        Kind::List(items) => 1 + items.iter().map(height).max().unwrap_or(0),
        Kind::Map(entries) => 1 + entries.iter().map(|(_, value)| height(value)).max().unwrap_or(0),
    }
}
