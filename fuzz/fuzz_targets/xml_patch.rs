//! Fuzzes [`vestibule_fuzz::xml_patch`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vestibule_fuzz::xml_patch(data));
