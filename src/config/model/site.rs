//! Sites: host and path → where a request goes and who may come in.

use std::sync::Arc;

use crate::config::fault::Origin;
use crate::config::model::provider::Provider;

/// One `<site>`, its `inherits` resolved.
#[derive(Clone, Debug)]
pub struct Site {
    /// The site's name, as written.
    pub name: Arc<str>,
    /// Masks of `hostName`; empty means every known host.
    pub host_names: Vec<HostPattern>,
    /// `targetHostName`, lower case: a known host too, used for links.
    pub target_host_name: Option<String>,
    /// Only requests to this port, when given.
    pub port: Option<u16>,
    /// `virtualFolder` in canonical form without a trailing slash: `""` for `/`, else
    /// `/sitecore/shell`. Compared on a segment boundary and without regard to ASCII case.
    pub virtual_folder: String,
    /// `domain`: the domain of the site's users.
    pub domain: Option<String>,
    /// `requireLogin`: nobody passes without a session.
    pub require_login: bool,
    /// Roles of which a caller must hold one (`roles`, separated by `|`); empty asks for none.
    pub roles: Vec<String>,
    /// Where people sign in: a path on this host. `None` when the site has no login page.
    pub login_page: Option<String>,
    /// Where its requests go.
    pub destination: Destination,
    /// The providers mapped to it, in the order of the buttons, and how its users are built.
    pub providers: SiteProviders,
    /// Cookie sources that this site reads beside `Default`, such as `Preview`.
    pub sources: Vec<String>,
    /// Whether an anonymous caller who has the signed assertion in `Authorization` is wanted:
    /// `assertion="bearer"` puts the assertion into `Authorization: Bearer` as well.
    pub assertion_as_bearer: bool,
    /// Whether the client's own `Authorization` header passes to the upstream; off unless
    /// `authorization="pass"`.
    pub pass_authorization: bool,
    /// Origins beside its own from which an upgrade is accepted (`origins`, separated by `|`).
    pub origins: Vec<String>,
    /// What becomes of those who sign in here.
    pub sign_ins: SignInRules,
    /// Where it is declared.
    pub origin: Origin,
}

/// What a site says of those who sign in, beside who they may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignInRules {
    /// Whose an identity is that somebody who is signed in already signs in with (`linking`).
    pub linking: Linking,
    /// How many sessions there may be that began here (`sessions`); `None` sets no limit.
    pub sessions: Option<usize>,
    /// How many of them one user may have (`sessionsPerUser`); `None` sets no limit.
    pub sessions_per_user: Option<usize>,
}

/// What becomes of an identity that nobody has signed in with so far, when somebody else is signed
/// in in the same browser (`UserAttachResolver` of the product, spec §1.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Linking {
    /// It is a user of its own.
    #[default]
    Refuse,
    /// It signs in as the same user from now on.
    Attach,
    /// A page asks which of the two is meant.
    Ask,
}

/// Where a site's requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To the upstream of that name.
    Upstream(Arc<str>),
    /// To the embedded identity server (`service="identity"`).
    IdentityServer,
    /// To the pages for those who look after users and sessions (`service="admin"`).
    Admin,
    /// To the demo CMS (`service="demo"`).
    Demo,
    /// Nowhere: a site that only signs people in, such as `login`, or one without an upstream.
    Nothing,
}

/// One mask of `hostName`: `*` stands for any run of characters; compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern(pub String);

impl HostPattern {
    /// Whether `host` (lower case, no port) fits this mask.
    pub fn matches(&self, host: &str) -> bool {
        wildcard(self.0.as_bytes(), host.as_bytes())
    }
}

/// Glob matching with `*` alone, in time proportional to `pattern` × `text`: after a mismatch only
/// the last star takes one more character.
fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    let (mut rest, mut left) = (pattern, text);
    let mut last_star: Option<(&[u8], &[u8])> = None;
    loop {
        match (rest.split_first(), left.split_first()) {
            (Some((b'*', after)), _) => {
                last_star = Some((after, left));
                rest = after;
            }
            (Some((wanted, after)), Some((found, tail))) if wanted == found => {
                (rest, left) = (after, tail);
            }
            (None, None) => return true,
            _ => match last_star {
                Some((after, [_, tail @ ..])) => {
                    last_star = Some((after, tail));
                    (rest, left) = (after, tail);
                }
                Some((_, [])) | None => return false,
            },
        }
    }
}

/// What is mapped to a site, gathered from every map entry that names it.
#[derive(Clone, Debug, Default)]
pub struct SiteProviders {
    /// Enabled providers, subproviders too, in the order of the map entries.
    pub providers: Vec<Arc<Provider>>,
    /// Whether the site's users are to be kept (`IsPersistentUser`); the last map entry decides.
    pub persistent: bool,
}

impl SiteProviders {
    /// The mapped and enabled provider called `name`.
    pub fn find(&self, name: &str) -> Option<&Arc<Provider>> {
        self.providers.iter().find(|p| &*p.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_masks_take_stars_anywhere() {
        let matches = |mask: &str, host: &str| HostPattern(mask.to_owned()).matches(host);
        assert!(matches("*", "cms.example.test"));
        assert!(matches("pda.*", "pda.example.test"));
        assert!(matches("print.*.net", "print.example.net"));
        assert!(!matches("print.*.net", "print.example.net.evil"));
        assert!(!matches("cms.example.test", "cms.example.tes"));
        assert!(matches("*.b.*", "a.b.b.c"));
        assert!(matches("**", ""));
        assert!(!matches("", "a"));
    }

    #[test]
    fn c79_many_stars_cost_no_more_than_their_length() {
        let mask = HostPattern(format!("{}b", "*a".repeat(500)));
        assert!(!mask.matches(&"a".repeat(20_000)));
    }
}
