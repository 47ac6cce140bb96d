//! Claims for people to read: lists, and what a transformation took and gave.

use std::io;
use std::io::Write;

use crate::claims::Claim;
use crate::claims::ClaimSet;
use crate::claims::transformation::Step;

/// Every claim on a line of its own.
pub(super) fn list(claims: &ClaimSet, out: &mut impl Write) -> io::Result<()> {
    for claim in claims.iter() {
        line(' ', claim, out)?;
    }
    if claims.is_empty() {
        writeln!(out, "    none")?;
    }
    Ok(())
}

/// A transformation: whether it applied and why, and the claims before and after it: those it
/// removed are marked `-`, those it added `+`.
pub(super) fn step(number: usize, step: &Step, out: &mut impl Write) -> io::Result<()> {
    let place = step.origin.as_ref().map_or_else(|| "always".to_owned(), ToString::to_string);
    let applied = if step.matched { "applies" } else { "does not apply" };
    writeln!(out, "\n{number}. {} ({place}) {applied}: {}", step.name, shown(&step.why))?;
    if !step.matched {
        return Ok(());
    }
    let mut added: Vec<&Claim> = step.after.iter().collect();
    for claim in step.before.iter() {
        let kept = added.iter().position(|after| *after == claim);
        if let Some(kept) = kept {
            added.remove(kept);
        }
        line(if kept.is_some() { ' ' } else { '-' }, claim, out)?;
    }
    for claim in added {
        line('+', claim, out)?;
    }
    Ok(())
}

fn line(mark: char, claim: &Claim, out: &mut impl Write) -> io::Result<()> {
    let value = if is_secret(&claim.kind) { "***".to_owned() } else { shown(&claim.value) };
    writeln!(out, "  {mark} {} = {value}", shown(&claim.kind))
}

/// Claims that open something.
fn is_secret(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    kind == "code" || ["token", "secret", "password"].iter().any(|word| kind.ends_with(word))
}

/// `text` with everything escaped that a terminal could obey.
pub(super) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let unseen = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}');
        if c.is_control() || unseen {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(claims: &[(&str, &str)]) -> ClaimSet {
        claims.iter().map(|(kind, value)| Claim::new(*kind, *value)).collect()
    }

    #[test]
    fn what_went_and_what_came_is_marked() {
        let mut out = Vec::new();
        let told = Step {
            name: "rule".to_owned(),
            origin: None,
            matched: true,
            why: "every source is there (1 claim)".to_owned(),
            before: set(&[("a", "1"), ("b", "2"), ("access_token", "s3cret")]),
            after: set(&[("a", "1"), ("access_token", "s3cret"), ("c", "x\u{1b}[2J")]),
        };
        step(3, &told, &mut out).unwrap();
        let expected = "\n3. rule (always) applies: every source is there (1 claim)\n    \
                        a = 1\n  - b = 2\n    access_token = ***\n  + c = x\\u{1b}[2J\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
