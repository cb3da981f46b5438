//! How long a domain's label is in ASCII (RFC 3492).
//!
//! Promises: the length that the official encoder gives, in bounded time. Must not: encode anything.

/// The longest label of a domain in its ASCII form (RFC 1035, section 2.3.4).
pub(super) const LABEL_LENGTH_MAX: usize = 63;

/// How long a label is once it is ASCII. X takes the three ideographic full stops for dots here.
pub(super) fn ascii_length(label: &[u16]) -> usize {
    label
        .split(|unit| matches!(*unit, 0x3002 | 0xFF0E | 0xFF61))
        .map(|part| {
            if part.iter().all(|unit| (0x20..=0x7E).contains(unit)) {
                part.len()
            } else {
                "xn--".len() + punycode_length(part)
            }
        })
        .fold(None, |sum: Option<usize>, length| Some(sum.map_or(length, |sum| sum + 1 + length)))
        .unwrap_or(0)
}

/// How many characters punycode needs (RFC 3492, section 6.3). Past [`LABEL_LENGTH_MAX`] code points
/// only their number is given: each needs one character or more.
pub(super) fn punycode_length(part: &[u16]) -> usize {
    let points: Vec<u32> = char::decode_utf16(part.iter().copied())
        .map(|decoded| decoded.map_or_else(|lone| u32::from(lone.unpaired_surrogate()), u32::from))
        .collect();
    if points.len() > LABEL_LENGTH_MAX {
        return points.len();
    }
    let basic = points.iter().filter(|point| **point < 0x80).count();
    let mut length = basic + usize::from(basic > 0);
    let mut handled = u32::try_from(basic).unwrap_or(u32::MAX);
    let (mut next, mut delta, mut bias) = (0x80_u32, 0_u32, 72_u32);
    let mut is_first = true;
    while let Some(point) = points.iter().copied().filter(|point| *point >= next).min() {
        delta = delta.saturating_add((point - next).saturating_mul(handled + 1));
        next = point;
        for other in &points {
            if *other < next {
                delta = delta.saturating_add(1);
            } else if *other == next {
                length += digits(delta, bias);
                bias = adapted(delta, handled + 1, is_first);
                is_first = false;
                delta = 0;
                handled += 1;
            }
        }
        delta = delta.saturating_add(1);
        next += 1;
    }
    length
}

/// How many digits a delta has as a variable-length integer (RFC 3492, section 3.3).
pub(super) fn digits(delta: u32, bias: u32) -> usize {
    let mut rest = delta;
    let mut count = 1;
    let mut place = 36;
    loop {
        let threshold = place.clamp(bias + 1, bias + 26) - bias;
        if rest < threshold {
            return count;
        }
        rest = (rest - threshold) / (36 - threshold);
        count += 1;
        place += 36;
    }
}

/// The bias after a delta (RFC 3492, section 6.1).
pub(super) fn adapted(delta: u32, points: u32, is_first: bool) -> u32 {
    let mut rest = if is_first { delta / 700 } else { delta / 2 };
    rest = rest.saturating_add(rest / points);
    let mut bias = 0;
    while rest > 455 {
        rest /= 35;
        bias += 36;
    }
    bias + 36 * rest / (rest + 38)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punycode_is_measured_as_it_is_written() {
        let length = |text: &str| punycode_length(&text.encode_utf16().collect::<Vec<_>>());
        assert_eq!(length("bücher"), "bcher-kva".len());
        assert_eq!(length("münchen"), "mnchen-3ya".len());
        assert_eq!(length("中国"), "fiqs8s".len());
        assert_eq!(length("рф"), "p1ai".len());
    }
}
