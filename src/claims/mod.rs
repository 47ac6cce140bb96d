//! What is known of a person, and the rules that rewrite it.

pub mod inbound;
pub mod transformation;

use serde::Deserialize;
use serde::Serialize;

/// The provider whose word on names, roles and administrators is taken: the identity server that
/// belongs to the gateway, and its subproviders `SitecoreIdentityServer/…`, which speak through it.
pub const IDENTITY_SERVER: &str = "SitecoreIdentityServer";

/// Whether `provider` is the identity server or one of its subproviders.
pub fn is_identity_server(provider: &str) -> bool {
    provider
        .strip_prefix(IDENTITY_SERVER)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// One claim: a type and a value. Two claims are equal when these are. One that is read back from
/// where it was kept stands on no more than its provider's word.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claim {
    /// Claim type: a short name or a URI, compared exactly.
    #[serde(rename = "type")]
    pub kind: String,
    /// The value, compared exactly.
    pub value: String,
    #[serde(skip)]
    said_by: SaidBy,
}

/// On whose word a claim stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum SaidBy {
    /// The provider's alone.
    #[default]
    Provider,
    /// The provider's, under a type that a rule of the owner gave it.
    Rule,
    /// The owner's: a rule names type and value.
    Owner,
}

impl Claim {
    /// A claim that a provider asserts.
    pub fn new(kind: impl Into<String>, value: impl Into<String>) -> Self {
        Self { kind: kind.into(), value: value.into(), said_by: SaidBy::Provider }
    }

    /// Whether the owner wrote the value: a matching rule names it, or it is the provider's name.
    pub fn is_literal(&self) -> bool {
        self.said_by == SaidBy::Owner
    }
}

impl PartialEq for Claim {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.value == other.value
    }
}

impl Eq for Claim {}

/// The claims of one identity, in order; a type may stand there several times.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClaimSet(Vec<Claim>);

impl ClaimSet {
    /// Adds a claim that a provider asserts, at the end.
    pub fn add(&mut self, kind: impl Into<String>, value: impl Into<String>) {
        self.0.push(Claim::new(kind, value));
    }

    /// The claims, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Claim> {
        self.0.iter()
    }

    /// The first value of a type.
    pub fn first(&self, kind: &str) -> Option<&str> {
        self.0.iter().find(|c| c.kind == kind).map(|c| c.value.as_str())
    }

    /// Every value of a type, in order.
    pub fn values<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |c| c.kind == kind).map(|c| c.value.as_str())
    }

    /// Keeps the claims that `keep` accepts.
    pub fn retain(&mut self, keep: impl FnMut(&Claim) -> bool) {
        self.0.retain(keep);
    }

    /// How many claims there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Claim> for ClaimSet {
    fn from_iter<I: IntoIterator<Item = Claim>>(claims: I) -> Self {
        Self(claims.into_iter().collect())
    }
}

/// Claim types that Sitecore gives a meaning (spec §1.3).
pub mod types {
    /// The provider's name, set by `SetIdpClaimTransform`.
    pub const IDP: &str = "idp";
    /// The external user's key.
    pub const NAME_IDENTIFIER: &str =
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";
    /// The user name, long form.
    pub const NAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";
    /// `User principal name` of Windows domains and Entra ID, long form.
    pub const UPN: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";
    /// E-mail, long form.
    pub const EMAIL: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
    /// A role, `domain\role`.
    pub const ROLE: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";
    /// What Sitecore's own claim types begin with.
    pub const SITECORE: &str = "http://www.sitecore.net/identity/claims/";
    /// The inbound `idp`, as Microsoft's handler renames it.
    pub const IDENTITY_PROVIDER: &str =
        "http://schemas.microsoft.com/identity/claims/identityprovider";
    /// `true` makes an administrator, by the shipped property map.
    pub const IS_ADMIN: &str = "http://www.sitecore.net/identity/claims/isAdmin";
    /// The inner provider, as the identity server names it.
    pub const ORIGINAL_ISSUER: &str = "http://www.sitecore.net/identity/claims/originalIssuer";
    /// Unix seconds: overrides the session's absolute end.
    pub const COOKIE_EXP: &str = "http://www.sitecore.net/identity/claims/cookieExp";
}
