//! Fuzzes [`vestibule_fuzz::callback_query`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vestibule_fuzz::callback_query(data));
