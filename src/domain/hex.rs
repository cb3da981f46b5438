//! Bytes → their hexadecimal digits, in lower case.
//!
//! Promises: two digits for each byte. Must not: go through formatting, which takes ten times as long:
//! a dozen hashes are made of each entry of each answer.

const DIGITS: [char; 16] =
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];

/// The digits of some bytes.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0xf));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_written_as_formatting_writes_it() {
        let bytes: Vec<u8> = (0..=255).collect();
        let expected: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex(&bytes), expected.concat());
        assert_eq!(hex(&[]), "");
    }
}
