//! Exact decimals: money, ratios, rates.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An exact decimal number, never a float. In JSON a string (`"1204.50"`), in the binary formats its digits as an integer
/// of variable length, then the number of decimal places.
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

    /// The text of the number, as it is displayed.
    pub fn text(self) -> AmountText {
        let (mut digits, scale) = (self.0.mantissa().unsigned_abs(), self.0.scale());
        let mut text = AmountText { bytes: [0; AmountText::LONGEST], from: AmountText::LONGEST };
        let mut places = 0;
        while digits > 0 || places <= scale {
            if places == scale && scale > 0 {
                text.push(b'.');
            }
            // nearly every amount fits into 64 bits, which are ten times as fast to divide
            let digit = match u64::try_from(digits) {
                Ok(few) => {
                    digits = (few / 10).into();
                    few % 10
                }
                Err(_) => {
                    let digit = digits % 10;
                    digits /= 10;
                    digit as u64
                }
            };
            text.push(b'0' + digit as u8);
            places += 1;
        }
        if self.0.is_sign_negative() {
            text.push(b'-');
        }
        text
    }

    /// The same number with its trailing zeros removed: `1.10` becomes `1.1`, `2.00` becomes `2`.
    pub fn normalized(self) -> Amount {
        Amount(self.0.normalize())
    }
}

/// The text of an amount, without an allocation.
#[derive(Clone, Copy, Debug)]
pub struct AmountText {
    /// Filled from the end.
    bytes: [u8; AmountText::LONGEST],
    from: usize,
}

impl AmountText {
    /// A sign, 29 digits, a zero and a point.
    const LONGEST: usize = 32;

    fn push(&mut self, byte: u8) {
        self.from -= 1;
        self.bytes[self.from] = byte;
    }

    pub fn as_str(&self) -> &str {
        // digits, a point and a sign are ASCII
        std::str::from_utf8(&self.bytes[self.from..]).unwrap_or_default()
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
        if s.is_human_readable() {
            s.serialize_str(self.text().as_str())
        } else {
            (self.0.mantissa(), self.0.scale() as u8).serialize(s)
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            String::deserialize(d)?.parse().map_err(de::Error::custom)
        } else {
            let (digits, places) = <(i128, u8)>::deserialize(d)?;
            Decimal::try_from_i128_with_scale(digits, places.into()).map(Amount).map_err(de::Error::custom)
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
    fn keeps_its_value_in_text_and_binary() {
        let numbers = ["0", "0.00", "-1204.50", "0.05", "-0.5", "7", "100", "0.0000000000000000000000000001"];
        let ends = ["79228162514264337593543950335", "-7.9228162514264337593543950335", "18446744073709551616"];
        for text in numbers.into_iter().chain(ends) {
            let amount = Amount::parse(text).unwrap();
            assert_eq!(amount.text().as_str(), text);
            assert_eq!(amount.to_string(), text);
            let bytes = postcard::to_stdvec(&amount).unwrap();
            assert_eq!(postcard::from_bytes::<Amount>(&bytes).unwrap().to_string(), text);
        }
        let too_large = postcard::to_stdvec(&(i128::MAX, 0u8)).unwrap();
        assert!(postcard::from_bytes::<Amount>(&too_large).is_err());
        assert!(postcard::from_bytes::<Amount>(&[2, 29]).is_err());
    }
}
