//! Reads JSON that is laid out as expected, to the letter; anything else is None.

use std::ops::Range;

/// Where a text stands in what was scanned.
pub type Place = Range<usize>;

pub struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    /// Of UTF-8 in which nothing is escaped, so that a text ends at the next quote and is what it stands for.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let escapes = bytes
            .iter()
            .fold(false, |found, &b| found | (b < 0x20) | (b == b'\\'));
        std::str::from_utf8(bytes).ok()?;
        (!escapes).then_some(Self { bytes, at: 0 })
    }

    pub fn at(&self) -> usize {
        self.at
    }

    pub fn ended(&self) -> bool {
        self.at == self.bytes.len()
    }

    pub fn literal(&mut self, text: &[u8]) -> Option<()> {
        self.found(text).then_some(())
    }

    pub fn found(&mut self, text: &[u8]) -> bool {
        let found = self.bytes[self.at..].starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    pub fn text(&mut self) -> Option<Place> {
        self.literal(b"\"")?;
        let from = self.at;
        let length = self.bytes[from..].iter().position(|&b| b == b'"')?;
        self.at = from + length + 1;
        Some(from..from + length)
    }

    pub fn integer(&mut self) -> Option<i64> {
        let digits = self.while_of(|b| b.is_ascii_digit() || b == b'-');
        let bare = digits.strip_prefix(b"-").unwrap_or(digits);
        let plain = bare == b"0" || matches!(bare.first(), Some(b'1'..=b'9'));
        plain.then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
    }

    /// JSON's numbers (RFC 8259, section 6), of which the value is not asked.
    pub fn number(&mut self) -> Option<()> {
        self.found(b"-");
        let whole = self.while_of(|b| b.is_ascii_digit());
        if whole.is_empty() || (whole[0] == b'0' && whole.len() > 1) {
            return None;
        }
        if self.found(b".") && self.while_of(|b| b.is_ascii_digit()).is_empty() {
            return None;
        }
        if self.found(b"e") || self.found(b"E") {
            let _ = self.found(b"-") || self.found(b"+");
            if self.while_of(|b| b.is_ascii_digit()).is_empty() {
                return None;
            }
        }
        Some(())
    }

    /// What `read` reads, or null.
    pub fn nullable<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.found(b"null") {
            Some(None)
        } else {
            read(self).map(Some)
        }
    }

    fn while_of(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&b| !belongs(b)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }
}
