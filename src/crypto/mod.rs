//! Randomness, digests, sealing, signing keys and passwords: aws-lc-rs behind small, typed doors.

pub mod digest;
pub mod jwk;
pub mod jws;
pub mod password;
pub mod random;
pub mod seal;
pub mod secret;
pub mod signing;
