//! Parameters of a query or a form body, each at most once.

use crate::error::Problem;

/// Decoded parameters, in order, no name twice (RFC 6749 §3.1: parameters must not be repeated),
/// not even in another case, because ASP.NET reads those as one. `resource` alone may be repeated
/// (RFC 8707 §2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Most parameters in one form.
    const MOST: usize = 200;

    /// The one parameter that may stand there more than once.
    const REPEATABLE: &str = "resource";

    /// Decodes `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    ///
    /// [`Problem::BadRequest`] when a name stands there twice in whatever case, an escape is malformed, the text is
    /// not UTF-8, or there are more than 200 parameters.
    pub fn parse(encoded: &[u8]) -> Result<Self, Problem> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for part in encoded.split(|&b| b == b'&').filter(|part| !part.is_empty()) {
            if pairs.len() == Self::MOST {
                return Err(Problem::BadRequest("there are too many parameters".into()));
            }
            let at = part.iter().position(|&b| b == b'=').unwrap_or(part.len());
            let (name, value) = part.split_at_checked(at).unwrap_or((part, &[]));
            let name = decode(name)?;
            let value = decode(value.strip_prefix(b"=").unwrap_or(value))?;
            let same = |(known, _): &(String, String)| known.eq_ignore_ascii_case(&name);
            if name != Self::REPEATABLE && pairs.iter().any(same) {
                return Err(Problem::BadRequest("a parameter stands there twice".into()));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// The parameter called `name`, compared exactly.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every value of the parameter called `name`, compared exactly.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The parameter called `name` without regard to ASCII case, as ASP.NET reads it.
    pub fn get_any_case(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn decode(encoded: &[u8]) -> Result<String, Problem> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|&d| char::from(d).to_digit(16));
                match (digit(), digit()) {
                    (Some(high), Some(low)) => u8::try_from(high * 16 + low).unwrap_or(0),
                    _ => return Err(Problem::BadRequest("a percent escape is malformed".into())),
                }
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| Problem::BadRequest("a parameter is not UTF-8".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_once_and_kept_in_order() {
        let form = Form::parse(b"a=1%202&b=&c&d=x+y%2b").unwrap();
        assert_eq!(
            form.iter().collect::<Vec<_>>(),
            [("a", "1 2"), ("b", ""), ("c", ""), ("d", "x y+")]
        );
    }

    #[test]
    fn h181_a_repeated_parameter_is_refused_however_it_is_written() {
        for text in [
            &b"code=a&code=b"[..],
            b"state=x&st%61te=y",
            b"returnUrl=a&ReturnURL=b",
            b"a=%zz",
            b"a=%f",
            b"a=%ff",
        ] {
            assert!(Form::parse(text).is_err());
        }
    }
}
