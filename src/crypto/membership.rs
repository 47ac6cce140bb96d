//! Password hashes of the ASP.NET membership provider, as the CMS keeps them: one round of a hash
//! over salt and password (UTF-16, little-endian), or an HMAC of the password with a key made of the
//! salt. They are quick to guess; kept so that people need not choose new passwords on the day they
//! move.

use aws_lc_rs::constant_time;
use aws_lc_rs::digest;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Digest;
use md5::Md5;
use zeroize::Zeroizing;

use crate::crypto::secret::Secret;

/// A hash written as `membership:ALGORITHM:SALT:HASH`: the `PasswordSalt` and `Password` columns
/// under the provider's `hashAlgorithmType`.
pub(super) struct MembershipHash {
    algorithm: Algorithm,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

enum Algorithm {
    Plain(&'static digest::Algorithm),
    /// With the length of the key that .NET makes for it, in bytes.
    Keyed(hmac::Algorithm, usize),
    PlainMd5,
    KeyedMd5,
}

/// How such a hash begins.
const PREFIX: &str = "membership:";

impl MembershipHash {
    /// Reads one; `None` for anything that is none, or whose hash has the wrong length.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(PREFIX)?.split(':');
        let algorithm = Algorithm::read(parts.next()?)?;
        let salt = STANDARD.decode(parts.next()?).ok().filter(|salt| !salt.is_empty())?;
        let hash = STANDARD.decode(parts.next()?).ok()?;
        let whole = parts.next().is_none() && hash.len() == algorithm.output();
        whole.then_some(Self { algorithm, salt, hash })
    }

    /// Whether `password` belongs to it. Takes microseconds.
    pub(super) fn verify(&self, password: &Secret) -> bool {
        let units = password.expose().encode_utf16();
        let password: Zeroizing<Vec<u8>> =
            Zeroizing::new(units.flat_map(u16::to_le_bytes).collect());
        let computed = match self.algorithm {
            Algorithm::Plain(algorithm) => {
                let mut context = digest::Context::new(algorithm);
                context.update(&self.salt);
                context.update(&password);
                context.finish().as_ref().to_vec()
            }
            Algorithm::Keyed(algorithm, length) => {
                let key = hmac::Key::new(algorithm, &self.key(length));
                hmac::sign(&key, &password).as_ref().to_vec()
            }
            Algorithm::PlainMd5 => md5(&[&self.salt, &password]),
            Algorithm::KeyedMd5 => hmac_md5(&self.key(MD5_BLOCK), &password),
        };
        constant_time::verify_slices_are_equal(&computed, &self.hash).is_ok()
    }

