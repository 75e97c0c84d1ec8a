//! A cache of the periods that were cut lately: most events lie in the same few.

use std::sync::Arc;

use crate::events::{Calendar, Period, Timestamp, Window};

/// How many periods are kept: a few for each window, so that late events do not push out the present ones.
const KEPT: usize = 24;

/// The periods that were cut lately.
#[derive(Debug, Default)]
pub struct Periods {
    recent: Vec<(Calendar, Window, Arc<Period>)>,
    /// The place to be overwritten next.
    oldest: usize,
}

impl Periods {
    /// The period of a window that holds an instant.
    pub fn of(&mut self, calendar: Calendar, window: Window, at: Timestamp) -> Arc<Period> {
        let known = self.recent.iter().find(|(c, w, period)| *w == window && period.span.contains(at) && *c == calendar);
        if let Some((_, _, period)) = known {
            return period.clone();
        }
        let period = Arc::new(calendar.period(window, at));
        let entry = (calendar, window, period.clone());
        if self.recent.len() < KEPT {
            self.recent.push(entry);
        } else {
            self.recent[self.oldest] = entry;
            self.oldest = (self.oldest + 1) % KEPT;
        }
        period
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_what_the_calendar_gives() {
        let calendars = ["America/Sao_Paulo", "America/New_York", "UTC"]
            .map(|zone| Calendar { zone: zone.parse().unwrap(), week_starts: chrono::Weekday::Mon });
        let windows = [Window::Day, Window::Week, Window::Month, Window::Quarter, Window::Year, Window::All];
        let mut periods = Periods::default();
        for step in 0..2_000i64 {
            let at = Timestamp(1_790_000_000_000 + (step * 7_919_333_000) % 10_000_000_000);
            let calendar = calendars[step as usize % 3];
            let window = windows[step as usize % 6];
            assert_eq!(*periods.of(calendar, window, at), calendar.period(window, at));
        }
    }
}
