//! A provider's chain of transformations rewrites its claims (spec §1.3, §4.4).

use crate::claims::Claim;
use crate::claims::ClaimSet;
use crate::claims::SaidBy;
use crate::claims::is_identity_server;
use crate::claims::types;
use crate::config::fault::Origin;
use crate::config::model::ClaimPattern;
use crate::config::model::Transformation;
use crate::config::model::TransformationKind;

/// What one transformation did, for `vestibule explain`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The transformation's name.
    pub name: String,
    /// Where it is declared; `None` for what the gateway does of itself.
    pub origin: Option<Origin>,
    /// Whether every source was there.
    pub matched: bool,
    /// Why it matched or did not, for people.
    pub why: String,
    /// The claims it found.
    pub before: ClaimSet,
    /// The claims it left.
    pub after: ClaimSet,
}

/// Rewrites the claims that `provider` asserts, by each transformation of `chain` in order.
///
/// A provider other than [`crate::claims::IDENTITY_SERVER`] cannot assert what only rules may say:
/// `idp` is removed before the chain, and roles, `client_id` and Sitecore's own types that no rule
/// has made are removed after it. In between they can be sources, so a rule may take a provider's
/// word for them.
pub fn apply(chain: &[Transformation], provider: &str, claims: ClaimSet) -> ClaimSet {
    run(chain, provider, claims, &mut Silent)
}

/// As [`apply`], and tells of every step.
pub fn apply_traced(
    chain: &[Transformation],
    provider: &str,
    claims: ClaimSet,
) -> (ClaimSet, Vec<Step>) {
    let mut steps = Vec::new();
    let claims = run(chain, provider, claims, &mut steps);
    (claims, steps)
}

/// As [`apply`], and tells which transformation made each claim of the type `kind`: the value and
/// the transformation, in the order they ran.
pub fn apply_noting<'c>(
    chain: &'c [Transformation],
    provider: &str,
    claims: ClaimSet,
    kind: &str,
) -> (ClaimSet, Vec<(String, &'c Transformation)>) {
    let mut notes = Notes { kind, made: Vec::new() };
    let claims = run(chain, provider, claims, &mut notes);
    (claims, notes.made)
}

/// Who watches a chain run. What it is told may cost something to say, so it is asked for.
trait Watch<'c> {
    fn watches(&self) -> bool;
    fn saw(&mut self, step: Step);
    fn made(&mut self, _by: &'c Transformation, _claims: &[Claim]) {}
}

struct Silent;

impl Watch<'_> for Silent {
    fn watches(&self) -> bool {
        false
    }

    fn saw(&mut self, _: Step) {}
}

/// Who made the claims of one type.
struct Notes<'k, 'c> {
    kind: &'k str,
    made: Vec<(String, &'c Transformation)>,
}

impl<'c> Watch<'c> for Notes<'_, 'c> {
    fn watches(&self) -> bool {
        false
    }

    fn saw(&mut self, _: Step) {}

    fn made(&mut self, by: &'c Transformation, claims: &[Claim]) {
        let wanted = claims.iter().filter(|claim| claim.kind == self.kind);
        self.made.extend(wanted.map(|claim| (claim.value.clone(), by)));
    }
}

impl Watch<'_> for Vec<Step> {
    fn watches(&self) -> bool {
        true
    }

    fn saw(&mut self, step: Step) {
        self.push(step);
    }
}

fn run<'c>(
    chain: &'c [Transformation],
    provider: &str,
    mut claims: ClaimSet,
    watch: &mut impl Watch<'c>,
) -> ClaimSet {
    let dropped = |claim: &Claim| claim.kind == types::IDP && claim.said_by == SaidBy::Provider;
    own_step(&mut claims, dropped, "claims that a provider cannot set", watch);
    for transformation in chain {
        let before = watch.watches().then(|| claims.clone());
        let (outcome, made) = transform(&transformation.kind, provider, &mut claims);
        watch.made(transformation, &made);
        claims.0.extend(made);
        if let Some(before) = before {
            watch.saw(Step {
                name: transformation.name.to_string(),
                origin: Some(transformation.origin.clone()),
                matched: matches!(outcome, Outcome::Matched(_)),
                why: outcome.words(),
                before,
                after: claims.clone(),
            });
        }
    }
    if !is_identity_server(provider) {
        let dropped =
            |claim: &Claim| claim.said_by == SaidBy::Provider && only_rules_may_set(&claim.kind);
        own_step(&mut claims, dropped, "claims that only a transformation can set", watch);
    }
    claims
}

fn only_rules_may_set(kind: &str) -> bool {
    matches!(kind, types::ROLE | "role" | "client_id") || kind.starts_with(types::SITECORE)
}

/// A removal that is the gateway's own; a step only when it removes something.
fn own_step<'c>(
    claims: &mut ClaimSet,
    dropped: impl Fn(&Claim) -> bool,
    name: &str,
    watch: &mut impl Watch<'c>,
) {
    if !claims.iter().any(&dropped) {
        return;
    }
    let before = claims.clone();
    claims.retain(|claim| !dropped(claim));
    if watch.watches() {
        watch.saw(Step {
            name: name.to_owned(),
            origin: None,
            matched: true,
            why: "the provider said it and no rule takes its word for it".to_owned(),
            before,
            after: claims.clone(),
        });
    }
}

