//! What a new password has to be (NIST SP 800-63B §3.1.1.2): long enough, and none that everybody
//! tries first. No rules about its characters.

/// Fewest characters.
pub const SHORTEST: usize = 8;

/// Most bytes.
pub const LONGEST: usize = 256;

/// Why a password cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It has fewer than [`SHORTEST`] characters.
    #[error("a password needs {SHORTEST} characters at least")]
    Short,
    /// It has more than [`LONGEST`] bytes.
    #[error("a password may have {LONGEST} bytes at most")]
    Long,
    /// It is one that everybody tries first.
    #[error("this is one of the passwords that everybody tries first")]
    Common,
    /// It is the person's own name or address.
    #[error("a password must not be the name or the e-mail address of its user")]
    Own,
}

/// Whether `password` may be chosen by the person called `names`: user name, e-mail, full name.
///
/// # Errors
///
/// Why not.
pub fn check<'a>(password: &str, names: impl IntoIterator<Item = &'a str>) -> Result<(), Unfit> {
    if password.chars().count() < SHORTEST {
        return Err(Unfit::Short);
    }
    if password.len() > LONGEST {
        return Err(Unfit::Long);
    }
    let plain = plain(password);
    if COMMONEST.contains(&plain.as_str()) || is_monotonous(&plain) {
        return Err(Unfit::Common);
    }
    let parts = names.into_iter().flat_map(|name| [name, after_domain(name), before_at(name)]);
    if parts.filter(|name| !name.is_empty()).any(|name| self::plain(name) == plain) {
        return Err(Unfit::Own);
    }
    Ok(())
}

/// Lower case, without what people add to a word to make it pass: digits and marks at its end.
fn plain(password: &str) -> String {
    let folded = password.trim().to_lowercase();
    let word = folded.trim_end_matches(|c: char| !c.is_alphabetic());
    if word.is_empty() { folded } else { word.to_owned() }
}

/// Whether there are no more than two different characters.
fn is_monotonous(password: &str) -> bool {
    let mut seen: Vec<char> = Vec::new();
    for character in password.chars() {
        if !seen.contains(&character) {
            seen.push(character);
        }
    }
    seen.len() <= 2 && password.chars().count() >= SHORTEST
}

fn after_domain(name: &str) -> &str {
    name.split_once('\\').map_or(name, |(_, local)| local)
}

fn before_at(name: &str) -> &str {
    after_domain(name).split_once('@').map_or("", |(local, _)| local)
}

/// The commonest of the lists that have leaked, as [`plain`] leaves them.
const COMMONEST: [&str; 68] = [
    "00000000",
    "0123456789",
    "11223344",
    "1122334455",
    "12341234",
    "12344321",
    "12345678",
    "123456789",
    "1234567890",
    "123123123",
    "123321123",
    "147258369",
    "1q2w3e",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "1qaz2wsx",
    "1qaz2wsx3edc",
    "741852963",
    "87654321",
    "963852741",
    "987654321",
    "9876543210",
    "a1b2c3d",
    "abc",
    "abcd",
    "abcdefg",
    "abcdefgh",
    "admin",
    "administrator",
    "asdfasdf",
    "asdfghjk",
    "asdfghjkl",
    "baseball",
    "changeme",
    "computer",
    "corvette",
    "dragon",
    "football",
    "iloveyou",
    "internet",
    "jordan",
    "letmein",
    "liverpool",
    "master",
    "michelle",
    "monkey",
    "mustang",
    "p@ssw0rd",
    "p@ssword",
    "passw0rd",
    "password",
    "passwort",
    "princess",
    "q1w2e3r",
    "qazwsxedc",
    "qwer",
    "qwerty",
    "qwertyui",
    "qwertyuiop",
    "shadow",
    "sitecore",
    "starwars",
    "sunshine",
    "superman",
    "trustno",
    "welcome",
    "whatever",
];

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 3] = ["sitecore\\jane.doe", "jane@example.test", "Jane Doe of Elsewhere"];

    #[test]
    fn length_counts_and_composition_does_not() {
        for fit in ["correct horse", "aaaaaaab7c", "ぱすわーどはながい", "zzxxccvvbb", "27182818"]
        {
            assert_eq!(check(fit, NAMES), Ok(()), "{fit}");
        }
        assert_eq!(check("sevenly", NAMES), Err(Unfit::Short));
        assert_eq!(check(&"é ".repeat(86), NAMES), Err(Unfit::Long));
        assert_eq!(check(&"xyz ".repeat(64), NAMES), Ok(()));
    }

    #[test]
    fn what_everybody_tries_and_ones_own_names_are_refused() {
        for common in [
            "password",
            "Password1!",
            "PASSWORD2026",
            "12345678",
            "qwertyuiop",
            "aaaaaaaa",
            "abababab",
        ] {
            assert_eq!(check(common, NAMES), Err(Unfit::Common), "{common}");
        }
        for own in [
            "Jane.Doe",
            "jane.doe2026",
            "sitecore\\jane.doe",
            "JANE@example.test",
            "jane doe of elsewhere",
        ] {
            assert_eq!(check(own, NAMES), Err(Unfit::Own), "{own}");
        }
    }
}
