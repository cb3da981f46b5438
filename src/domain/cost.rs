//! What an attempt costs at X, by the price table of the config.
//!
//! Promises: whole micro-dollars, no floating point after the config is read. Must not: know when a
//! post goes out or whether it may.

use std::fmt;

/// An amount of US dollars, in millionths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usd(i64);

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From millionths of a dollar.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// In millionths of a dollar.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The sum, never beyond what fits.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::iter::Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for Usd {
    /// `$0.20`, `$0.015`: at least two decimals, no trailing zeros beyond them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let micros = self.0.unsigned_abs();
        let mut decimals = format!("{:06}", micros % 1_000_000);
        while decimals.len() > 2 && decimals.ends_with('0') {
            decimals.pop();
        }
        write!(f, "{sign}${}.{decimals}", micros / 1_000_000)
    }
}

/// What X charges (contract, section 9.2). Other networks are free through Ayrshare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices {
    /// One post without a link.
    pub post: Usd,
    /// One post in which X sees at least one link.
    pub post_with_link: Usd,
    /// The description of one image.
    pub alt_text: Usd,
    /// Deleting one post.
    pub delete: Usd,
}

impl Default for Prices {
    fn default() -> Self {
        Self {
            post: Usd::from_micros(15_000),
            post_with_link: Usd::from_micros(200_000),
            alt_text: Usd::from_micros(5_000),
            delete: Usd::from_micros(10_000),
        }
    }
}

impl Prices {
    /// What one attempt on a platform costs. `has_link` is whether X will see a link in the text,
    /// by its own rules, bare domains included.
    pub fn attempt(&self, is_x: bool, has_link: bool) -> Usd {
        match (is_x, has_link) {
            (false, _) => Usd::ZERO,
            (true, false) => self.post,
            (true, true) => self.post_with_link,
        }
    }

    /// What the alt texts of one attempt cost beside it.
    pub fn alt_texts(&self, is_x: bool, texts: usize) -> Usd {
        let texts = i64::try_from(texts).unwrap_or(i64::MAX);
        if is_x { Usd(self.alt_text.0.saturating_mul(texts)) } else { Usd::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_like_money() {
        let shown = |micros| Usd::from_micros(micros).to_string();
        assert_eq!(shown(0), "$0.00");
        assert_eq!(shown(15_000), "$0.015");
        assert_eq!(shown(200_000), "$0.20");
        assert_eq!(shown(12_345_678), "$12.345678");
        assert_eq!(shown(-2_500_000), "-$2.50");
    }

    #[test]
    fn only_x_costs_and_a_link_costs_more() {
        let prices = Prices::default();
        assert_eq!(prices.attempt(true, true).to_string(), "$0.20");
        assert_eq!(prices.attempt(true, false).to_string(), "$0.015");
        assert_eq!(prices.attempt(false, true), Usd::ZERO);
        assert_eq!(prices.alt_texts(true, 3).to_string(), "$0.015");
        assert_eq!(prices.alt_texts(false, 3), Usd::ZERO);
    }
}
