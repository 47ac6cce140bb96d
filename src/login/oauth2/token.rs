//! Redeeming a code for an access token (RFC 6749 §4.1.3, RFC 7636 §4.5), with providers that answer
//! an error with 200, or in words of their own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use serde_json::Map;
use serde_json::Value;
use url::form_urlencoded::Serializer;
use url::form_urlencoded::byte_serialize;

use crate::config::model::ClientAuthentication;
use crate::config::model::OAuth2;
use crate::crypto::jws;
use crate::crypto::secret::Secret;
use crate::login::oidc::Call;
use crate::login::oidc::Fault;
use crate::login::oidc::is_about_redirect;

/// What is redeemed.
pub(super) struct Code<'a> {
    /// As the browser brought it.
    pub value: &'a str,
    /// PKCE's secret half.
    pub verifier: &'a str,
    /// The redirect URI that the code was asked for with.
    pub redirect_uri: &'a str,
}

/// Redeems `code` for an access token.
///
/// # Errors
///
/// [`Fault::Down`], [`Fault::Client`], [`Fault::Redirect`] or [`Fault::Code`] as the provider answers.
pub(super) async fn redeem(
    call: &Call,
    connection: &OAuth2,
    code: Code<'_>,
) -> Result<Secret, Fault> {
    let answer = call.ask(request(connection, &code)?).await?;
    let read = read(&answer);
    call.count(if read.is_ok() { "answered" } else { "failed" });
    read
}

fn request(connection: &OAuth2, code: &Code<'_>) -> Result<http::Request<Vec<u8>>, Fault> {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code");
    form.append_pair("code", code.value);
    form.append_pair("redirect_uri", code.redirect_uri);
    form.append_pair("client_id", &connection.client_id);
    if connection.pkce {
        form.append_pair("code_verifier", code.verifier);
    }
    let mut request = http::Request::post(connection.token_endpoint.as_str())
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    match (&connection.client_secret, connection.client_authentication) {
        (None, _) => {}
        (Some(secret), ClientAuthentication::Post) => {
            form.append_pair("client_secret", secret.expose());
        }
        (Some(secret), ClientAuthentication::Basic) => {
            let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let (id, secret) = (encode(&connection.client_id), encode(secret.expose()));
            request = request.header(header::AUTHORIZATION, basic(&id, &secret)?);
        }
        (Some(secret), ClientAuthentication::BasicRaw) => {
            let value = basic(&connection.client_id, secret.expose())?;
            request = request.header(header::AUTHORIZATION, value);
        }
    }
    let unfit = |_| Fault::Code("the request cannot be sent".to_owned());
    request.body(form.finish().into_bytes()).map_err(unfit)
}

fn basic(id: &str, secret: &str) -> Result<HeaderValue, Fault> {
    let pair = STANDARD.encode(format!("{id}:{secret}"));
    let unfit = |_| Fault::Client("the credentials cannot be sent".to_owned());
    let mut value = HeaderValue::try_from(format!("Basic {pair}")).map_err(unfit)?;
    value.set_sensitive(true);
    Ok(value)
}

/// GitHub refuses with 200; LinkedIn leaves `token_type` out; Facebook's `error` is an object.
fn read(answer: &http::Response<Bytes>) -> Result<Secret, Fault> {
    let status = answer.status();
    let Some(answer) = jws::object(answer.body()) else {
        return Err(Fault::Down(format!(
            "its token answer is no JSON, status {}",
            status.as_u16()
        )));
    };
    if answer.contains_key("error") || status != StatusCode::OK {
        return Err(refused(status, &answer));
    }
    let kind = answer.get("token_type").and_then(Value::as_str);
    if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(Fault::Code("the token type is not Bearer".to_owned()));
    }
    let token = answer.get("access_token").and_then(Value::as_str).filter(|t| !t.is_empty());
    token.map(Secret::new).ok_or_else(|| Fault::Code("there is no access_token".to_owned()))
}

/// The endpoint's `error` decides whose fault it is; its other words stay out of pages and logs.
fn refused(status: StatusCode, answer: &Map<String, Value>) -> Fault {
    let error = answer.get("error");
    let inner = |name: &str| error.and_then(|error| error.get(name)).and_then(Value::as_str);
    let code = error.and_then(Value::as_str).or_else(|| inner("type")).unwrap_or_default();
    let words = answer.get("error_description").and_then(Value::as_str);
    let words = words.or_else(|| inner("message")).unwrap_or_default();
    if status.is_server_error() {
        return Fault::Down(format!("status {}", status.as_u16()));
    }
    if is_about_redirect(code, words) {
        return Fault::Redirect;
    }
    let secret = words.to_ascii_lowercase();
    let client = ["invalid_client", "unauthorized_client", "incorrect_client_credentials"];
    if client.contains(&code)
        || status == StatusCode::UNAUTHORIZED
        || secret.contains("client secret")
        || secret.contains("application secret")
    {
        return Fault::Client("the provider does not accept it".to_owned());
    }
    Fault::Code("the provider does not accept it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(status: u16, body: &str) -> Result<String, String> {
        let mut answer = http::Response::new(Bytes::copy_from_slice(body.as_bytes()));
        *answer.status_mut() = StatusCode::from_u16(status).map_err(|e| e.to_string())?;
        read(&answer)
            .map(|t| t.expose().to_owned())
            .map_err(|fault| format!("{:?}", fault.reason()))
    }

    #[test]
    fn each_providers_way_to_say_yes_and_no_is_understood() {
        let linkedin = r#"{"access_token":"t","expires_in":5184000,"scope":"email"}"#;
        assert_eq!(judge(200, linkedin), Ok("t".to_owned()));
        assert_eq!(judge(200, r#"{"access_token":"t","token_type":"bearer"}"#), Ok("t".to_owned()));
        for (status, body, reason) in [
            (
                200,
                r#"{"error":"bad_verification_code","error_description":"The code passed is incorrect or expired."}"#,
                "CodeRefused",
            ),
            (200, r#"{"error":"incorrect_client_credentials"}"#, "ClientRefused"),
            (200, r#"{"error":"redirect_uri_mismatch"}"#, "RedirectAddress"),
            (
                400,
                r#"{"error":{"message":"Error validating client secret.","type":"OAuthException","code":1}}"#,
                "ClientRefused",
            ),
            (
                400,
                r#"{"error":{"message":"This authorization code has been used.","type":"OAuthException","code":100}}"#,
                "CodeRefused",
            ),
            (
                401,
                r#"{"error":"unauthorized_client","error_description":"Missing valid authorization header"}"#,
                "ClientRefused",
            ),
            (
                400,
                r#"{"error":"invalid_request","error_description":"Value passed for the authorization code was invalid."}"#,
                "CodeRefused",
            ),
            (200, r#"{"access_token":"t","token_type":"mac"}"#, "CodeRefused"),
            (200, r#"{"access_token":""}"#, "CodeRefused"),
            (200, "access_token=t&token_type=bearer", "ProviderDown"),
            (503, r#"{"error":"x"}"#, "ProviderDown"),
            (200, "[]", "ProviderDown"),
        ] {
            assert_eq!(judge(status, body), Err(reason.to_owned()), "{status} {body}");
        }
    }
}
