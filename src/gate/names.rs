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
pub const LONGEST: usize = 64;

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

    /// Whether a name of this skeleton is one of the set.
    pub fn contain(&self, skeleton: &[u8]) -> bool {
        self.may_contain(skeleton) && self.skeletons.contains(skeleton)
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

/// Whether `name`, of this skeleton, belongs to the families that only a proxy may speak for
/// (security.md A29): forwarding, rewriting and client-certificate headers, method overrides,
/// `Proxy`, what IIS and App Service tell an application, and every name under which some gateway
/// says who the caller is, configured here or not.
///
/// `sc_apikey` is the one `SC-` name that is the client's own: Sitecore's API key.
pub fn is_proxy_family(name: &HeaderName, skeleton: &[u8]) -> bool {
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
        Some(b'r') => {
            matches!(skeleton, b"remoteuser" | b"remotegroups" | b"remotename" | b"remoteemail")
        }
        Some(b'd') => skeleton == b"disguisedhost",
        Some(b'm') => matches!(skeleton, b"msaspnetcoretoken" | b"msaspnetcorewinauthtoken"),
        Some(_) | None => false,
    }
}

/// Whether `name`, of this skeleton, is another spelling of a header that frames a message or that we
/// write, which something behind us may take for it.
pub fn is_alias(name: &HeaderName, skeleton: &[u8]) -> bool {
    let spelled: &str = match skeleton {
        b"contentlength" => "content-length",
        b"transferencoding" => "transfer-encoding",
        b"host" => "host",
        b"cookie" => "cookie",
        b"connection" => "connection",
        b"via" => "via",
        b"forwarded" => "forwarded",
        b"xrequestid" => "x-request-id",
        b"traceparent" => "traceparent",
        b"tracestate" => "tracestate",
        _ => return false,
    };
    name.as_str() != spelled
}

const X_FAMILIES: [&[u8]; 28] = [
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
    b"xauthrequest",
    b"xwebauthuser",
    b"xazureclientip",
    b"xappserviceproto",
    b"xwawsunencodedurl",
    b"xscheme",
    b"xoverrideurl",
    b"xiisnode",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> HeaderName {
        HeaderName::try_from(text).unwrap()
    }

    fn is_family(text: &str) -> bool {
        is_proxy_family(&name(text), skeleton(text, &mut [0; LONGEST]).unwrap())
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
            assert!(names.contain(skeleton(alias, &mut [0; LONGEST]).unwrap()), "{alias}");
        }
        for other in ["x-id-use", "x-id-user-agent", "user-agent", "x-id"] {
            assert!(!names.contain(skeleton(other, &mut [0; LONGEST]).unwrap()), "{other}");
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
            "Remote-User",
            "remote_groups",
            "X-Auth-Request-Preferred-Username",
            "X-WEBAUTH-USER",
            "X-Azure-ClientIP",
            "X-AppService-Proto",
            "Disguised-Host",
            "X-WAWS-Unencoded-URL",
            "X-Scheme",
            "X-Override-URL",
            "MS-ASPNETCORE-TOKEN",
            "MS_ASPNETCORE_WINAUTHTOKEN",
            "X-IISNode-Request-Id",
        ] {
            assert!(is_family(header), "{header}");
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
            assert!(!is_family(header), "{header}");
        }
    }

    #[test]
    fn a05_other_spellings_of_framing_and_own_headers_are_aliases_and_the_proper_ones_are_not() {
        let is_alias =
            |text: &str| is_alias(&name(text), skeleton(text, &mut [0; LONGEST]).unwrap());
        for header in
            ["Content_Length", "Transfer.Encoding", "X_Request_Id", "co-okie", "trace-parent"]
        {
            assert!(is_alias(header), "{header}");
        }
        for header in ["Content-Length", "Host", "Cookie", "Via", "X-Request-ID", "content-type"] {
            assert!(!is_alias(header), "{header}");
        }
    }
}
