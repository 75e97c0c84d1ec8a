//! Instants in the form in which nearly all come: `2026-11-03T12:01:05Z`, or with three digits of fraction.

use crate::events::Timestamp;

/// Reads that form; `None` for any other, which may be right all the same.
pub fn parse_utc(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let millis = match bytes.len() {
        20 if bytes[19] == b'Z' => 0,
        24 if bytes[19] == b'.' && bytes[23] == b'Z' => number(&bytes[20..23])?,
        _ => return None,
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if marks.iter().any(|&(at, mark)| bytes[at] != mark) {
        return None;
    }
    let (year, month, day) = (number(&bytes[..4])?, number(&bytes[5..7])?, number(&bytes[8..10])?);
    let (hour, minute, second) = (number(&bytes[11..13])?, number(&bytes[14..16])?, number(&bytes[17..19])?);
    // days that only some months have are left to the calendar
    if !(1..=12).contains(&month) || !(1..=28).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = ((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some(Timestamp(seconds * 1000 + millis))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
}

/// The day of a civil date counted from 1970-01-01 (proleptic Gregorian).
/// Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_the_calendar(millis in -62_167_219_200_000i64..253_402_300_800_000) {
            let text = Timestamp(millis).to_string();
            if let Some(time) = parse_utc(&text) {
                prop_assert_eq!(time, Timestamp(millis));
            } else {
                prop_assert!(text[8..10].parse::<u32>().unwrap() > 28);
            }
        }

        #[test]
        fn reads_nothing_that_is_not_a_time(text in "[0-9]{4}[-/][0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{3})?[Zz+]") {
            if let Some(time) = parse_utc(&text) {
                prop_assert_eq!(Timestamp::parse(&text).ok(), Some(time));
            }
        }
    }
}
