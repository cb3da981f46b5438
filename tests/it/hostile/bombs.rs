//! Bodies that are small on the wire and a gigabyte unpacked, written by hand so that no packer is
//! needed.

/// Bits in the order in which gzip and brotli read them: the lowest of each byte first.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    /// A number, its lowest bit first.
    fn number(&mut self, value: u32, count: u32) -> &mut Self {
        self.0.extend((0..count).map(|bit| value >> bit & 1 == 1));
        self
    }

    /// A prefix code, its highest bit first.
    fn code(&mut self, value: u32, count: u32) -> &mut Self {
        self.0.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let pack = |bits: &[bool]| {
            bits.iter().enumerate().fold(0_u8, |byte, (at, bit)| byte | (u8::from(*bit) << at))
        };
        self.0.chunks(8).map(pack).collect()
    }
}

/// A gzip stream of so many stretches of 65,533 zeros, without its end: each a block of fixed codes
/// that says one zero and 254 times 258 more.
pub(crate) fn gzip_of_zeros(blocks: usize) -> Vec<u8> {
    let mut block = Bits::default();
    // Not the last block; fixed codes.
    block.number(0, 1).number(1, 2);
    // The zero itself.
    block.code(0x30, 8);
    for _ in 0..254 {
        // Length 258, distance 1.
        block.code(0xc5, 8).code(0, 5);
    }
    // The block's end. It has 3,320 bits: whole bytes, so that blocks can be put in a row.
    block.code(0, 7);
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    out.extend(block.bytes().repeat(blocks));
    out
}

/// A brotli stream of so many stretches of 16 MiB of zeros: each says one zero, then to copy it.
pub(crate) fn brotli_of_zeros(blocks: usize) -> Vec<u8> {
    const STRETCH: u32 = 1 << 24;
    let mut bits = Bits::default();
    // A window of 16 MiB.
    bits.number(0b1111, 4);
    for _ in 0..blocks {
        // Not the last one; its length less one in six nibbles; packed.
        bits.number(0, 1).number(2, 2).number(STRETCH - 1, 24).number(0, 1);
        // One block type each; no postfix, one direct distance; one context mode, one tree each.
        bits.number(0, 3).number(0, 2).number(1, 4).number(0, 2).number(0, 2);
        // Codes of one symbol, which then take no bits: the literal 0, "insert 1, copy from 2,118 on",
        // the distance 1.
        bits.number(1, 2).number(0, 2).number(0, 8);
        bits.number(1, 2).number(0, 2).number(399, 10);
        bits.number(1, 2).number(0, 2).number(16, 7);
        // How much more than 2,118 is copied.
        bits.number(STRETCH - 1 - 2118, 24);
    }
    // The last one, empty.
    bits.number(0b11, 2);
    bits.bytes()
}

/// A zstd frame of so many blocks of 128 KiB of zeros that asks for a window of 128 MiB.
pub(crate) fn zstd_of_zeros(blocks: usize) -> Vec<u8> {
    let mut out = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 17 << 3];
    // Not the last one; one byte repeated; how often.
    out.extend([0x02, 0x00, 0x10, 0].repeat(blocks));
    out
}
