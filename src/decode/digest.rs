//! Content hashes: equal for contents that are equal as JSON, whatever the order of keys, the escapes of a string, or the way
//! a number is written (`1`, `1.0` and `1e0` are one). The same on every machine and in every run, since they are stored:
//! XXH3 of the texts, combined by fixed multiplications.

use twox_hash::XxHash3_64;

/// The hash of bytes, by a seed that says what they are.
pub fn bytes(seed: u64, bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(seed, bytes)
}

/// Folds two hashes into one; the order matters.
pub fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0xd6e8_feb8_6659_fd93);
    (product as u64) ^ (product >> 64) as u64
}

pub(super) const NULL: u64 = 0x2545_f491_4f6c_dd1d;
pub(super) const TRUE: u64 = 0x5851_f42d_4c95_7f2d;
pub(super) const FALSE: u64 = 0x1405_7b7e_f767_814f;
const STRING: u64 = 1;
const NUMBER: u64 = 2;
pub(super) const ARRAY: u64 = 3;
pub(super) const OBJECT: u64 = 4;

pub(super) fn string(text: &str) -> u64 {
    bytes(STRING, text.as_bytes())
}

/// The member of an object. Members are added up, so that their order is nothing.
pub(super) fn member(name: &str, value: u64) -> u64 {
    mix(string(name), value)
}

/// A JSON number by its value: sign, digits without leading and trailing zeros, power of ten of the last digit.
pub(super) fn number(text: &str) -> u64 {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    let Some(last) = digits().rposition_nonzero() else { return mix(NUMBER, 0) };
    let mut hash = mix(NUMBER, 1 + u64::from(negative));
    // eighteen digits at a time
    let (mut chunk, mut size) = (0u64, 0);
    for digit in digits().take(last + 1).skip_while(|&digit| digit == b'0') {
        chunk = chunk * 10 + u64::from(digit - b'0');
        size += 1;
        if size == 18 {
            hash = mix(hash, chunk);
            (chunk, size) = (0, 0);
        }
    }
    // an exponent beyond this range is no number that anyone can use
    let exponent = exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { i64::MIN } else { i64::MAX });
    let power = exponent.saturating_add(whole.len() as i64 - 1 - last as i64);
    mix(mix(hash, chunk ^ (size << 60)), power as u64)
}

trait LastNonzero {
    fn rposition_nonzero(self) -> Option<usize>;
}

impl<I: Iterator<Item = u8>> LastNonzero for I {
    fn rposition_nonzero(self) -> Option<usize> {
        self.enumerate().filter(|&(_, digit)| digit != b'0').map(|(at, _)| at).last()
    }
}
