//! SHA-256 and SHA-512, SHA-1 where a standard names it, and their usual text form.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// SHA-256 of `data`.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    fixed(digest::digest(&digest::SHA256, data).as_ref())
}

/// SHA-512 of `data`.
pub fn sha512(data: &[u8]) -> [u8; 64] {
    fixed(digest::digest(&digest::SHA512, data).as_ref())
}

/// SHA-1 of `data`: for `x5t` (RFC 7517 §4.8) alone, which protects nothing.
pub fn sha1(data: &[u8]) -> [u8; 20] {
    fixed(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, data).as_ref())
}

/// SHA-256 of `data` as base64url without padding, the form of PKCE's S256 (RFC 7636 §4.2).
pub fn sha256_base64url(data: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(sha256(data))
}

/// The digest that `text` has the form of, in base64 with padding, as IdentityServer4 stores secrets.
pub fn of_form(text: &str) -> Option<&'static str> {
    match STANDARD.decode(text).ok()?.len() {
        32 => Some("SHA-256"),
        64 => Some("SHA-512"),
        _ => None,
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = *from;
    }
    out
}
