//! A short, always equal turn of the fuzz targets: each seed as it is, then broken in many ways that
//! one fixed number decides. `fuzz/` looks further.

use std::fs;
use std::path::Path;

use super::fuzz_targets::{TARGETS, run};

/// How many broken inputs each target gets.
const ROUNDS: usize = 800;
/// No input grows beyond this, in bytes.
const SIZE_MAX: usize = 8 * 1024;
/// Pieces that readers of markup, links, dates and headers stumble over.
const PIECES: [&str; 24] = [
    "<",
    ">",
    "</",
    "<![CDATA[",
    "]]>",
    "<!--",
    "&",
    "&amp;",
    "&#x0;",
    "&#55357;",
    "\"",
    "'",
    "=",
    "\t",
    "\n",
    "\0",
    "\u{feff}",
    "\u{202e}",
    "https://",
    "//",
    "@a",
    "9999999999999999999",
    "{",
    "[",
];

/// Marsaglia's xorshift: the same numbers each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let limit = u64::try_from(std::cmp::max(limit, 1)).expect("a small number");
        usize::try_from(self.0 % limit).expect("a small number")
    }
}

/// One to six changes: a byte turned, a stretch cut out, doubled or moved, a piece or a part of
/// another seed put in.
fn broken(seed: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut data = seed.to_vec();
    for _ in 0..=dice.below(6) {
        let at = dice.below(data.len() + 1);
        let length = dice.below(std::cmp::min(data.len() - at, 200) + 1);
        let stretch: Vec<u8> = data.iter().skip(at).take(length).copied().collect();
        match dice.below(6) {
            0 => {
                if let Some(byte) = data.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
            1 => drop(data.drain(at..at + length)),
            2 => {
                let times = dice.below(8);
                data.splice(at..at, stretch.repeat(times));
            }
            3 => {
                drop(data.drain(at..at + length));
                let to = dice.below(data.len() + 1);
                data.splice(to..to, stretch);
            }
            4 => {
                let piece = PIECES.into_iter().cycle().nth(dice.below(PIECES.len()));
                data.splice(at..at, piece.unwrap_or_default().bytes());
            }
            _ => {
                let from = dice.below(other.len() + 1);
                let part = other.iter().skip(from).take(dice.below(200)).copied();
                data.splice(at..at, part.collect::<Vec<_>>());
            }
        }
        data.truncate(SIZE_MAX);
    }
    data
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the seeds")
        .map(|file| file.expect("a seed").path())
        .collect();
    files.sort();
    assert!(files.len() >= 2, "few seeds in {}", folder.display());
    files.iter().map(|file| fs::read(file).expect("a seed")).collect()
}

#[test]
fn broken_seeds_break_nothing() {
    for (name, _) in TARGETS {
        let seeds = seeds(name);
        let mut dice = Dice(0x5eed_0f71_d195_2026);
        let mut inputs = seeds.clone();
        for _ in 0..ROUNDS {
            let pick = |dice: &mut Dice| seeds.iter().cycle().nth(dice.below(seeds.len()));
            if let (Some(seed), Some(other)) = (pick(&mut dice), pick(&mut dice)) {
                inputs.push(broken(seed, other, &mut dice));
            }
        }
        for input in inputs {
            let ended = std::panic::catch_unwind(|| run(name, &input));
            assert!(ended.is_ok(), "{name} fails on {:?}", String::from_utf8_lossy(&input));
        }
    }
}
