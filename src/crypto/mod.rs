//! Randomness, digests, sealing, signing keys and passwords: aws-lc-rs behind small, typed doors.

pub mod certified;
pub mod digest;
pub mod jwk;
pub mod jws;
mod membership;
mod pair;
pub mod password;
pub mod random;
pub mod seal;
pub mod secret;
pub mod signing;
