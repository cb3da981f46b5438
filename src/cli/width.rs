//! How many columns of a terminal a text takes.
//!
//! Promises: a sign of Chinese, Japanese or Korean and an emoji count two, an accent none, and no
//! cut goes through a sign. Must not: be used for what a network counts; that is the domain's part.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::domain::visible::shows;

/// Blocks whose signs take two columns (Unicode, East Asian Width W and F, and emoji).
const WIDE: [(char, char); 25] = [
    ('\u{1100}', '\u{115F}'),
    ('\u{231A}', '\u{231B}'),
    ('\u{23E9}', '\u{23EC}'),
    ('\u{2614}', '\u{2615}'),
    ('\u{2648}', '\u{2653}'),
    ('\u{26A1}', '\u{26A1}'),
    ('\u{26BD}', '\u{26BE}'),
    ('\u{2705}', '\u{2705}'),
    ('\u{2728}', '\u{2728}'),
    ('\u{274C}', '\u{274C}'),
    ('\u{2753}', '\u{2757}'),
    ('\u{2B50}', '\u{2B50}'),
    ('\u{2E80}', '\u{303E}'),
    ('\u{3041}', '\u{A4CF}'),
    ('\u{A960}', '\u{A97F}'),
    ('\u{AC00}', '\u{D7A3}'),
    ('\u{F900}', '\u{FAFF}'),
    // The sign that asks for the colourful form of the one before it.
    ('\u{FE0F}', '\u{FE0F}'),
    ('\u{FE30}', '\u{FE6F}'),
    ('\u{FF01}', '\u{FF60}'),
    ('\u{FFE0}', '\u{FFE6}'),
    ('\u{1F1E6}', '\u{1F64F}'),
    ('\u{1F680}', '\u{1F6FF}'),
    ('\u{1F900}', '\u{1FAFF}'),
    ('\u{20000}', '\u{3FFFD}'),
];

/// The columns of a line.
pub(super) fn width(line: &str) -> usize {
    line.graphemes(true).map(width_of).sum()
}

/// The columns of one sign as a person sees it.
fn width_of(grapheme: &str) -> usize {
    let wide = |sign: char| WIDE.iter().any(|(first, last)| (*first..=*last).contains(&sign));
    if grapheme.chars().any(wide) {
        return 2;
    }
    usize::from(grapheme.chars().any(|sign| sign == ' ' || sign == '\u{A0}' || shows(sign)))
}

/// A line of at most `max` columns, with `…` where it was cut.
pub(super) fn cut(line: &str, max: usize) -> String {
    if width(line) <= max {
        return line.to_owned();
    }
    let mut kept = String::new();
    let mut left = max.saturating_sub(1);
    for grapheme in line.graphemes(true) {
        let Some(rest) = left.checked_sub(width_of(grapheme)) else { break };
        left = rest;
        kept.push_str(grapheme);
    }
    let mut kept = kept.trim_end().to_owned();
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_of_a_terminal() {
        for (text, columns) in [
            ("", 0),
            ("plain", 5),
            ("a b", 3),
            ("日本語", 6),
            ("한국어", 6),
            ("e\u{301}", 1),
            ("👩‍👩‍👧‍👦", 2),
            ("🇩🇰", 2),
            ("❤️", 2),
            ("ＡＢ", 4),
            ("a\u{200b}b", 2),
        ] {
            assert_eq!(width(text), columns, "{text:?}");
        }
    }

    #[test]
    fn a_cut_spares_signs_and_keeps_to_the_columns() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "long…");
        assert_eq!(cut("日本語の", 6), "日本…");
        assert_eq!(cut("日本語の", 5), "日本…");
        assert_eq!(cut("ab 👩‍👩‍👧‍👦 cd", 5), "ab…");
        assert_eq!(cut("anything", 0), "…");
    }
}
