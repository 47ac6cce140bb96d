//! The person behind a session, as tokens name them: subject, provider and claims.

use serde::Deserialize;
use serde::Serialize;

use crate::claims::ClaimSet;
use crate::claims::types;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::identity_server::IdentityServer;
use crate::identity_server::mint::GRANT;
use crate::session::Session;
use crate::session::Visit;
use crate::store::StoreError;
use crate::users::User;
use crate::users::local;
use crate::users::local::LocalIdentity;
use crate::users::local::LocalUsers;
use crate::users::subject;

/// `idp` of people who sign in with a name and password kept here.
pub(super) const LOCAL: &str = local::PROVIDER;

/// Every `acr` there is: a password over TLS, and whatever an external provider asks for.
pub(super) const CLASSES: [&str; 2] = [
    "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified",
];

/// Somebody who is signed in at the identity server, as they were when they were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Person {
    /// `sub`: 43 characters that never change and are never given to anybody else.
    pub(super) subject: String,
    /// The account's name.
    pub(super) user_name: String,
    /// [`LOCAL`] or the scheme of the external provider.
    pub(super) idp: String,
    /// `sid`, the public name of the session at the identity server; empty where there is none.
    pub(super) sid: String,
    /// `auth_time`, unless it is assumed.
    pub(super) authenticated_at: Timestamp,
    /// Whether `authenticated_at` is only when the person came: the external provider does not say
    /// when they proved who they are, and no token says that it was then.
    #[serde(default)]
    pub(super) time_assumed: bool,
    /// Claims of the user that scopes may release; none of the protocol's own.
    pub(super) claims: ClaimSet,
}

impl Person {
    /// Who is signed in; `None` when nobody is, or an account that no longer exists.
    pub(super) fn of(visit: &Visit) -> Option<Self> {
        let session = visit.session.as_deref()?;
        let idp = idp_of(&visit.config, session)?;
        let name = &session.identity.user.name;
        let known = idp != LOCAL || session.identity.persistent;
        if !known && local::configured(&visit.config, name).is_none() {
            return None;
        }
        let person = Self {
            subject: subject_of(session),
            user_name: name.clone(),
            sid: session.public_id.clone(),
            authenticated_at: session.identity.authenticated_at,
            time_assumed: session.identity.time_assumed,
            claims: released(&session.identity.claims, &session.identity.user, &idp),
            idp,
        };
        Some(person)
    }

    /// Who just proved to be a local user, without a session.
    pub(super) fn local(identity: &LocalIdentity, now: Timestamp) -> Self {
        let account = identity.user.clone();
        Self {
            subject: subject::local(&account.name),
            claims: released(&identity.claims, &account, LOCAL),
            user_name: account.name,
            idp: LOCAL.to_owned(),
            sid: String::new(),
            authenticated_at: now,
            time_assumed: false,
        }
    }

    /// The same sign-in with what is known of the person now; `None` when the account no longer
    /// exists or is disabled, which a user who is kept for this server's own sites may be as well
    /// (security.md L271). What an external provider said stands until it is asked anew.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub(super) async fn renewed(
        &self,
        config: &Config,
        users: &LocalUsers,
    ) -> Result<Option<Self>, StoreError> {
        if self.idp != LOCAL {
            let known = is_external(config, &self.idp)
                && !users.is_subject_disabled(config, &self.subject).await?;
            return Ok(known.then(|| self.clone()));
        }
        let known = users.find(config, &self.user_name).await?;
        Ok(known.map(|known| {
            let claims = released(&known.claims, &known.user, LOCAL);
            Self { claims, ..self.clone() }
        }))
    }

    /// Whether the account still exists and is not disabled.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub(super) async fn is_active(
        &self,
        config: &Config,
        users: &LocalUsers,
    ) -> Result<bool, StoreError> {
        Ok(self.renewed(config, users).await?.is_some())
    }

    /// `acr`: how sure the sign-in is, in the words of SAML's authentication contexts.
    pub(super) fn class(&self) -> &'static str {
        if self.idp == LOCAL { CLASSES[0] } else { CLASSES[1] }
    }

    /// `amr` (RFC 8176), as IdentityServer4 writes it.
    pub(super) fn method(&self) -> &'static str {
        if self.idp == LOCAL { "pwd" } else { "external" }
    }
}

impl IdentityServer {
    /// Who is signed in, with what is known of a local user now: a role or a flag that was taken
    /// since the sign-in is in no token any more, and a disabled user is nobody.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub(super) async fn person(&self, visit: &Visit) -> Result<Option<Person>, StoreError> {
        match Person::of(visit) {
            Some(person) => person.renewed(&visit.config, &self.parts.local_users).await,
            None => Ok(None),
        }
    }
}

/// Whether `scheme` is an external provider that is switched on.
pub(super) fn is_external(config: &Config, scheme: &str) -> bool {
    let mut providers = config.identity_server.external_providers.iter();
    providers.any(|provider| *provider.name == *scheme && provider.is_enabled())
}

/// `None` for a provider that is neither the local users nor external and switched on.
fn idp_of(config: &Config, session: &Session) -> Option<String> {
    let provider = &*session.identity.provider;
    let known = provider == LOCAL || is_external(config, provider);
    known.then(|| provider.to_owned())
}

/// `sub` of whoever is signed in.
pub(super) fn subject_of(session: &Session) -> String {
    match &*session.identity.provider {
        LOCAL => subject::local(&session.identity.user.name),
        scheme => subject::external(scheme, &session.identity.subject),
    }
}

/// `sub` of a local user.
pub(super) fn local_subject(user_name: &str) -> String {
    subject::local(user_name)
}

/// One name for a person and a client: the length before both, so that no two pairs read the same.
pub(super) fn at_client(subject: &str, client: &str) -> String {
    format!("{}:{subject}{client}", subject.len())
}

/// Short claim names whatever the provider wrote, completed from the account.
fn released(known: &ClaimSet, user: &User, idp: &str) -> ClaimSet {
    let mut claims = ClaimSet::default();
    for claim in known.iter() {
        let (kind, value) = (short(&claim.kind), &claim.value);
        let fixed = kind == "name" && idp == LOCAL || kind == types::ORIGINAL_ISSUER;
        if !fixed && !PROTOCOL.contains(&kind) && !claims.values(kind).any(|v| v == value) {
            claims.add(kind, value.as_str());
        }
    }
    if claims.first("name").is_none() {
        claims.add("name", user.name.as_str());
    }
    if let (None, Some(email)) = (claims.first("email"), user.property("Email")) {
        claims.add("email", email);
    }
    if claims.first("role").is_none() {
        user.roles.iter().for_each(|role| claims.add("role", role.as_str()));
    }
    if claims.first(types::IS_ADMIN).is_none() && user.is_administrator {
        claims.add(types::IS_ADMIN, "true");
    }
    claims.add(types::ORIGINAL_ISSUER, idp);
    claims
}

fn short(kind: &str) -> &str {
    match kind {
        types::NAME => "name",
        types::EMAIL => "email",
        types::ROLE => "role",
        other => other,
    }
}

/// Whether a claim is one that only the server itself says.
pub(super) fn is_of_the_protocol(name: &str) -> bool {
    PROTOCOL.contains(&name)
}

/// What only the server itself says of a token; a provider or a transformation cannot.
const PROTOCOL: [&str; 22] = [
    "acr",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "c_hash",
    "client_id",
    "cnf",
    "exp",
    GRANT,
    "iat",
    "idp",
    "iss",
    "jti",
    "nbf",
    "nonce",
    "s_hash",
    "scope",
    "sid",
    "sub",
    types::NAME_IDENTIFIER,
];