/// How a transformation ended.
#[derive(Clone, Copy, Debug)]
enum Outcome<'a> {
    /// It applied; with how many claims its sources matched.
    Matched(usize),
    /// This source was not there.
    Missing(&'a ClaimPattern),
}

impl Outcome<'_> {
    fn words(self) -> String {
        match self {
            Self::Matched(0) => "always applies".to_owned(),
            Self::Matched(1) => "every source is there (1 claim)".to_owned(),
            Self::Matched(count) => format!("every source is there ({count} claims)"),
            Self::Missing(ClaimPattern { kind, value: None }) => {
                format!("no claim is of type {kind}")
            }
            Self::Missing(ClaimPattern { kind, value: Some(value) }) => {
                format!("no claim of type {kind} is exactly {value:?}")
            }
        }
    }
}

/// Takes out what is not kept; how that ended, and the claims that are to be added.
fn transform<'a>(
    kind: &'a TransformationKind,
    provider: &str,
    claims: &mut ClaimSet,
) -> (Outcome<'a>, Vec<Claim>) {
    match kind {
        TransformationKind::SetIdp => {
            claims.retain(|claim| claim.kind != types::IDP);
            (Outcome::Matched(0), vec![said_by_owner(types::IDP, provider)])
        }
        TransformationKind::Default { sources, targets, keep_source } => {
            let matched = match matching(sources, claims) {
                Ok(matched) => matched,
                Err(missing) => return (Outcome::Missing(missing), Vec::new()),
            };
            let made = made(targets, &matched, claims);
            if !keep_source {
                let mut at = 0..;
                claims.retain(|_| at.next().is_none_or(|at| !matched.contains(&at)));
            }
            (Outcome::Matched(matched.len()), made)
        }
    }
}

/// The places of all claims that match a source, source by source; or the first source that nothing
/// matches. A claim that matches two sources counts once.
fn matching<'a>(
    sources: &'a [ClaimPattern],
    claims: &ClaimSet,
) -> Result<Vec<usize>, &'a ClaimPattern> {
    let mut matched = Vec::new();
    for source in sources {
        let before = matched.len();
        let mut found = false;
        for (at, claim) in claims.iter().enumerate() {
            if source.matches(claim) {
                found = true;
                if !matched.iter().take(before).any(|&known| known == at) {
                    matched.push(at);
                }
            }
        }
        if !found {
            return Err(source);
        }
    }
    Ok(matched)
}

fn made(targets: &[ClaimPattern], matched: &[usize], claims: &ClaimSet) -> Vec<Claim> {
    let mut made = Vec::new();
    for target in targets {
        match &target.value {
            Some(value) => made.push(said_by_owner(&target.kind, value)),
            None => made.extend(
                matched.iter().filter_map(|&at| claims.0.get(at)).map(|c| copied(&target.kind, c)),
            ),
        }
    }
    made
}

fn said_by_owner(kind: &str, value: &str) -> Claim {
    Claim { kind: kind.to_owned(), value: value.to_owned(), said_by: SaidBy::Owner }
}

fn copied(kind: &str, source: &Claim) -> Claim {
    let said_by = match source.said_by {
        SaidBy::Owner => SaidBy::Owner,
        SaidBy::Provider | SaidBy::Rule => SaidBy::Rule,
    };
    Claim { kind: kind.to_owned(), value: source.value.clone(), said_by }
}

