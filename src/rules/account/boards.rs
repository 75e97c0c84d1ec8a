//! Leaderboards: each period of a board is a ranking of reps or teams, published until it is final.

use super::metrics::Contribution;
use super::ranking::{Kind, Scope};
use super::timers::{self, Timer};
use super::{Account, publish, ranking, tally};
use crate::events::{Timestamp, Window, keys};
use crate::outputs::{self, Output};
use crate::rulebook::{Leaderboard, Of};

/// Takes a contribution to the boards that rank by its metric.
pub fn take(account: &mut Account<'_>, contribution: &Contribution<'_>) {
    let book = account.book;
    // the boards of reps change one row together, and so do those of teams
    for of in [Of::Rep, Of::Team, Of::Account] {
        let mut boards =
            book.leaderboards.iter().filter(|board| board.of == of && board.metric == contribution.metric).peekable();
        if boards.peek().is_none() {
            continue;
        }
        let Some(subject) = ranking::subject_of(account, of, contribution.rep) else { continue };
        let rankings: Vec<u32> = boards.filter_map(|board| enter(account, board, contribution.at)).collect();
        if !rankings.is_empty() {
            tally::add(account, &rankings, subject, contribution.value, contribution.at);
            publish::boards_wait(account, &rankings);
        }
    }
}

/// The ranking of a board's period that holds an instant; `None` where that is final.
fn enter(account: &mut Account<'_>, board: &Leaderboard, at: Timestamp) -> Option<u32> {
    let period = account.period(board.window, at);
    if account.is_final(period.span) {
        account.pending.late = true;
        return None;
    }
    let version = account.book.version;
    let (number, new) = ranking::enter(account, scope(&board.key, &period.label), period.span, version, at);
    if let Some(due) = account.final_at(period.span).filter(|_| new) {
        close_at(account, due, &board.key, &period.label);
    }
    Some(number)
}

fn close_at(account: &mut Account<'_>, due: Timestamp, board: &str, period: &str) {
    let timer = Timer::BoardCloses { board: board.to_owned(), period: period.to_owned() };
    timers::set(account, due, &keys::join(&[board, period]), timer);
}

/// A period of a board is final: it is published for the last time, and its rows leave the state.
pub fn close(account: &mut Account<'_>, board: &str, period: &str) {
    let scope = scope(board, period);
    let Some(ranking) = ranking::get(account, scope) else { return };
    if let Some(due) = account.final_at(ranking.span).filter(|due| *due > account.time) {
        return close_at(account, due, board, period); // a newer version waits longer
    }
    let now = account.time;
    ranking::note_day(account, scope, now);
    write(account, board, period, true);
    ranking::clear(account, scope);
}

/// Publishes a board as it stands.
pub fn publish(account: &mut Account<'_>, board: &str, period: &str) {
    write(account, board, period, false);
}

fn write(account: &mut Account<'_>, board: &str, period: &str, is_final: bool) {
    let scope = scope(board, period);
    let Some(ranking) = ranking::get(account, scope) else { return };
    let Some(book) = account.rules.version(ranking.version) else { return };
    let Some(rule) = book.leaderboards.iter().find(|rule| rule.key == board) else { return };
    let standings = ranking::listed(account, scope, rule.top as usize);
    let names = account.book;
    let entries = ranking::entries(account, scope, &standings, names, rule.of, &rule.metric, book);
    let account_id = account.id;
    account.emit(&Output::Leaderboard(outputs::Leaderboard {
        account: account_id,
        board,
        metric: &rule.metric,
        window: window_name(rule.window),
        period,
        of: rule.of.name(),
        starts: ranking.span.start,
        ends: ranking.span.end,
        r#final: is_final,
        entries,
    }));
}

fn scope<'s>(board: &'s str, period: &'s str) -> Scope<'s> {
    Scope { kind: Kind::Board, key: board, period }
}

fn window_name(window: Window) -> &'static str {
    match window {
        Window::Day => "day",
        Window::Week => "week",
        Window::Month => "month",
        Window::Quarter => "quarter",
        Window::Year => "year",
        Window::All => "all",
    }
}
