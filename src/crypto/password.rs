//! Passwords of local users: Argon2id, in the PHC string form, and the hashes of the ASP.NET
//! membership provider that people bring along.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::PasswordHash;
use argon2::PasswordHasher;
use argon2::PasswordVerifier;

use crate::crypto::membership::MembershipHash;
use crate::crypto::random;
use crate::crypto::secret::Secret;

/// Hashes `password` with Argon2id (version 19, 19 MiB, 2 passes, 1 lane: OWASP's first choice).
/// Takes tens of milliseconds: call it off the workers.
///
/// Returns `None` when the password is longer than Argon2 can take.
pub fn hash(password: &Secret) -> Option<String> {
    let hash = Argon2::default().hash_password(password.expose().as_bytes()).ok()?;
    Some(hash.to_string())
}

/// Whether `password` belongs to `hash`, one that [`is_hash`] accepts. Takes tens of milliseconds,
/// and as long for one kind of hash as for another: call it off the workers.
pub fn verify(password: &Secret, hash: &str) -> bool {
    match MembershipHash::read(hash) {
        // Its time would tell whose account is an old one, and that it is one at all.
        Some(known) => {
            let right = known.verify(password);
            let _never = verify_argon2(password, nobodys());
            right
        }
        None => verify_argon2(password, hash),
    }
}

/// The hash of a password that nobody can type.
pub fn nobodys() -> &'static str {
    static NOBODYS: LazyLock<String> =
        LazyLock::new(|| hash(&Secret::new(random::token())).unwrap_or_default());
    &NOBODYS
}

fn verify_argon2(password: &Secret, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| {
        Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok()
    })
}

/// Whether `text` is a hash that [`verify`] can check: Argon2id in PHC form, or one of a membership
/// provider.
pub fn is_hash(text: &str) -> bool {
    is_current(text) || MembershipHash::read(text).is_some()
}

/// Whether `text` is a hash of the kind that is made today.
pub fn is_current(text: &str) -> bool {
    text.starts_with("$argon2id$") && PasswordHash::new(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_verifies_against_its_own_hash_only() {
        let hash = hash(&Secret::new("correct horse")).unwrap();
        assert!(is_hash(&hash));
        assert!(verify(&Secret::new("correct horse"), &hash));
        assert!(!verify(&Secret::new("correct horse "), &hash));
        assert!(!verify(&Secret::new("correct horse"), "$argon2id$nonsense"));
    }
}
