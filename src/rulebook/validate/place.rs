//! Where in a document something is: a cursor that walks along with the checks.

use std::ops::Range;

use crate::rulebook::source::{Node, Pruned};

/// A node, or where it would be if it were written: then the nearest node around it.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    node: &'a Node,
    pruned: &'a Pruned,
    exists: bool,
}

impl<'a> Place<'a> {
    pub fn root(node: &'a Node, pruned: &'a Pruned) -> Place<'a> {
        Place { node, pruned, exists: true }
    }

    /// The value of a key.
    pub fn key(self, key: &str) -> Place<'a> {
        match self.node.get(key) {
            Some(node) if self.exists => Place { node, ..self },
            _ => Place { exists: false, ..self },
        }
    }

    /// The key itself.
    pub fn name(self, key: &str) -> Place<'a> {
        match self.node.entry(key) {
            Some((node, _)) if self.exists => Place { node, ..self },
            _ => Place { exists: false, ..self },
        }
    }

    /// The items of a list that could be read: the places of the items of the document's list.
    pub fn read(self) -> impl Iterator<Item = Place<'a>> {
        self.items().filter(move |item| !self.pruned.contains(&item.node.id))
    }

    /// An item of a list, by its position among those that could be read.
    pub fn index(self, position: usize) -> Place<'a> {
        self.read().nth(position).unwrap_or(Place { exists: false, ..self })
    }

    /// All items of a list as they were written, those that could not be read included.
    pub fn items(self) -> impl Iterator<Item = Place<'a>> {
        let items: &[Node] = if self.exists { self.node.items() } else { &[] };
        items.iter().map(move |node| Place { node, ..self })
    }

    /// All keys of a map as they were written.
    pub fn keys(self) -> impl Iterator<Item = &'a str> {
        let entries: &[(Node, Node)] = if self.exists { self.node.entries() } else { &[] };
        entries.iter().filter_map(|(key, _)| key.text())
    }

    /// The text at a key, if one was written.
    pub fn text_of(self, key: &str) -> Option<&'a str> {
        self.node.get(key).filter(|_| self.exists).and_then(Node::text)
    }

    /// The text at this place itself.
    pub fn text(self) -> Option<&'a str> {
        self.node.text().filter(|_| self.exists)
    }

    /// Whether a key was written, readable or not.
    pub fn has(self, key: &str) -> bool {
        self.exists && self.node.get(key).is_some_and(|value| !value.is_null())
    }

    pub fn span(self) -> Range<usize> {
        self.node.span.clone()
    }
}