    /// The salt as a key of `length` bytes: a longer one is cut, a shorter one repeated.
    fn key(&self, length: usize) -> Vec<u8> {
        self.salt.iter().copied().cycle().take(length).collect()
    }
}

/// Bytes that MD5 works on at a time, which is how long .NET's key for it is.
const MD5_BLOCK: usize = 64;

fn md5(parts: &[&[u8]]) -> Vec<u8> {
    let mut context = Md5::new();
    for part in parts {
        context.update(part);
    }
    context.finalize().to_vec()
}

/// HMAC with MD5 (RFC 2104), for a key of one block.
fn hmac_md5(key: &[u8], text: &[u8]) -> Vec<u8> {
    let pad = |with: u8| -> Vec<u8> { key.iter().map(|byte| byte ^ with).collect() };
    md5(&[&pad(0x5c), &md5(&[&pad(0x36), text])])
}

impl Algorithm {
    /// `passwordHashAlgorithm` of the membership provider, in any case as .NET takes it.
    fn read(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "SHA1" => Self::Plain(&digest::SHA1_FOR_LEGACY_USE_ONLY),
            "SHA256" => Self::Plain(&digest::SHA256),
            "SHA384" => Self::Plain(&digest::SHA384),
            "SHA512" => Self::Plain(&digest::SHA512),
            "HMACSHA1" => Self::Keyed(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, 64),
            "HMACSHA256" => Self::Keyed(hmac::HMAC_SHA256, 64),
            "HMACSHA384" => Self::Keyed(hmac::HMAC_SHA384, 128),
            "HMACSHA512" => Self::Keyed(hmac::HMAC_SHA512, 128),
            "MD5" => Self::PlainMd5,
            "HMACMD5" => Self::KeyedMd5,
            _ => return None,
        })
    }

    fn output(&self) -> usize {
        match self {
            Self::Plain(algorithm) => algorithm.output_len(),
            Self::Keyed(algorithm, _) => algorithm.digest_algorithm().output_len(),
            Self::PlainMd5 | Self::KeyedMd5 => 16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "b – correct horse é";

    /// Made with Python's hashlib and hmac, the keys filled up as .NET's `SqlMembershipProvider`
    /// fills them.
    const HASHES: [&str; 10] = [
        "SHA1:AAECAwQFBgcICQoLDA0ODw==:oY2R0/XMozLlEEUOU3TaTrY2m2A=",
        "sha256:AAECAwQFBgcICQoLDA0ODw==:J+29o7SFKMZ3s2J1cotRD4jup+q2R6XVV8tyHhuVzok=",
        "SHA384:AAECAwQFBgcICQoLDA0ODw==:l4zMPP58XeJkbRD2i4LKIgez4E1kwGusYQwwNXazR6uiWJoYhEZBuCsLA3ptF5j5",
        "SHA512:AAECAwQFBgcICQoLDA0ODw==:sbVt8K16PoJajgOfeUIDQA8Y8J4EbkfJoeHRGyoY1rZS94hJW5QPcQjylbyvObVl6Y2VdZKu1Rgg0btybGq+ag==",
        "HMACSHA1:AAECAwQFBgcICQoLDA0ODw==:vSrvHOT5qUgluX3X+tijD6fC9B0=",
        "HMACSHA256:AAECAwQFBgcICQoLDA0ODw==:Z5udHhCzp3fbFC/zKiFqPXCdgW4LKXYL9/1UXtUAKUA=",
        "HMACSHA384:AAECAwQFBgcICQoLDA0ODw==:mZkL901hMfyg/jWuPXIOdMpLfkAKQ8JZYnAZPGRqFxxREgxaN7QfIUGp012XxiXu",
        "HMACSHA512:AAECAwQFBgcICQoLDA0ODw==:6uoyfHZG09l3x0K6vCHHN4Os087drBTWAQann3B50OD3Sj6P6/IAoVCpunN0EjMZ3ss9+yzUAbAh60DXtEsAJA==",
        "MD5:AAECAwQFBgcICQoLDA0ODw==:rZmHowtr6Emw+SJyrgUL7A==",
        "HMACMD5:AAECAwQFBgcICQoLDA0ODw==:cqjZ7wljXA6xqeT9fhzBvA==",
    ];

    /// A salt of 150 bytes, of which an HMAC's key takes 64.
    const LONG_SALT: &str = "HMACSHA256:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6PkJGSk5SV:0snOvso4XVOfWpZyxyiISGqNENOpuqIiuRCHVxq1JO0=";

    #[test]
    fn hashes_of_every_algorithm_verify_their_own_password_only() {
        for text in HASHES.into_iter().chain([LONG_SALT]) {
            let hash = MembershipHash::read(&format!("{PREFIX}{text}")).expect(text);
            assert!(hash.verify(&Secret::new(PASSWORD)), "{text}");
            assert!(!hash.verify(&Secret::new("b – correct horse e")), "{text}");
            assert!(!hash.verify(&Secret::new("")), "{text}");
        }
    }

    #[test]
    fn what_is_no_whole_hash_is_refused() {
        for wrong in [
            "",
            "SHA1",
            "SHA1:AAEC",
            "SHA1::oY2R0/XMozLlEEUOU3TaTrY2m2A=",
            "SHA1:AAEC:",
            "SHA1:AAEC:AAEC",
            "SHA1:AAEC:oY2R0/XMozLlEEUOU3TaTrY2m2A=:",
            "SHA1:!:oY2R0/XMozLlEEUOU3TaTrY2m2A=",
            "SHA3:AAEC:AAECAwQFBgcICQoLDA0ODw==",
            "MD5:AAEC:AAECAwQFBgcICQoLDA0O",
        ] {
            assert!(MembershipHash::read(&format!("{PREFIX}{wrong}")).is_none(), "{wrong}");
        }
        assert!(MembershipHash::read(HASHES[0]).is_none(), "the prefix is missing");
    }
}
