//! Instants and durations, to the millisecond.

use std::fmt;

use chrono::DateTime;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant: milliseconds since 1970-01-01T00:00:00Z. In JSON an RFC 3339 text in UTC with milliseconds, in the binary
/// formats an integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// Why a text is no instant.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no RFC 3339 time")]
pub struct InvalidTime(pub String);

impl Timestamp {
    /// Before every event.
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    /// After every event.
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    /// Reads an RFC 3339 text with any offset. Fractions beyond milliseconds are cut; second 60 is refused.
    pub fn parse(text: &str) -> Result<Timestamp, InvalidTime> {
        let invalid = || InvalidTime(text.to_owned());
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| invalid())?;
        // chrono carries a leap second as a nanosecond part of a second or more
        if time.timestamp_subsec_nanos() >= 1_000_000_000 {
            return Err(invalid());
        }
        let millis = time.timestamp_millis();
        // what cannot be printed again with a year of four digits is no time of ours
        if !(Self::YEAR_ZERO..Self::YEAR_TEN_THOUSAND).contains(&millis) {
            return Err(invalid());
        }
        Ok(Timestamp(millis))
    }

    const YEAR_ZERO: i64 = -62_167_219_200_000;
    const YEAR_TEN_THOUSAND: i64 = 253_402_300_800_000;

    /// This instant plus a duration, kept within what can be represented.
    pub fn plus(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(duration.0))
    }

    /// This instant minus a duration, kept within what can be represented.
    pub fn minus(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(duration.0))
    }

    /// The 24 bytes of `2026-11-03T12:01:05.123Z`.
    pub fn to_bytes(self) -> [u8; 24] {
        let millis = self.0.clamp(Self::YEAR_ZERO, Self::YEAR_TEN_THOUSAND - 1);
        let (days, rest) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
        let (year, month, day) = civil_from_days(days);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let mut put = |at: usize, width: usize, mut number: i64| {
            for i in (at..at + width).rev() {
                text[i] = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        put(0, 4, year);
        put(5, 2, month);
        put(8, 2, day);
        put(11, 2, rest / 3_600_000);
        put(14, 2, rest / 60_000 % 60);
        put(17, 2, rest / 1000 % 60);
        put(20, 3, rest % 1000);
        text
    }
}

/// The civil date of a day counted from 1970-01-01 (proleptic Gregorian): year, month, day.
/// Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_bytes()).unwrap_or("?"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            s.serialize_str(std::str::from_utf8(&self.to_bytes()).unwrap_or("?"))
        } else {
            s.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            Timestamp::parse(&String::deserialize(d)?).map_err(de::Error::custom)
        } else {
            i64::deserialize(d).map(Timestamp)
        }
    }
}

/// A length of time in milliseconds; in text `90s`, `15m`, `1h`, `7d`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub i64);

impl Duration {
    pub const fn hours(hours: i64) -> Duration {
        Duration(hours * 3_600_000)
    }

    pub const fn days(days: i64) -> Duration {
        Duration(days * 86_400_000)
    }

    /// Reads `500ms`, `90s`, `15m`, `1h` or `7d`: a whole number and one unit.
    pub fn parse(text: &str) -> Option<Duration> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number: i64 = text[..digits].parse().ok()?;
        let unit = match &text[digits..] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        number.checked_mul(unit).map(Duration)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
        let (size, unit) = units.into_iter().find(|(size, _)| self.0 % size == 0).unwrap_or((1, "ms"));
        write!(f, "{}{unit}", self.0 / size)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Duration::parse(&text).ok_or_else(|| de::Error::custom(format!("{text:?} is no duration: write 90s, 15m, 1h or 7d")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_instants() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-03T12:01:05.123Z", 1_793_707_265_123),
            ("2026-11-03T09:01:05.1239999-03:00", 1_793_707_265_123),
            ("1969-12-31T23:59:59.999Z", -1),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000),
        ] {
            assert_eq!(Timestamp::parse(text).unwrap(), Timestamp(millis), "{text}");
        }
        for text in ["", "2026-11-03", "2026-11-03T12:01:60Z", "2026-13-03T12:01:05Z", "2026-11-03T12:01:05", "yesterday"] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
        for millis in [0, -1, 951_782_400_000, 1_793_707_265_123, 4_102_444_799_999] {
            let text = Timestamp(millis).to_string();
            assert_eq!(
                text,
                chrono::DateTime::from_timestamp_millis(millis).unwrap().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
            );
        }
    }

    #[test]
    fn reads_and_prints_durations() {
        for (text, millis) in [("90s", 90_000), ("15m", 900_000), ("1h", 3_600_000), ("7d", 604_800_000), ("50ms", 50)] {
            assert_eq!(Duration::parse(text), Some(Duration(millis)));
            assert_eq!(Duration::parse(&Duration(millis).to_string()), Some(Duration(millis)));
        }
        for text in ["", "h", "1", "-1h", "1.5h", "1w", "99999999999999999999d", "9223372036854775807d"] {
            assert_eq!(Duration::parse(text), None, "{text}");
        }
    }
}
