//! Periods: half-open spans of time, cut in an account's time zone.

use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Timestamp;

/// How time is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    Day,
    Week,
    Month,
    Quarter,
    Year,
    /// All time: one period without start and end.
    All,
}

/// A half-open span `[start, end)`; `None` is unbounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
}

impl Span {
    pub const ALL: Span = Span { start: None, end: None };

    pub fn new(start: Timestamp, end: Timestamp) -> Span {
        Span { start: Some(start), end: Some(end) }
    }

    pub fn contains(&self, time: Timestamp) -> bool {
        self.start.is_none_or(|start| time >= start) && self.end.is_none_or(|end| time < end)
    }
}

/// One period of a window: its label (`2026-11-03`, `2026-W45`, `2026-11`, `2026-Q4`, `2026`, `all`) and span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    pub label: String,
    pub span: Span,
}

/// The calendar of an account: its time zone and the first day of its weeks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    pub zone: Tz,
    pub week_starts: chrono::Weekday,
}

impl Calendar {
    /// The date of an instant in the account's zone.
    pub fn date(&self, time: Timestamp) -> NaiveDate {
        let utc = DateTime::from_timestamp_millis(time.0).unwrap_or_default();
        utc.with_timezone(&self.zone).date_naive()
    }

    /// The period of a window that holds an instant.
    pub fn period(&self, window: Window, time: Timestamp) -> Period {
        if window == Window::All {
            return Period { label: "all".to_owned(), span: Span::ALL };
        }
        let date = self.date(time);
        let (first, next) = self.bounds(window, date);
        Period { label: label(window, first), span: Span::new(self.start_of(first), self.start_of(next)) }
    }

    /// The period of a window whose span starts where `period` ends; `None` after [`Window::All`].
    pub fn next(&self, window: Window, period: &Period) -> Option<Period> {
        period.span.end.map(|end| self.period(window, end))
    }

    fn bounds(&self, window: Window, date: NaiveDate) -> (NaiveDate, NaiveDate) {
        let month = |year: i32, month0: u32| {
            NaiveDate::from_ymd_opt(year + (month0 / 12) as i32, month0 % 12 + 1, 1).unwrap_or(NaiveDate::MAX)
        };
        match window {
            Window::Day => (date, plus_days(date, 1)),
            Window::Week => {
                let first =
                    date.checked_sub_days(Days::new(u64::from(date.weekday().days_since(self.week_starts)))).unwrap_or(date);
                (first, plus_days(first, 7))
            }
            Window::Month => (month(date.year(), date.month0()), month(date.year(), date.month0() + 1)),
            Window::Quarter => {
                let first = date.month0() / 3 * 3;
                (month(date.year(), first), month(date.year(), first + 3))
            }
            Window::Year => (month(date.year(), 0), month(date.year(), 12)),
            Window::All => (NaiveDate::MIN, NaiveDate::MAX),
        }
    }

    /// The first instant of a date in the zone. Where the clock jumps over midnight, the instant of the jump.
    pub fn start_of(&self, date: NaiveDate) -> Timestamp {
        let midnight = date.and_time(NaiveTime::MIN);
        let instant = match self.zone.from_local_datetime(&midnight) {
            LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => time.timestamp_millis(),
            LocalResult::None => self.end_of_gap(midnight.and_utc().timestamp_millis(), date),
        };
        Timestamp(instant)
    }

    /// The first instant that shows `date`, found by halving: clocks jump by a day at most.
    fn end_of_gap(&self, around: i64, date: NaiveDate) -> i64 {
        let (mut before, mut after) = (around - 2 * 86_400_000, around + 2 * 86_400_000);
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if self.date(Timestamp(middle)) < date { before = middle } else { after = middle }
        }
        after
    }
}

fn plus_days(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX)
}

fn label(window: Window, first: NaiveDate) -> String {
    match window {
        Window::Day => first.format("%Y-%m-%d").to_string(),
        Window::Week => {
            // the ISO week of the week's Thursday, whichever day the week starts on
            let to_thursday = chrono::Weekday::Thu.days_since(first.weekday());
            let week = plus_days(first, u64::from(to_thursday)).iso_week();
            format!("{:04}-W{:02}", week.year(), week.week())
        }
        Window::Month => first.format("%Y-%m").to_string(),
        Window::Quarter => format!("{:04}-Q{}", first.year(), first.month0() / 3 + 1),
        Window::Year => format!("{:04}", first.year()),
        Window::All => "all".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(zone: &str, week_starts: chrono::Weekday) -> Calendar {
        Calendar { zone: zone.parse().unwrap(), week_starts }
    }

    #[track_caller]
    fn check(zone: &str, window: Window, time: &str, label: &str, start: &str, end: &str) {
        let period = calendar(zone, chrono::Weekday::Mon).period(window, Timestamp::parse(time).unwrap());
        let shown = (period.label.as_str(), period.span.start.unwrap().to_string(), period.span.end.unwrap().to_string());
        assert_eq!(shown, (label, start.to_owned(), end.to_owned()));
    }

    #[test]
    fn cuts_periods_in_the_zone() {
        check(
            "America/Sao_Paulo",
            Window::Month,
            "2026-03-01T02:59:59Z",
            "2026-02",
            "2026-02-01T03:00:00.000Z",
            "2026-03-01T03:00:00.000Z",
        );
        check("UTC", Window::Week, "2026-11-03T12:00:00Z", "2026-W45", "2026-11-02T00:00:00.000Z", "2026-11-09T00:00:00.000Z");
        check("UTC", Window::Week, "2027-01-01T12:00:00Z", "2026-W53", "2026-12-28T00:00:00.000Z", "2027-01-04T00:00:00.000Z");
        check("UTC", Window::Quarter, "2026-11-03T12:00:00Z", "2026-Q4", "2026-10-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z");
        check("UTC", Window::Year, "2026-11-03T12:00:00Z", "2026", "2026-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_day_of_a_clock_change_has_23_or_25_hours() {
        check(
            "America/New_York",
            Window::Day,
            "2026-03-08T12:00:00Z",
            "2026-03-08",
            "2026-03-08T05:00:00.000Z",
            "2026-03-09T04:00:00.000Z",
        );
        check(
            "America/New_York",
            Window::Day,
            "2026-11-01T12:00:00Z",
            "2026-11-01",
            "2026-11-01T04:00:00.000Z",
            "2026-11-02T05:00:00.000Z",
        );
    }

    #[test]
    fn a_day_without_midnight_starts_at_the_jump() {
        // Sao Paulo went from 00:00 to 01:00 on 2018-11-04
        check(
            "America/Sao_Paulo",
            Window::Day,
            "2018-11-04T12:00:00Z",
            "2018-11-04",
            "2018-11-04T03:00:00.000Z",
            "2018-11-05T02:00:00.000Z",
        );
    }

    #[test]
    fn a_week_from_sunday_is_named_by_its_thursday() {
        let calendar = calendar("UTC", chrono::Weekday::Sun);
        let period = calendar.period(Window::Week, Timestamp::parse("2026-11-08T00:00:00Z").unwrap());
        assert_eq!(
            (period.label.as_str(), period.span.start.unwrap().to_string()),
            ("2026-W46", "2026-11-08T00:00:00.000Z".into())
        );
    }
}
