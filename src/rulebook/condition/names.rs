//! The names in an expression: variables, keys of `groups`, functions. A misspelt name would make a condition false for
//! ever; it is refused when rules are loaded.

use std::collections::BTreeSet;

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, operators};

/// What a condition over an event can name.
pub const EVENT_NAMES: &[&str] = &["type", "source", "id", "time", "account", "contact", "actor", "data"];
/// What a condition over a score can name.
pub const SCORE_NAMES: &[&str] = &["score", "groups", "events"];

/// The functions of CEL's standard library; operators and the macros (`has`, `all`, `exists`, …) aside.
/// Source: CEL specification, "List of Standard Definitions".
const FUNCTIONS: &[&str] = &[
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "string",
    "int",
    "uint",
    "double",
    "bool",
    "bytes",
    "timestamp",
    "duration",
    "type",
    "dyn",
    "getFullYear",
    "getMonth",
    "getDayOfYear",
    "getDayOfMonth",
    "getDate",
    "getDayOfWeek",
    "getHours",
    "getMinutes",
    "getSeconds",
    "getMilliseconds",
];

/// Types, which are values in CEL: `type(data.x) == string`.
/// Source: CEL specification, "Values".
const TYPES: &[&str] =
    &["bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type", "google.protobuf.Timestamp"];

#[derive(Default)]
pub struct Names {
    pub variables: BTreeSet<String>,
    pub groups: BTreeSet<String>,
    functions: BTreeSet<String>,
}

impl Names {
    pub fn of(expression: &IdedExpr) -> Names {
        let mut names = Names::default();
        names.visit(expression, &mut Vec::new());
        names
    }

    /// A function that CEL does not have. Operators are functions too, with names that are no identifiers.
    pub fn unknown_function(&self) -> Option<&str> {
        let identifier = |name: &&String| name.starts_with(|c: char| c.is_ascii_alphabetic());
        self.functions.iter().filter(identifier).map(String::as_str).find(|name| !FUNCTIONS.contains(name))
    }

    /// `bound` holds the variables of the comprehensions around.
    fn visit<'e>(&mut self, expression: &'e IdedExpr, bound: &mut Vec<&'e str>) {
        match &expression.expr {
            Expr::Unspecified | Expr::Literal(_) => {}
            Expr::Ident(name) => {
                let own =
                    bound.contains(&name.as_str()) || name.starts_with('@') || TYPES.contains(&name.as_str()) && name != "type";
                if !own {
                    self.variables.insert(name.clone());
                }
            }
            Expr::Select(select) => {
                if !select.test && is_groups(&select.operand) {
                    self.groups.insert(select.field.clone());
                }
                self.visit(&select.operand, bound);
            }
            Expr::Call(call) => {
                self.functions.insert(call.func_name.clone());
                if let (operators::INDEX, [map, key]) = (call.func_name.as_str(), call.args.as_slice())
                    && let Expr::Literal(LiteralValue::String(key)) = &key.expr
                    && is_groups(map)
                {
                    self.groups.insert(key.inner().to_owned());
                }
                call.target.iter().for_each(|target| self.visit(target, bound));
                call.args.iter().for_each(|argument| self.visit(argument, bound));
            }
            Expr::List(list) => list.elements.iter().for_each(|element| self.visit(element, bound)),
            Expr::Map(map) => map.entries.iter().for_each(|entry| self.visit_entry(&entry.expr, bound)),
            Expr::Struct(object) => object.entries.iter().for_each(|entry| self.visit_entry(&entry.expr, bound)),
            Expr::Comprehension(loops) => {
                self.visit(&loops.iter_range, bound);
                self.visit(&loops.accu_init, bound);
                let outer = bound.len();
                bound.extend([loops.iter_var.as_str(), loops.accu_var.as_str()]);
                bound.extend(loops.iter_var2.as_deref());
                self.visit(&loops.loop_cond, bound);
                self.visit(&loops.loop_step, bound);
                self.visit(&loops.result, bound);
                bound.truncate(outer);
            }
        }
    }

    fn visit_entry<'e>(&mut self, entry: &'e EntryExpr, bound: &mut Vec<&'e str>) {
        match entry {
            EntryExpr::StructField(field) => self.visit(&field.value, bound),
            EntryExpr::MapEntry(entry) => {
                self.visit(&entry.key, bound);
                self.visit(&entry.value, bound);
            }
        }
    }
}

fn is_groups(expression: &IdedExpr) -> bool {
    matches!(&expression.expr, Expr::Ident(name) if name == "groups")
}
