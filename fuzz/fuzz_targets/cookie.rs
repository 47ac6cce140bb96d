//! Fuzzes [`vestibule_fuzz::cookie`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vestibule_fuzz::cookie(data));
