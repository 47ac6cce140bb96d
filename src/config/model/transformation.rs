//! Rules that rewrite claims and fill a user's properties, as configured.

use std::sync::Arc;

use crate::config::fault::Origin;

/// One rule of a provider's chain.
#[derive(Clone, Debug)]
pub struct Transformation {
    /// Its `name`; a number by position when it has none.
    pub name: Arc<str>,
    /// What it does.
    pub kind: TransformationKind,
    /// Where it is declared.
    pub origin: Origin,
}

/// What a transformation does (spec §1.3, §4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransformationKind {
    /// `SetIdpClaimTransform`: adds `idp` with the provider's name.
    SetIdp,
    /// `DefaultTransformation`, and with `keep_source` the identity server's
    /// `DefaultClaimsTransformation`.
    Default {
        /// All must match.
        sources: Vec<ClaimPattern>,
        /// All are added; without a value the matched values are copied.
        targets: Vec<ClaimPattern>,
        /// Whether the matched claims stay.
        keep_source: bool,
    },
}

/// A claim type with or without a value: as a source any value fits when there is none; as a target
/// the source's value is copied when there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPattern {
    /// Claim type, compared exactly.
    pub kind: String,
    /// Value, compared exactly.
    pub value: Option<String>,
}

/// One `map` of the property initializer: a claim → a property of the user (spec §1.6).
#[derive(Clone, Debug)]
pub struct PropertyMap {
    /// Its `name`.
    pub name: Arc<str>,
    /// The claim it reads.
    pub source: ClaimPattern,
    /// The property it sets; built-in names (`Email`, `FullName`, `Name`, `Comment`, `Portrait`,
    /// `IsAdministrator`) are compared without regard to case.
    pub property: String,
    /// A constant instead of the claim's value.
    pub value: Option<String>,
    /// Where it is declared.
    pub origin: Origin,
}
