//! Claims for people to read: what a transformation took and gave, and nothing that opens anything.

use crate::claims::Claim;
use crate::claims::ClaimSet;
use crate::claims::transformation::Step;
use crate::observe::Visible;

/// A claim as it is shown, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownClaim {
    /// What became of it.
    pub mark: Mark,
    /// Its type, escaped.
    pub kind: String,
    /// Its value, escaped; `***` for what opens something.
    pub value: String,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It stayed.
    Kept,
    /// It was taken away.
    Taken,
    /// It was added.
    Added,
}

impl Mark {
    /// The sign that stands before it.
    pub const fn sign(self) -> char {
        match self {
            Self::Kept => ' ',
            Self::Taken => '-',
            Self::Added => '+',
        }
    }
}

/// Every claim of a set.
pub fn list(claims: &ClaimSet) -> Vec<ShownClaim> {
    claims.iter().map(|claim| marked(Mark::Kept, claim)).collect()
}

/// The claims before a step, those that it took away among them, and then those that it added.
pub fn changes(step: &Step) -> Vec<ShownClaim> {
    let mut added: Vec<&Claim> = step.after.iter().collect();
    let mut changes = Vec::new();
    for claim in step.before.iter() {
        let kept = added.iter().position(|after| *after == claim);
        if let Some(kept) = kept {
            added.remove(kept);
        }
        changes.push(marked(if kept.is_some() { Mark::Kept } else { Mark::Taken }, claim));
    }
    changes.extend(added.into_iter().map(|claim| marked(Mark::Added, claim)));
    changes
}

fn marked(mark: Mark, claim: &Claim) -> ShownClaim {
    let value = if is_secret(&claim.kind) { "***".to_owned() } else { shown(&claim.value) };
    ShownClaim { mark, kind: shown(&claim.kind), value }
}

/// Claims that open something.
fn is_secret(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    kind == "code" || ["token", "secret", "password"].iter().any(|word| kind.ends_with(word))
}

/// `text` with everything escaped that a terminal could obey, or that hides from a reader.
pub fn shown(text: &str) -> String {
    Visible(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(claims: &[(&str, &str)]) -> ClaimSet {
        claims.iter().map(|(kind, value)| Claim::new(*kind, *value)).collect()
    }

    #[test]
    fn what_went_and_what_came_is_marked() {
        let step = Step {
            name: "rule".to_owned(),
            origin: None,
            matched: true,
            why: String::new(),
            before: set(&[("a", "1"), ("b", "2"), ("access_token", "s3cret")]),
            after: set(&[("a", "1"), ("access_token", "s3cret"), ("c", "x\u{1b}[2J")]),
        };
        let told: Vec<String> = changes(&step)
            .iter()
            .map(|claim| format!("{} {} = {}", claim.mark.sign(), claim.kind, claim.value))
            .collect();
        let expected = ["  a = 1", "- b = 2", "  access_token = ***", "+ c = x\\u{1b}[2J"];
        assert_eq!(told, expected);
    }
}
