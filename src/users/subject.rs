//! `sub`: what the identity server calls a person. 43 characters that never change and are never
//! given to anybody else.

use crate::claims::is_identity_server;
use crate::crypto::digest;
use crate::store::accounts::ExternalLogin;

/// Of a local user; names are compared without regard to case.
pub fn local(user_name: &str) -> String {
    digest::sha256_base64url(format!("local\0{}", user_name.to_lowercase()).as_bytes())
}

/// Of a user of an external provider: keyed by scheme and upstream subject with the scheme's length
/// before both, so that no two pairs read the same; a digit first keeps them apart from local users.
pub fn external(scheme: &str, subject: &str) -> String {
    digest::sha256_base64url(format!("{}:{scheme}{subject}", scheme.len()).as_bytes())
}

/// Everything that the user called `user_name`, as whom `logins` sign in, may be called. A CMS behind
/// the identity server knows its subjects as those of the provider.
pub fn all_of(user_name: &str, logins: &[ExternalLogin]) -> Vec<String> {
    let mut subjects = vec![local(user_name)];
    for login in logins {
        subjects.push(external(&login.provider, &login.subject));
        if is_identity_server(&login.provider) {
            subjects.push(login.subject.clone());
        }
    }
    subjects
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_short_ascii_and_fold_the_case_of_local_names_only() {
        let jane = local(r"sitecore\jane");
        assert_eq!(jane.len(), 43);
        assert_eq!(jane, local(r"Sitecore\JANE"));
        assert_ne!(external("IdS4-AzureAd", "abc"), external("IdS4-AzureAd", "ABC"));
    }

    #[test]
    fn fed10_no_two_pairs_of_scheme_and_subject_share_a_subject() {
        assert_ne!(external("a", "bc"), external("ab", "c"));
        assert_ne!(external("a", "1"), external("b", "1"));
        assert_ne!(external("local", "\0jane"), local("jane"));
    }
}
