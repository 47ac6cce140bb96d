//! Header names by their skeleton: letters and digits alone, lower case. IIS turns `X-Id-User`,
//! `X_Id_User` and `x.id.user` into one variable, so they are one name here too.

use std::collections::HashSet;

use http::HeaderName;

/// A set of header names that is asked about every header of every request.
#[derive(Debug)]
pub struct Names {
    skeletons: HashSet<Box<[u8]>>,
    /// One bit for each (first byte, length) that occurs: nearly every foreign name ends here.
    filter: [u64; 64],
}

/// Longest skeleton that is compared; a longer name is none of ours.
const LONGEST: usize = 64;

impl Names {
    /// The set of the given names.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut set = Self { skeletons: HashSet::new(), filter: [0; 64] };
        for name in names {
            let mut buffer = [0; LONGEST];
            let Some(skeleton) = skeleton(name, &mut buffer) else { continue };
            set.mark(skeleton);
            set.skeletons.insert(skeleton.into());
        }
        set
    }

    /// Whether `name` folds to one of the set.
    pub fn contain(&self, name: &HeaderName) -> bool {
        let mut buffer = [0; LONGEST];
        skeleton(name.as_str(), &mut buffer)
            .is_some_and(|skeleton| self.may_contain(skeleton) && self.skeletons.contains(skeleton))
    }

    fn mark(&mut self, skeleton: &[u8]) {
        let (row, bit) = cell(skeleton);
        if let Some(row) = self.filter.get_mut(row) {
            *row |= bit;
        }
    }

    fn may_contain(&self, skeleton: &[u8]) -> bool {
        let (row, bit) = cell(skeleton);
        self.filter.get(row).is_some_and(|row| row & bit != 0)
    }
}

fn cell(skeleton: &[u8]) -> (usize, u64) {
    let last = skeleton.last().copied().unwrap_or(0);
    (skeleton.len() % 64, 1 << (last % 64))
}

/// The letters and digits of `name`, lower case, written into `buffer`; `None` when there are too
/// many.
pub fn skeleton<'a>(name: &str, buffer: &'a mut [u8; LONGEST]) -> Option<&'a [u8]> {
    let mut length = 0;
    for byte in name.bytes().filter(u8::is_ascii_alphanumeric) {
        *buffer.get_mut(length)? = byte.to_ascii_lowercase();
        length += 1;
    }
    buffer.get(..length)
}

/// Whether `name` belongs to the families that only a proxy may speak for (security.md A29):
/// forwarding, rewriting and client-certificate headers, method overrides, `Proxy`.
///
/// `sc_apikey` is the one `SC-` name that is the client's own: Sitecore's API key.
pub fn is_proxy_family(name: &HeaderName) -> bool {
    let mut buffer = [0; LONGEST];
    let Some(skeleton) = skeleton(name.as_str(), &mut buffer) else { return true };
    match skeleton.first() {
        Some(b'x') => X_FAMILIES.iter().any(|family| skeleton.starts_with(family)),
        Some(b's') => {
            name.as_str().get(..3).is_some_and(|p| p == "sc-" || p == "sc_")
                && skeleton != b"scapikey"
        }
        Some(b'c') => skeleton.starts_with(b"cfconnecting") || skeleton == b"clientip",
        Some(b't') => skeleton == b"trueclientip",
        Some(b'p') => skeleton == b"proxy" || skeleton.starts_with(b"proxyuser"),
        Some(b'f') => {
            skeleton.starts_with(b"forwarded")
                || skeleton == b"frontendhttps"
                || skeleton == b"fastlyclientip"
        }
        Some(_) | None => false,
    }
}

const X_FAMILIES: [&[u8]; 20] = [
    b"xforwarded",
    b"xoriginal",
    b"xrewrite",
    b"xrealip",
    b"xclientip",
    b"xclusterclientip",
    b"xenvoy",
    b"xarr",
    b"xproxyuser",
    b"xmsclientprincipal",
    b"xmstoken",
    b"xssl",
    b"xhttpmethod",
    b"xmethodoverride",
    b"xaccel",
    b"xsendfile",
    b"xurlscheme",
    b"xremote",
    b"xhost",
    b"xclientcert",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> HeaderName {
        HeaderName::try_from(text).unwrap()
    }

    #[test]
    fn a04_a05_every_alias_folds_to_the_same_name() {
        let names = Names::new(["X-Id-User", "X-Id-Roles"]);
        for alias in [
            "x-id-user",
            "X_Id_User",
            "X.Id.User",
            "x~id~user",
            "X+Id+User",
            "X!Id!User",
            "X'Id'User",
            "XIdUser",
        ] {
            assert!(names.contain(&name(alias)), "{alias}");
        }
        for other in ["x-id-use", "x-id-user-agent", "user-agent", "x-id"] {
            assert!(!names.contain(&name(other)), "{other}");
        }
    }

    #[test]
    fn a29_the_long_tail_is_known_and_the_api_key_is_not_in_it() {
        for header in [
            "X-Forwarded-Uri",
            "X_Forwarded_Prefix",
            "X-Original-URL",
            "X-Rewrite-URL",
            "X-Real-IP",
            "X-Client-IP",
            "True-Client-IP",
            "CF-Connecting-IP",
            "X-Envoy-Original-Path",
            "X-ARR-ClientCert",
            "X-ARR-LOG-ID",
            "X-ProxyUser-Ip",
            "X-MS-CLIENT-PRINCIPAL-NAME",
            "X-SSL-Client-Verify",
            "X-HTTP-Method-Override",
            "X-Accel-Redirect",
            "SC-Site",
            "Proxy",
            "Forwarded",
            "X_HTTP_Method",
        ] {
            assert!(is_proxy_family(&name(header)), "{header}");
        }
        for header in [
            "sc_apikey",
            "scheme",
            "cookie",
            "accept",
            "x-requested-with",
            "x-csrf-token",
            "sec-fetch-site",
        ] {
            assert!(!is_proxy_family(&name(header)), "{header}");
        }
    }
}