impl ClaimPattern {
    /// Whether `claim` is of this type and, when a value is asked for, has exactly that value.
    pub fn matches(&self, claim: &Claim) -> bool {
        claim.kind == self.kind && self.value.as_ref().is_none_or(|value| claim.value == *value)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const ROLE: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";
    const IS_ADMIN: &str = "http://www.sitecore.net/identity/claims/isAdmin";

    fn set(claims: &[(&str, &str)]) -> ClaimSet {
        claims.iter().map(|(kind, value)| Claim::new(*kind, *value)).collect()
    }

    /// `type` or `type=value`.
    fn patterns(texts: &[&str]) -> Vec<ClaimPattern> {
        let pattern = |text: &&str| match text.split_once('=') {
            Some((kind, value)) => (kind.to_owned(), Some(value.to_owned())),
            None => ((*text).to_owned(), None),
        };
        texts.iter().map(pattern).map(|(kind, value)| ClaimPattern { kind, value }).collect()
    }

    fn rule(sources: &[&str], targets: &[&str], keep_source: bool) -> Transformation {
        let (sources, targets) = (patterns(sources), patterns(targets));
        transformation(TransformationKind::Default { sources, targets, keep_source })
    }

    fn transformation(kind: TransformationKind) -> Transformation {
        let origin = Origin { file: Path::new("a.config").into(), line: 7, column: 1 };
        Transformation { name: "rule".into(), kind, origin }
    }

    #[test]
    fn sources_are_anded_and_a_matched_source_is_removed() {
        let chain = [rule(&["groups=a", "groups=b"], &["team=both"], false)];
        let claims = set(&[("groups", "a"), ("x", "1"), ("groups", "b"), ("groups", "c")]);
        let after = set(&[("x", "1"), ("groups", "c"), ("team", "both")]);
        assert_eq!(apply(&chain, "Okta", claims), after);
        let lacking = set(&[("groups", "a"), ("groups", "c")]);
        assert_eq!(apply(&chain, "Okta", lacking.clone()), lacking);
    }

    #[test]
    fn a_source_without_value_matches_any_and_a_target_without_value_copies_all() {
        let chain = [rule(&["groups"], &["team", "seen=yes"], false)];
        let claims = set(&[("groups", "a"), ("groups", "b")]);
        let after = set(&[("team", "a"), ("team", "b"), ("seen", "yes")]);
        assert_eq!(apply(&chain, "Okta", claims), after);
    }

    #[test]
    fn keep_source_keeps_and_order_counts() {
        let claims = || set(&[("a", "1")]);
        let (first, second) = (rule(&["a"], &["b"], true), rule(&["b"], &["c"], false));
        let after = apply(&[first.clone(), second.clone()], "Okta", claims());
        assert_eq!(after, set(&[("a", "1"), ("c", "1")]));
        let after = apply(&[second, first], "Okta", claims());
        assert_eq!(after, set(&[("a", "1"), ("b", "1")]));
    }

    #[test]
    fn a_target_of_the_sources_own_type_survives_the_removal() {
        let chain = [rule(&["a=1"], &["a=1"], false)];
        assert_eq!(apply(&chain, "Okta", set(&[("a", "1")])), set(&[("a", "1")]));
    }

    #[test]
    fn m299_values_match_exactly() {
        let chain = [rule(&["groups=Admin"], &["hit=1"], true)];
        for near in ["Admin ", "admin", "Admins", "Admin\u{0}", "Adm.n", " Admin"] {
            assert_eq!(apply(&chain, "Okta", set(&[("groups", near)])).first("hit"), None);
        }
        let nested = set(&[("Groups", "Admin"), ("groups", "Admin,x")]);
        assert_eq!(apply(&chain, "Okta", nested).first("hit"), None);
    }

    #[test]
    fn a20_set_idp_is_the_only_one_who_names_the_provider() {
        let chain = [
            transformation(TransformationKind::SetIdp),
            rule(&["idp=Okta"], &["from=okta"], true),
            transformation(TransformationKind::SetIdp),
        ];
        let after = apply(&chain, "Okta", set(&[("idp", "Trusted")]));
        assert_eq!(after, set(&[("from", "okta"), ("idp", "Okta")]));
        let before_it = [rule(&["idp=Trusted"], &["from=trusted"], true)];
        assert!(apply(&before_it, "Okta", set(&[("idp", "Trusted")])).is_empty());
        assert!(apply(&before_it, "SitecoreIdentityServer", set(&[("idp", "Trusted")])).is_empty());
    }

    #[test]
    fn m298_roles_and_administrators_are_made_by_rules_alone() {
        let spoof = || set(&[(IS_ADMIN, "true"), (ROLE, "sitecore\\Author"), ("role", "x")]);
        assert!(apply(&[], "Okta", spoof()).is_empty());
        assert_eq!(apply(&[], "SitecoreIdentityServer", spoof()).len(), 3);
        assert!(apply(&[], "SitecoreIdentityServerX", spoof()).is_empty());
        let taken = [rule(&[ROLE], &[ROLE], false)];
        assert_eq!(apply(&taken, "Okta", spoof()), set(&[(ROLE, "sitecore\\Author")]));
    }

    #[test]
    fn literals_are_told_from_what_a_provider_said() {
        let chain = [
            rule(&["client_id=CLI"], &["name=sitecore\\superuser"], true),
            rule(&["name"], &["long"], false),
        ];
        let literal = |claims: ClaimSet| {
            let after = apply(&chain, "SitecoreIdentityServer", claims);
            after.iter().find(|c| c.kind == "long").map(Claim::is_literal)
        };
        assert_eq!(literal(set(&[("client_id", "CLI")])), Some(true));
        assert_eq!(literal(set(&[("name", "sitecore\\superuser")])), Some(false));
    }

    #[test]
    fn a_trace_tells_each_step_and_comes_to_the_same_end() {
        let chain = [rule(&["a"], &["b"], false), rule(&["a=2"], &["c"], false)];
        let claims = set(&[("a", "1"), (IS_ADMIN, "true")]);
        let (after, steps) = apply_traced(&chain, "Okta", claims.clone());
        assert_eq!(after, apply(&chain, "Okta", claims.clone()));
        assert_eq!(after, set(&[("b", "1")]));
        assert_eq!(steps.len(), 3);
        assert!(steps[0].matched && steps[0].before == claims);
        assert_eq!(steps[0].origin.as_ref().unwrap().line, 7);
        assert!(!steps[1].matched && steps[1].before == steps[1].after);
        assert_eq!(steps[1].why, "no claim of type a is exactly \"2\"");
        assert_eq!(steps[2].origin, None);
    }
}
