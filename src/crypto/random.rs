//! Random values from the operating system's generator, by way of aws-lc-rs.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// `N` random bytes.
///
/// The generator cannot run dry once the system is up; were it ever to fail, continuing with
/// predictable bytes would be worse than stopping.
#[expect(clippy::expect_used, reason = "no secret can be made without randomness")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system's random generator works");
    bytes
}

/// A fresh 256-bit token: 43 characters of base64url without padding.
pub fn token() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>())
}

/// A fresh 256-bit handle: 64 upper-case hexadecimal digits, as IdentityServer4 writes them.
pub fn handle() -> String {
    let (high, low) = (u128::from_be_bytes(bytes()), u128::from_be_bytes(bytes()));
    format!("{high:032X}{low:032X}")
}

/// A fresh 128-bit identifier: 32 lower-case hexadecimal digits.
pub fn identifier() -> String {
    format!("{:032x}", u128::from_be_bytes(bytes::<16>()))
}

/// Nine random decimal digits.
pub fn digits() -> String {
    // One in 2³⁴ more or less often is no help to anybody.
    format!("{:09}", u64::from_be_bytes(bytes()) % 1_000_000_000)
}
