//! Bodies packed by hand, without compression: no packer is needed to test the unpackers.

/// A gzip stream of stored blocks.
fn gzip(body: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let length = u16::try_from(body.len()).expect("one block");
    // The last block, stored.
    out.push(1);
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend(body);
    out.extend(crc32(body).to_le_bytes());
    out.extend(u32::from(length).to_le_bytes());
    out
}

fn crc32(body: &[u8]) -> u32 {
    !body.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

/// A brotli stream of one uncompressed meta-block.
fn brotli(body: &[u8]) -> Vec<u8> {
    let length = u32::from(u16::try_from(body.len() - 1).expect("one block"));
    // From the lowest bit: a window of 16 bits (0), not the last block (0), a length of four nibbles
    // (00), the length less one, uncompressed (1).
    let head = (length << 4) | 1 << 20;
    let mut out: Vec<u8> = head.to_le_bytes().into_iter().take(3).collect();
    out.extend(body);
    // The last block, empty.
    out.push(3);
    out
}

/// A zstd frame of one raw block.
fn zstd(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("one block");
    let mut out = vec![0x28, 0xb5, 0x2f, 0xfd];
    // A single segment, whose size stands in four bytes.
    out.push(0xa0);
    out.extend(length.to_le_bytes());
    // The last block, raw.
    out.extend((length << 3 | 1).to_le_bytes().into_iter().take(3));
    out.extend(body);
    out
}

/// All of them, by the word of `Content-Encoding`.
pub(super) fn all(body: &[u8]) -> [(&'static str, Vec<u8>); 3] {
    [("gzip", gzip(body)), ("br", brotli(body)), ("zstd", zstd(body))]
}
