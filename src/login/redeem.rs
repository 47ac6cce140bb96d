//! Everything that an answer is checked for before its code is sent anywhere, and what the provider
//! then says of the person.

use crate::config::model::OAuth2;
use crate::config::model::OpenIdConnect;
use crate::http::form::Form;
use crate::login::Login;
use crate::login::Reason;
use crate::login::callback::Pending;
use crate::login::oauth2;
use crate::login::oauth2::PlainPeer;
use crate::login::oidc::Answer;
use crate::login::oidc::Fault;
use crate::login::oidc::Metadata;
use crate::login::oidc::Peer;
use crate::login::oidc::Person;
use crate::login::oidc::is_about_redirect;
use crate::login::start;
use crate::login::way::Way;

impl Login {
    /// Whom the answer of a sign-in vouches for.
    ///
    /// # Errors
    ///
    /// Why it vouches for nobody. Faults are logged with what they are about.
    pub(super) async fn person(
        &self,
        pending: Pending<'_>,
        parameters: &Form,
    ) -> Result<Person, Reason> {
        let Pending { visit, transaction, provider, way, .. } = pending;
        if way.issuer() != transaction.issuer {
            return Err(Reason::StateChanged);
        }
        // RFC 9700 §4.4.2.2: an answer to another provider's redirect URI is not this one's.
        if !visit.exchange.target.path.is(way.callback_path()) {
            return Err(Reason::IssuerMismatch);
        }
        let person = match way {
            Way::OpenIdConnect(connection) => {
                self.by_open_id_connect(pending, connection, parameters).await?
            }
            Way::OAuth2(connection) => self.by_oauth2(pending, connection, parameters).await?,
        };
        let asked = start::inner(provider, transaction.scheme.as_deref());
        if asked.is_some() && asked != person.inner.as_deref() {
            tracing::warn!(provider = ?provider.name, ?asked, said = ?person.inner.as_deref().map(short), request.id = %visit.exchange.id, "sign-in refused");
            return Err(Reason::OtherProvider);
        }
        Ok(person)
    }

    async fn by_open_id_connect(
        &self,
        pending: Pending<'_>,
        connection: &OpenIdConnect,
        parameters: &Form,
    ) -> Result<Person, Reason> {
        let Pending { visit, transaction, provider, .. } = pending;
        let now = visit.exchange.now;
        let peer = Peer { provider, connection };
        let log = |fault: Fault| log(pending, &fault);
        let metadata = self.relying_party.metadata(peer, now).await.map_err(log)?;
        check_issuer(parameters, connection, &metadata)?;
        check_error(pending, parameters)?;
        let code = parameters.get("code").filter(|code| !code.is_empty());
        let wanted = connection.response_type.has_code();
        let answer = Answer {
            code: if wanted { Some(code.ok_or(Reason::ResponseMalformed)?) } else { None },
            id_token: parameters.get("id_token"),
            redirect_uri: format!("{}{}", transaction.origin, connection.callback_path),
            nonce: &transaction.nonce,
            verifier: &transaction.verifier,
            now,
        };
        Box::pin(self.relying_party.finish(peer, answer)).await.map_err(log)
    }

    async fn by_oauth2(
        &self,
        pending: Pending<'_>,
        connection: &OAuth2,
        parameters: &Form,
    ) -> Result<Person, Reason> {
        let Pending { visit, transaction, provider, .. } = pending;
        check_plain_issuer(parameters, connection)?;
        check_error(pending, parameters)?;
        let code = parameters.get("code").filter(|code| !code.is_empty());
        let answer = oauth2::Answer {
            code: code.ok_or(Reason::ResponseMalformed)?,
            redirect_uri: &format!("{}{}", transaction.origin, connection.callback_path),
            verifier: &transaction.verifier,
            now: visit.exchange.now,
        };
        let peer = PlainPeer { provider, connection };
        let person = Box::pin(self.plain_party.finish(peer, answer)).await;
        person.map_err(|fault| log(pending, &fault))
    }
}

fn log(pending: Pending<'_>, fault: &Fault) -> Reason {
    tracing::warn!(provider = ?pending.provider.name, ?fault, request.id = %pending.visit.exchange.id, "sign-in refused");
    fault.reason()
}

/// RFC 9207 §2.4: compared as a simple string; missing only where the provider does not promise it
/// and has its redirect URI to itself (RFC 9700 §4.4.2), or where the answer holds an ID token, which
/// names the issuer itself and is verified before the code is sent (certified providers leave `iss`
/// out then). An error is only shown, so it needs no name to be told apart by.
fn check_issuer(
    parameters: &Form,
    connection: &OpenIdConnect,
    metadata: &Metadata,
) -> Result<(), Reason> {
    let has_id_token = connection.response_type.has_id_token();
    let named_by_id_token = has_id_token && parameters.get("id_token").is_some();
    let ambiguous = connection.shares_callback && parameters.get("error").is_none();
    match parameters.get("iss") {
        Some(said) if metadata.names(connection).is(said) => Ok(()),
        None if named_by_id_token || !(metadata.names_issuer || ambiguous) => Ok(()),
        Some(_) | None => Err(Reason::IssuerMismatch),
    }
}

/// As [`check_issuer`]: without a configured name an `iss` says nothing, and one redirect URI for
/// two such providers leaves nothing to tell them apart by.
fn check_plain_issuer(parameters: &Form, connection: &OAuth2) -> Result<(), Reason> {
    let ambiguous = connection.shares_callback && parameters.get("error").is_none();
    let fits = match (parameters.get("iss"), &connection.response_issuer) {
        (Some(said), Some(known)) => said == known,
        (None, _) | (_, None) => !ambiguous,
    };
    fits.then_some(()).ok_or(Reason::IssuerMismatch)
}

/// Refuses what says that it is an error, or an error and a success at once.
fn check_error(pending: Pending<'_>, parameters: &Form) -> Result<(), Reason> {
    let Some(error) = parameters.get("error") else { return Ok(()) };
    let description = parameters.get("error_description").unwrap_or_default();
    tracing::warn!(provider = ?pending.provider.name, error = ?short(error), description = ?short(description), request.id = %pending.visit.exchange.id, "provider answered with an error");
    if parameters.get("code").is_some() {
        return Err(Reason::ResponseMalformed);
    }
    Err(error_reason(error, description))
}

/// What an error response means (RFC 6749 §4.1.2.1); LinkedIn has words of its own for a person who
/// goes away.
fn error_reason(error: &str, description: &str) -> Reason {
    if is_about_redirect(error, description) {
        return Reason::RedirectAddress;
    }
    match error {
        "access_denied" | "user_cancelled_login" | "user_cancelled_authorize" => Reason::Cancelled,
        "invalid_client" | "unauthorized_client" => Reason::ClientRefused,
        "temporarily_unavailable" | "server_error" => Reason::ProviderDown,
        _ => Reason::ProviderRefused,
    }
}

/// Enough of a provider's words for a log.
fn short(text: &str) -> String {
    text.chars().take(200).collect()
}
