//! Leaderboards: each period of a board is a ranking of reps or teams, published until it is final.

use super::metrics::Contribution;
use super::publish::Dirty;
use super::timers::{self, Timer};
use super::{Account, ranking};
use crate::events::{Timestamp, Window, keys};
use crate::outputs::{self, Output};
use crate::rulebook::Leaderboard;

/// Takes a contribution to the boards that rank by its metric.
pub fn take(account: &mut Account<'_>, contribution: &Contribution<'_>) {
    let book = account.book;
    for board in book.leaderboards.iter().filter(|board| board.metric == contribution.metric) {
        take_to(account, board, contribution);
    }
}

fn take_to(account: &mut Account<'_>, board: &Leaderboard, contribution: &Contribution<'_>) {
    let Some(subject) = ranking::subject_of(account, board.of, contribution.rep) else { return };
    let period = account.period(board.window, contribution.at);
    if account.is_final(period.span) {
        account.pending.late = true;
        return;
    }
    let scope = scope(&board.key, &period.label);
    let version = account.book.version;
    let new = ranking::add(account, &scope, period.span, version, subject, contribution.value, contribution.at);
    if let Some(due) = account.final_at(period.span).filter(|_| new) {
        close_at(account, due, &board.key, &period.label);
    }
    account.touch(Dirty::Board { board: board.key.clone(), period: period.label.clone() });
}

fn close_at(account: &mut Account<'_>, due: Timestamp, board: &str, period: &str) {
    let timer = Timer::BoardCloses { board: board.to_owned(), period: period.to_owned() };
    timers::set(account, due, &keys::join(&[board, period]), timer);
}

/// A period of a board is final: it is published for the last time, and its rows leave the state.
pub fn close(account: &mut Account<'_>, board: &str, period: &str) {
    let scope = scope(board, period);
    let Some(ranking) = ranking::get(account, &scope) else { return };
    if let Some(due) = account.final_at(ranking.span).filter(|due| *due > account.time) {
        return close_at(account, due, board, period); // a newer version waits longer
    }
    let now = account.time;
    ranking::note_day(account, &scope, now);
    write(account, board, period, true);
    ranking::clear(account, &scope);
}

/// Publishes a board as it stands.
pub fn publish(account: &mut Account<'_>, board: &str, period: &str) {
    write(account, board, period, false);
}

fn write(account: &mut Account<'_>, board: &str, period: &str, is_final: bool) {
    let scope = scope(board, period);
    let Some(ranking) = ranking::get(account, &scope) else { return };
    let Some(book) = account.rules.version(ranking.version) else { return };
    let Some(rule) = book.leaderboards.iter().find(|rule| rule.key == board) else { return };
    let standings = ranking::listed(account, &scope, rule.top as usize);
    let names = account.book;
    let entries = ranking::entries(account, &scope, &standings, names, rule.of, &rule.metric, book);
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

fn scope(board: &str, period: &str) -> String {
    keys::join(&["board", board, period])
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
