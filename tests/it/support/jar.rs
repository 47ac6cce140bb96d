//! Cookies as a browser keeps them, roughly: host, path, `Secure`, `SameSite`, `Max-Age`, deletion.

/// A kept cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The host that set it; every cookie here is host-only, and `Domain` is a failed test.
    pub(crate) host: String,
    /// Its name.
    pub(crate) name: String,
    /// Its value.
    pub(crate) value: String,
    /// `Path`.
    pub(crate) path: String,
    /// `SameSite`, in lower case; `lax` where none was written.
    pub(crate) same_site: String,
    /// Whether `Max-Age` or `Expires` makes it outlive the browser.
    pub(crate) persistent: bool,
    /// The whole line.
    pub(crate) line: String,
}

/// A browser's cookies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jar(pub(crate) Vec<Kept>);

impl Jar {
    /// Takes a `Set-Cookie` line that `host` sent over TLS or not.
    pub(crate) fn take(&mut self, host: &str, secure: bool, line: &str) {
        let mut parts = line.split(';').map(str::trim);
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).unwrap_or_default();
        let attributes: Vec<(String, String)> = parts
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let find = |wanted: &str| {
            attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
        };
        if find("secure").is_some() && !secure {
            return;
        }
        self.0.retain(|kept| kept.host != host || kept.name != name);
        let lifetime = find("max-age").and_then(|age| age.parse::<i64>().ok());
        let expired = find("expires").is_some_and(|date| date.contains("1970"));
        if lifetime.is_some_and(|seconds| seconds <= 0) || expired {
            return;
        }
        self.0.push(Kept {
            host: host.to_owned(),
            name: name.to_owned(),
            value: value.to_owned(),
            path: find("path").unwrap_or_else(|| "/".to_owned()),
            same_site: find("samesite").unwrap_or_else(|| "lax".to_owned()).to_ascii_lowercase(),
            persistent: lifetime.is_some() || find("expires").is_some(),
            line: line.to_owned(),
        });
    }

    /// The `Cookie` header for a request; `cross_site_post` leaves out what `SameSite` keeps back.
    pub(crate) fn header(&self, host: &str, path: &str, cross_site_post: bool) -> Option<String> {
        let sent: Vec<String> = self
            .0
            .iter()
            .filter(|kept| kept.host == host && path.starts_with(&kept.path))
            .filter(|kept| !cross_site_post || kept.same_site == "none")
            .map(|kept| format!("{}={}", kept.name, kept.value))
            .collect();
        (!sent.is_empty()).then(|| sent.join("; "))
    }

    /// The cookie called `name` on `host`.
    pub(crate) fn find(&self, host: &str, name: &str) -> Option<&Kept> {
        self.0.iter().find(|kept| kept.host == host && kept.name == name)
    }
}
