//! Fuzzes [`vestibule_fuzz::path`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vestibule_fuzz::path(data));
