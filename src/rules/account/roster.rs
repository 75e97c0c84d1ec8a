//! The roster: which reps there are, who is active, and who is in which team.

use super::{Account, AccountRow};
use crate::rulebook::Rulebook;
use crate::rulebook::values::Subjects;

/// Whether someone is a rep of the version in force, active there, and not deactivated by a command since.
pub fn is_active(account: &mut Account<'_>, rep: &str) -> bool {
    let book = account.book;
    book.rep(rep).is_some_and(|rep| rep.active) && !is_deactivated(account, rep)
}

fn is_deactivated(account: &mut Account<'_>, rep: &str) -> bool {
    account.state.get::<AccountRow>(account.id).is_some_and(|row| row.deactivated.contains(rep))
}

/// The active reps in roster order.
pub fn active(account: &mut Account<'_>) -> Vec<String> {
    let book = account.book;
    let ids = book.reps.iter().filter(|rep| rep.active).map(|rep| rep.id.clone());
    let deactivated = account.state.get::<AccountRow>(account.id).map(|row| &row.deactivated);
    ids.filter(|id| deactivated.is_none_or(|deactivated| !deactivated.contains(id))).collect()
}

/// The active members of a team, in roster order.
pub fn members(account: &mut Account<'_>, team: &str) -> Vec<String> {
    let book = account.book;
    let mut reps = active(account);
    reps.retain(|id| team_of(book, id) == Some(team));
    reps
}

/// The team of a rep.
pub fn team_of<'b>(book: &'b Rulebook, rep: &str) -> Option<&'b str> {
    book.rep(rep).and_then(|rep| rep.team.as_deref())
}

/// The name of a rep, or its id.
pub fn rep_name<'n>(book: &'n Rulebook, rep: &'n str) -> &'n str {
    book.rep(rep).and_then(|rep| rep.name.as_deref()).unwrap_or(rep)
}

/// The name of a team, or its key.
pub fn team_name<'n>(book: &'n Rulebook, team: &'n str) -> &'n str {
    book.teams.iter().find(|t| t.key == team).and_then(|t| t.name.as_deref()).unwrap_or(team)
}

/// Whether a rep is among the subjects of a rule.
pub fn takes_part(book: &Rulebook, subjects: &Subjects, rep: &str) -> bool {
    match subjects {
        Subjects::All => true,
        Subjects::Ids(ids) => ids.iter().any(|id| id == rep),
        Subjects::Team(team) => team_of(book, rep) == Some(team),
    }
}
