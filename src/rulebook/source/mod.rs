//! Rule files as text: a tree of nodes that know their place, a reader from nodes into Rust types, and errors that show
//! where they are.

mod error;
mod json;
mod node;
mod reader;
mod yaml;

pub use error::{RuleError, RuleErrors, SourceFile};
pub(super) use json::to_map;
pub(super) use node::{Kind, Node, Pruned};
pub(super) use reader::{Problem, read};
pub(super) use yaml::parse_yaml;
