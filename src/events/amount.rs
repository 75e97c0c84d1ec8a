//! Exact decimals: money, ratios, rates.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An exact decimal number, never a float. In JSON a string (`"1204.50"`), in the binary formats 16 bytes.
/// Addition and subtraction saturate at the ends of the range (±7.9 · 10²⁸) instead of panicking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(pub Decimal);

impl Amount {
    pub const ZERO: Amount = Amount(Decimal::ZERO);

    /// Reads a decimal text as written, JSON's exponent form included. `None` if it is no number, or one that cannot be
    /// kept exactly.
    pub fn parse(text: &str) -> Option<Amount> {
        let exact = |text: &str| Decimal::from_str_exact(text).ok();
        match text.find(['e', 'E']) {
            None => exact(text),
            Some(_) => Decimal::from_scientific(text).ok(),
        }
        .map(Amount)
    }

    /// A JSON value as a number: a decimal string, or a JSON number as it was written.
    pub fn from_json(value: &serde_json::Value) -> Option<Amount> {
        match value {
            serde_json::Value::String(text) => Amount::parse(text),
            serde_json::Value::Number(number) => Amount::parse(&number.to_string()),
            _ => None,
        }
    }

    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    pub fn is_negative(self) -> bool {
        self.0.is_sign_negative() && !self.0.is_zero()
    }

    /// The same number with its trailing zeros removed: `1.10` becomes `1.1`, `2.00` becomes `2`.
    pub fn normalized(self) -> Amount {
        Amount(self.0.normalize())
    }
}

impl From<i64> for Amount {
    fn from(number: i64) -> Amount {
        Amount(Decimal::from(number))
    }
}

impl FromStr for Amount {
    type Err = String;
    fn from_str(text: &str) -> Result<Amount, String> {
        Amount::parse(text).ok_or_else(|| format!("{text:?} is no decimal number"))
    }
}

impl Add for Amount {
    type Output = Amount;
    fn add(self, other: Amount) -> Amount {
        Amount(self.0.saturating_add(other.0))
    }
}

impl Sub for Amount {
    type Output = Amount;
    fn sub(self, other: Amount) -> Amount {
        Amount(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Amount) {
        *self = *self + other;
    }
}

impl SubAssign for Amount {
    fn sub_assign(&mut self, other: Amount) {
        *self = *self - other;
    }
}

impl Neg for Amount {
    type Output = Amount;
    fn neg(self) -> Amount {
        // not by flipping the sign, which would make a negative zero
        Amount::ZERO - self
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Amount>>(amounts: I) -> Amount {
        amounts.fold(Amount::ZERO, Add::add)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() { s.collect_str(&self.0) } else { self.0.serialize().serialize(s) }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            String::deserialize(d)?.parse().map_err(de::Error::custom)
        } else {
            <[u8; 16]>::deserialize(d).map(|bytes| Amount(Decimal::deserialize(bytes)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_exactly() {
        for (json, shown) in [
            ("\"1204.50\"", "1204.50"),
            ("0.1", "0.1"),
            ("1e3", "1000"),
            ("9007199254740993.01", "9007199254740993.01"),
            ("-5", "-5"),
        ] {
            assert_eq!(Amount::from_json(&serde_json::from_str(json).unwrap()).unwrap().to_string(), shown, "{json}");
        }
        for json in ["\"some\"", "\"\"", "null", "true", "[]", "\"1,5\"", "\"NaN\""] {
            assert_eq!(Amount::from_json(&serde_json::from_str(json).unwrap()), None, "{json}");
        }
    }

    #[test]
    fn keeps_its_value_in_binary() {
        let amount = Amount::parse("-1204.50").unwrap();
        let bytes = postcard::to_stdvec(&amount).unwrap();
        assert_eq!(postcard::from_bytes::<Amount>(&bytes).unwrap().to_string(), "-1204.50");
    }
}
