//! Request cookies by one rule, and `Set-Cookie` lines built by the cookie crate.

use cookie::Cookie;
use cookie::SameSite;
use http::HeaderMap;
use http::HeaderValue;
use http::header;

/// The cookies of a request: every `Cookie` line split at `;`, quotes being data (no cookie
/// sandwich), names compared exactly.
#[derive(Clone, Copy, Debug)]
pub struct Cookies<'a>(&'a HeaderMap);

/// What a request says under one cookie name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// Nothing.
    Absent,
    /// One value, however often.
    One(&'a str),
    /// Two different values: somebody else has set one of them.
    Contradiction,
}

impl<'a> Cookies<'a> {
    /// The cookies in `headers`.
    pub fn of(headers: &'a HeaderMap) -> Self {
        Self(headers)
    }

    /// Name and value of each cookie, in order. A cookie that is not ASCII is left out alone: anything
    /// on the host may set one, and the others still count.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0
            .get_all(header::COOKIE)
            .iter()
            .flat_map(|line| line.as_bytes().split(|&byte| byte == b';'))
            .filter_map(|pair| std::str::from_utf8(pair).ok().filter(|pair| pair.is_ascii()))
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.trim(), value.trim()))
    }

    /// What is said under `name`.
    pub fn named(self, name: &str) -> Named<'a> {
        let mut found = Named::Absent;
        for (_, value) in self.iter().filter(|(known, _)| *known == name) {
            match found {
                Named::Absent => found = Named::One(value),
                Named::One(first) if first == value => {}
                Named::One(_) | Named::Contradiction => return Named::Contradiction,
            }
        }
        found
    }

    /// The one value under `name`; `None` when absent or contradictory.
    pub fn get(self, name: &str) -> Option<&'a str> {
        match self.named(name) {
            Named::One(value) => Some(value),
            Named::Absent | Named::Contradiction => None,
        }
    }
}

/// A cookie of ours: `Secure`, `HttpOnly` unless scripts may read it, `Path=/`, no `Domain`.
#[derive(Clone, Debug)]
pub struct OwnCookie<'a> {
    /// Its name, prefix included.
    pub name: &'a str,
    /// Its value: cookie octets only.
    pub value: &'a str,
    /// `SameSite=None`, for what a cross-site form post must bring back; else `Lax`.
    pub cross_site: bool,
    /// Whether scripts may read it: only for what opens nothing.
    pub readable: bool,
    /// Seconds to live; `None` ends with the browser's session.
    pub max_age: Option<u64>,
}

impl OwnCookie<'_> {
    /// The `Set-Cookie` line.
    pub fn header(&self) -> HeaderValue {
        let mut cookie = Cookie::build((self.name.to_owned(), self.value.to_owned()))
            .path("/")
            .secure(true)
            .http_only(!self.readable)
            .same_site(if self.cross_site { SameSite::None } else { SameSite::Lax });
        if let Some(seconds) = self.max_age {
            let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
            cookie = cookie.max_age(cookie::time::Duration::seconds(seconds));
        }
        HeaderValue::try_from(cookie.build().to_string())
            .unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// The line that removes the cookie: same name, path and flags, no life left.
    pub fn removal(&self) -> HeaderValue {
        Self { value: "", max_age: Some(0), ..self.clone() }.header()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for line in lines {
            map.append(header::COOKIE, line.parse().unwrap());
        }
        map
    }

    #[test]
    fn j221_two_values_contradict_and_equal_ones_do_not() {
        let map = headers(&["a=1; b=2", "a=1; b=3"]);
        assert_eq!(Cookies::of(&map).named("a"), Named::One("1"));
        assert_eq!(Cookies::of(&map).named("b"), Named::Contradiction);
        assert_eq!(Cookies::of(&map).named("c"), Named::Absent);
    }

    #[test]
    fn j223_quotes_are_data() {
        let map = headers(&[r#"a="x; session=S; b=y""#]);
        assert_eq!(Cookies::of(&map).get("session"), Some("S"));
        assert_eq!(Cookies::of(&map).get("a"), Some("\"x"));
    }

    #[test]
    fn one_cookie_that_is_not_ascii_leaves_the_others() {
        let mut map = HeaderMap::new();
        for line in [&b"a=1; name=J\xfcrgen; b=2"[..], "town=K\u{f6}ln; c=3".as_bytes()] {
            map.append(header::COOKIE, HeaderValue::from_bytes(line).unwrap());
        }
        let found: Vec<_> = Cookies::of(&map).iter().collect();
        assert_eq!(found, [("a", "1"), ("b", "2"), ("c", "3")]);
    }

    #[test]
    fn own_cookies_carry_every_flag() {
        let cookie = OwnCookie {
            name: ".AspNet.Cookies",
            value: "abc",
            cross_site: false,
            readable: false,
            max_age: None,
        };
        assert_eq!(cookie.header(), ".AspNet.Cookies=abc; HttpOnly; SameSite=Lax; Secure; Path=/");
        let removal = cookie.removal();
        let text = removal.to_str().unwrap();
        assert!(text.contains("Max-Age=0") && text.contains("Secure") && text.contains("Path=/"));
    }
}
