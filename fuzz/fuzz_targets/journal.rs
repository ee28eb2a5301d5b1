#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| espo_fuzz_targets::run("journal", data));
