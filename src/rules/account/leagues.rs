//! Leagues: each ranks its own members; at every close the best move up and the last move down.
//!
//! All reps share one ranking by the leagues' metric; at the close of a window it is read league by league. So who moves
//! ranks in the new league at once, in the running window too.
//!
//! A window in which nobody has a value moves nobody, and needs no timer: a quiet year costs nothing.

use std::collections::HashMap;

use super::metrics::Contribution;
use super::publish::Dirty;
use super::ranking::{self, Kind, Scope};
use super::timers::{self, Timer};
use super::xp::RepRow;
use super::{Account, announcements, roster};
use crate::events::{Amount, Timestamp, keys};
use crate::outputs::Subject;
use crate::rulebook::{AnnouncementKind, Leagues, Rulebook};

/// Takes a contribution to the leagues if they rank by its metric.
pub fn take(account: &mut Account<'_>, contribution: &Contribution<'_>) {
    let newest = account.newest_version();
    for book in account.rules.versions().iter().take(newest as usize) {
        let Some(leagues) = book.leagues.as_ref().filter(|leagues| leagues.metric == contribution.metric) else { continue };
        let period = account.period(leagues.window, contribution.at);
        // a window keeps the first version that has leagues for it
        let kept = account.rules.first_for(period.span, newest, |book| book.leagues.is_some());
        if kept.is_none_or(|kept| kept.version != book.version) {
            continue;
        }
        if account.is_final(period.span) {
            account.pending.late = true;
            return;
        }
        let scope = scope(&period.label);
        let (rep, value, at) = (contribution.rep, contribution.value, contribution.at);
        let (_, new) = ranking::add(account, scope, period.span, book.version, rep, value, at);
        if let Some(due) = account.final_at(period.span).filter(|_| new) {
            close_at(account, due, &period.label);
        }
        return;
    }
}

fn close_at(account: &mut Account<'_>, due: Timestamp, period: &str) {
    timers::set(account, due, &keys::join(&[period]), Timer::LeagueCloses { period: period.to_owned() });
}

/// A window is final: reps move.
pub fn close(account: &mut Account<'_>, period: &str) {
    let scope = scope(period);
    let Some(ranking) = ranking::get(account, scope) else { return };
    if let Some(due) = account.final_at(ranking.span).filter(|due| *due > account.time) {
        return close_at(account, due, period); // a newer version waits longer
    }
    let values: Vec<(String, Amount)> =
        ranking::listed(account, scope, usize::MAX).into_iter().map(|standing| (standing.subject, standing.value)).collect();
    ranking::clear(account, scope);
    let rules = account.rules.version(ranking.version).and_then(|book| book.leagues.as_ref());
    let Some(leagues) = rules.filter(|_| !values.is_empty()) else { return };
    // everyone's move is decided before anyone moves, so that it is one step at most
    for (rep, from, to) in moves(account, leagues, &values) {
        let row = account.state.entry::<RepRow>(&keys::join(&[account.id, &rep]), RepRow::default);
        row.league = Some(leagues.order[to].clone());
        account.touch(Dirty::Rep { rep: &rep });
        if to > from {
            announce(account, period, &rep, &leagues.order[to]);
        }
    }
}

/// Who moves, from which league to which, from the lowest league up.
fn moves(account: &mut Account<'_>, leagues: &Leagues, values: &[(String, Amount)]) -> Vec<(String, usize, usize)> {
    let place_of: HashMap<&str, usize> = values.iter().enumerate().map(|(place, (rep, _))| (rep.as_str(), place)).collect();
    // the members of each league: those with a value in their order, then the others by id
    let mut members: Vec<Vec<(usize, String)>> = vec![Vec::new(); leagues.order.len()];
    for rep in roster::active(account) {
        let league = league_of(account, leagues, &rep);
        let place = place_of.get(rep.as_str()).copied().unwrap_or(usize::MAX);
        if let Some(members) = members.get_mut(league) {
            members.push((place, rep));
        }
    }
    let mut moves = Vec::new();
    for (league, mut members) in members.into_iter().enumerate() {
        members.sort_unstable();
        let mut up = 0;
        if league + 1 < leagues.order.len() {
            let has_earned_it =
                |(place, _): &&(usize, String)| values.get(*place).is_some_and(|(_, value)| *value > Amount::ZERO);
            up = members.iter().take(leagues.promote as usize).take_while(has_earned_it).count();
            moves.extend(members[..up].iter().map(|(_, rep)| (rep.clone(), league, league + 1)));
        }
        if league > 0 {
            let down = (leagues.relegate as usize).min(members.len() - up);
            moves.extend(members[members.len() - down..].iter().map(|(_, rep)| (rep.clone(), league, league - 1)));
        }
    }
    moves
}

/// The place of a rep's league in the order: where the rep was moved to, else where the rules start the rep, else the lowest.
fn league_of(account: &mut Account<'_>, leagues: &Leagues, rep: &str) -> usize {
    let book = account.book;
    let row = account.state.get::<RepRow>(&keys::join(&[account.id, rep]));
    let name = league_name(book, leagues, row.and_then(|row| row.league.as_deref()), rep);
    leagues.order.iter().position(|league| Some(league.as_str()) == name).unwrap_or(0)
}

/// The league of a rep who was moved to `moved_to`, if ever; `None` where there are no leagues.
pub fn league_name<'b>(book: &'b Rulebook, leagues: &'b Leagues, moved_to: Option<&str>, rep: &str) -> Option<&'b str> {
    let known = |name: &str| leagues.order.iter().map(String::as_str).find(|league| *league == name);
    let starts = || book.rep(rep).and_then(|rep| rep.league.as_deref()).and_then(known);
    moved_to.and_then(known).or_else(starts).or_else(|| leagues.order.first().map(String::as_str))
}

fn announce(account: &mut Account<'_>, period: &str, rep: &str, league: &str) {
    let title = format!("{} moves up to {league}", roster::rep_name(account.book, rep));
    let message = format!("Promoted by the results of {period}");
    let id = keys::join(&["promotion", period, rep]);
    let (kind, subject, at) = (AnnouncementKind::Promotion, Subject { kind: "rep", id: rep }, account.time);
    announcements::announce(account, &announcements::News { id: &id, kind, subject, title: &title, message: &message, at });
}

fn scope(period: &str) -> Scope<'_> {
    Scope { kind: Kind::League, key: "", period }
}
