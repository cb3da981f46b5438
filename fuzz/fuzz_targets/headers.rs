#![no_main]

#[path = "../../tests/it/fuzz_targets.rs"]
mod fuzz_targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::run("headers", data));
