//! Plain OAuth 2.0 (RFC 6749) for providers without OpenID Connect: the authorization request, the
//! code's way to an access token, and the provider's own words about the person. Nothing is signed,
//! so everything that is believed comes from the configured endpoints over TLS.

mod token;
mod userinfo;

use std::sync::Arc;

use http::StatusCode;
use serde_json::Map;
use serde_json::Value;
use url::Url;

use crate::clock::Timestamp;
use crate::config::model::OAuth2;
use crate::config::model::Provider;
use crate::crypto::digest;
use crate::crypto::secret::Secret;
use crate::http::client::Client;
use crate::http::client::PlainHttp;
use crate::http::client::Trust;
use crate::http::client::is_loopback;
use crate::login::oauth2::token::Code;
use crate::login::oidc::Call;
use crate::login::oidc::Fault;
use crate::login::oidc::Person;
use crate::observe::Metrics;

/// Speaks plain OAuth 2.0 to every provider.
#[derive(Debug)]
pub(super) struct PlainParty {
    client: Arc<Client>,
    metrics: Arc<Metrics>,
}

/// A provider and how it is reached.
#[derive(Clone, Copy)]
pub(super) struct PlainPeer<'a> {
    /// The provider.
    pub provider: &'a Provider,
    /// Its connection.
    pub connection: &'a OAuth2,
}

/// What distinguishes one request from the next.
pub(super) struct Request<'a> {
    /// The sealed transaction.
    pub state: &'a str,
    /// PKCE's secret half.
    pub verifier: &'a str,
    /// Our redirect URI.
    pub redirect_uri: &'a str,
    /// The name to fill in.
    pub login_hint: Option<&'a str>,
}

/// What the browser brought back.
pub(super) struct Answer<'a> {
    /// The code.
    pub code: &'a str,
    /// The redirect URI that it was brought to.
    pub redirect_uri: &'a str,
    /// PKCE's secret half.
    pub verifier: &'a str,
    /// The present moment.
    pub now: Timestamp,
}

/// Where the browser is sent to sign in (RFC 6749 §4.1.1, RFC 7636 §4.3).
pub(super) fn authorization_url(connection: &OAuth2, request: &Request<'_>) -> String {
    let separator = connection.scope_separator.to_string();
    let scopes = connection.scopes.join(&separator);
    let mut url = connection.authorization_endpoint.clone();
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("response_type", "code");
        query.append_pair("client_id", &connection.client_id);
        query.append_pair("redirect_uri", request.redirect_uri);
        if !scopes.is_empty() {
            query.append_pair("scope", &scopes);
        }
        query.append_pair("state", request.state);
        if connection.pkce {
            let challenge = digest::sha256_base64url(request.verifier.as_bytes());
            query.append_pair("code_challenge", &challenge);
            query.append_pair("code_challenge_method", "S256");
        }
        if let Some(name) = request.login_hint {
            query.append_pair("login_hint", name);
        }
        let free = |name: &str| !(name == "login_hint" && request.login_hint.is_some());
        for (name, value) in connection.parameters.iter().filter(|(name, _)| free(name)) {
            query.append_pair(name, value);
        }
    }
    url.into()
}

impl PlainParty {
    /// When the certificate ends that the server of `address` showed last.
    pub(super) fn certificate_end(&self, address: &Url) -> Option<Timestamp> {
        self.client.certificate_end(address)
    }

    /// Knows nobody; there is nothing to remember.
    pub(super) fn new(client: Arc<Client>, metrics: Arc<Metrics>) -> Self {
        Self { client, metrics }
    }

    /// Turns what the browser brought back into claims.
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub(super) async fn finish(
        &self,
        peer: PlainPeer<'_>,
        answer: Answer<'_>,
    ) -> Result<Person, Fault> {
        let Answer { code, redirect_uri, verifier, now } = answer;
        let connection = peer.connection;
        let code = Code { value: code, verifier, redirect_uri };
        let access_token = token::redeem(&self.call(peer, "token"), connection, code).await?;
        let request = userinfo::request(connection, &access_token)?;
        let described = userinfo::read(&self.call(peer, "userinfo").send(request).await?)?;
        let mut claims = userinfo::claims(&connection.userinfo, &described)?;
        if let Some(emails) = &connection.userinfo.emails {
            self.add_email(peer, emails, &access_token, &mut claims).await?;
        }
        Ok(Person {
            subject: userinfo::subject(&connection.userinfo, &described)?,
            claims,
            inner: None,
            id_token: None,
            authenticated_at: now,
            time_assumed: true,
            refresh: None,
        })
    }

    /// The verified primary address. A person who shows none, or whose organisation forbids it, has
    /// none.
    async fn add_email(
        &self,
        peer: PlainPeer<'_>,
        emails: &Url,
        access_token: &Secret,
        claims: &mut Map<String, Value>,
    ) -> Result<(), Fault> {
        let call = self.call(peer, "emails");
        let answer = call.ask(userinfo::bearer(emails, access_token)?).await?;
        call.count(if answer.status() == StatusCode::OK { "answered" } else { "failed" });
        if answer.status().is_server_error() {
            return Err(Fault::Down("its list of mail addresses fails".to_owned()));
        }
        if let Some(email) = userinfo::primary_email(&answer) {
            claims.insert(userinfo::EMAIL.to_owned(), email.into());
        }
        Ok(())
    }

    fn call(&self, peer: PlainPeer<'_>, endpoint: &'static str) -> Call {
        Call {
            client: Arc::clone(&self.client),
            metrics: Arc::clone(&self.metrics),
            provider: Arc::clone(&peer.provider.name),
            trust: trust(peer.connection),
            endpoint,
        }
    }
}

/// Every endpoint is the owner's own word, so plain http to this machine is spoken where one is here.
fn trust(connection: &OAuth2) -> Trust {
    let here = |url: &Url| url.host().is_some_and(|host| is_loopback(&host));
    let plain_http = if !connection.require_https {
        PlainHttp::Anywhere
    } else if here(&connection.token_endpoint) {
        PlainHttp::Loopback
    } else {
        PlainHttp::Never
    };
    Trust { certificate_authority: connection.certificate_authority.clone(), plain_http }
}
