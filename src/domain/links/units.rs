//! What code units X's rules tell apart.
//!
//! Promises: the character classes of twitter-text 3.1.0, case ignored as JavaScript ignores it. Must
//! not: know what a link is.

/// Inclusive ranges of UTF-16 code units.
pub(super) type Ranges = [(u16, u16)];

/// Accented Latin letters and combining accents, and what folds onto them when case is ignored.
pub(super) const ACCENTED: &Ranges = &[
    (0x00C0, 0x00D6),
    (0x00D8, 0x00F6),
    (0x00F8, 0x024F),
    (0x0253, 0x0254),
    (0x0256, 0x0257),
    (0x0259, 0x0259),
    (0x025B, 0x025B),
    (0x0260, 0x0260),
    (0x0263, 0x0263),
    (0x0268, 0x0269),
    (0x026F, 0x026F),
    (0x0272, 0x0272),
    (0x0275, 0x0275),
    (0x0280, 0x0280),
    (0x0283, 0x0283),
    (0x0288, 0x028C),
    (0x0292, 0x0292),
    (0x02BB, 0x02BB),
    (0x0300, 0x036F),
    (0x0399, 0x0399),
    (0x03B9, 0x03B9),
    (0x1E00, 0x1EFF),
    (0x1FBE, 0x1FBE),
    (0x2C65, 0x2C66),
    (0x2C7E, 0x2C7F),
    (0xA7DC, 0xA7DC),
];

/// Cyrillic letters and marks, which a path may hold too.
pub(super) const CYRILLIC: &Ranges = &[(0x0400, 0x04FF), (0x1C80, 0x1C87)];

/// What no label of a domain holds: punctuation, spaces, marks of direction and non-characters. The
/// hyphen and the underscore are among them: they stand inside a label, not at its ends.
pub(super) const NEVER_IN_LABEL: &Ranges = &[
    (0x0009, 0x000D),
    (0x0020, 0x0021),
    (0x0023, 0x002F),
    (0x003A, 0x0040),
    (0x005B, 0x005F),
    (0x007B, 0x007E),
    (0x0085, 0x0085),
    (0x00A0, 0x00A0),
    (0x061C, 0x061C),
    (0x1680, 0x1680),
    (0x180E, 0x180E),
    (0x2000, 0x200A),
    (0x200E, 0x200F),
    (0x2028, 0x202F),
    (0x205F, 0x205F),
    (0x2066, 0x2069),
    (0x3000, 0x3000),
    (0xFEFF, 0xFEFF),
    (0xFFFE, 0xFFFF),
];

/// What keeps the text right behind it from being a link: letters and digits, the signs of mentions,
/// hashtags and cashtags, and non-characters.
pub(super) const NEVER_BEFORE: &Ranges = &[
    (0x0023, 0x0024),
    (0x0030, 0x0039),
    (0x0040, 0x005A),
    (0x0061, 0x007A),
    (0xFEFF, 0xFEFF),
    (0xFF03, 0xFF03),
    (0xFF20, 0xFF20),
    (0xFFFE, 0xFFFF),
];

/// The first place from `from` on that does not satisfy `holds`.
pub(super) fn run(units: &[u16], from: usize, holds: impl Fn(u16) -> bool) -> usize {
    units
        .get(from..)
        .and_then(|rest| rest.iter().position(|unit| !holds(*unit)))
        .map_or(units.len(), |length| from + length)
}

pub(super) fn is_label_unit(unit: u16) -> bool {
    !lies_in(unit, NEVER_IN_LABEL)
}

pub(super) fn is_path_unit(unit: u16) -> bool {
    may_end_path(unit) || is_any_of(unit, b"!*';:,.$%[]~@|&") || unit == 0x2013
}

pub(super) fn may_end_path(unit: u16) -> bool {
    is_alphanumeric(unit)
        || is_any_of(unit, b"+-=_#/")
        || lies_in(unit, ACCENTED)
        || lies_in(unit, CYRILLIC)
}

pub(super) fn is_alphanumeric(unit: u16) -> bool {
    u8::try_from(unit).is_ok_and(|byte| byte.is_ascii_alphanumeric())
}

pub(super) fn is(unit: u16, byte: u8) -> bool {
    unit == u16::from(byte)
}

/// Whether a code unit is an ASCII character in either case; `byte` is lower case.
pub(super) fn is_folded(unit: u16, byte: u8) -> bool {
    u8::try_from(unit).is_ok_and(|unit| unit.to_ascii_lowercase() == byte)
}

pub(super) fn is_any_of(unit: u16, bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| is(unit, *byte))
}

pub(super) fn lies_in(unit: u16, ranges: &Ranges) -> bool {
    let next = ranges.partition_point(|(first, _)| *first <= unit);
    next.checked_sub(1).and_then(|index| ranges.get(index)).is_some_and(|(_, last)| unit <= *last)
}
