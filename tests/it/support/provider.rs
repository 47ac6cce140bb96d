//! A signing OpenID provider that signs everybody in at once, and can be told to lie.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use serde_json::json;
use vestibule::clock::Clock;

use crate::support::cms::EchoCms;
use crate::support::cms::Seen;
use crate::support::cms::Step;
use crate::support::signing;
use crate::support::signing::Token;

/// The client that the gateway is at every fake provider.
pub(crate) const CLIENT_ID: &str = "gateway";
/// That client's secret.
pub(crate) const CLIENT_SECRET: &str = "partner:secret+0123456789/abcdef";

/// A change to something on its way out, or none.
pub(crate) struct Edit<T>(Option<Arc<dyn Change<T>>>);

trait Change<T>: Fn(&mut T) + Send + Sync {}
impl<T, F: Fn(&mut T) + Send + Sync> Change<T> for F {}

impl<T> Clone for Edit<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Edit<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Edit<T> {
    fn apply(&self, value: &mut T) {
        if let Some(change) = &self.0 {
            change(value);
        }
    }
}

/// Makes a lie of a function.
pub(crate) fn lie<T>(edit: impl Fn(&mut T) + Send + Sync + 'static) -> Edit<T> {
    Edit(Some(Arc::new(edit)))
}

/// What the provider does otherwise than it should.
#[derive(Clone, Default)]
pub(crate) struct Lies {
    /// Edits the discovery document.
    pub(crate) discovery: Edit<Value>,
    /// Edits the parameters of an authorization response.
    pub(crate) authorize: Edit<Vec<(String, String)>>,
    /// Edits ID tokens before they are signed.
    pub(crate) id_token: Edit<Token>,
    /// Edits the token endpoint's answer.
    pub(crate) token: Edit<Value>,
    /// Edits the ID tokens of refreshes before they are signed.
    pub(crate) refreshed: Edit<Token>,
    /// Edits the userinfo endpoint's answer.
    pub(crate) userinfo: Edit<Value>,
    /// Answers an endpoint with these steps instead.
    pub(crate) instead: HashMap<&'static str, Vec<Step>>,
    /// Signs with the process key of this number and publishes that one alone.
    pub(crate) key: usize,
}

#[derive(Clone)]
struct Grant {
    offline: bool,
    redirect_uri: String,
    challenge: String,
    nonce: Value,
    person: Value,
}

/// Tells tokens apart.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

struct State {
    issuer: String,
    clock: Clock,
    person: Mutex<Value>,
    lies: Mutex<Lies>,
    grants: Mutex<HashMap<String, Grant>>,
    refresh_tokens: Mutex<HashMap<String, Grant>>,
}

/// The provider. Ends when dropped.
pub(crate) struct FakeProvider {
    /// Its issuer: `http://127.0.0.1:PORT`.
    pub(crate) issuer: String,
    state: Arc<State>,
    server: EchoCms,
}

impl FakeProvider {
    /// Starts on a free port, where `sub` `jane` of the editors signs in.
    pub(crate) async fn start(clock: &Clock) -> Self {
        let server = EchoCms::start().await;
        let issuer = format!("http://{}", server.address);
        let state = Arc::new(State {
            issuer: issuer.clone(),
            clock: clock.clone(),
            person: Mutex::new(jane()),
            lies: Mutex::default(),
            grants: Mutex::default(),
            refresh_tokens: Mutex::default(),
        });
        serve(&server, &state);
        Self { issuer, state, server }
    }

    /// Who signs in from now on.
    pub(crate) fn person(&self, claims: Value) {
        *self.state.person.lock().unwrap() = claims;
    }

    /// Lies from now on as `change` says, on top of the lies before.
    pub(crate) fn lie(&self, change: impl FnOnce(&mut Lies)) {
        change(&mut self.state.lies.lock().unwrap());
    }

    /// Answers `endpoint` with `steps` from now on.
    pub(crate) fn answers(&self, endpoint: &'static str, steps: Vec<Step>) {
        self.state.lies.lock().unwrap().instead.insert(endpoint, steps);
    }

    /// Signs what `edit` makes of each ID token from now on.
    pub(crate) fn twists(&self, edit: Edit<Token>) {
        self.state.lies.lock().unwrap().id_token = edit;
    }

    /// Tells the truth again.
    pub(crate) fn honest(&self) {
        *self.state.lies.lock().unwrap() = Lies::default();
    }

    /// The requests that came to `endpoint` (`authorize`, `token` …), oldest first.
    pub(crate) fn calls(&self, endpoint: &str) -> Vec<Seen> {
        let here = |seen: &Seen| path(&seen.target).trim_start_matches('/') == endpoint;
        self.server.seen().into_iter().filter(here).collect()
    }

    /// How often `endpoint` has been called.
    pub(crate) fn count(&self, endpoint: &str) -> usize {
        self.calls(endpoint).len()
    }

    /// Forgets the calls.
    pub(crate) fn forget(&self) {
        self.server.clear();
    }

    /// The parameters of the last authorization request.
    pub(crate) fn asked(&self) -> HashMap<String, String> {
        let last = self.calls("authorize").pop().expect("nobody was sent to the provider");
        let query = last.target.split_once('?').unwrap_or_default().1;
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    /// A logout token of these claims beside the usual ones, signed and typed as it should be.
    pub(crate) fn logout_token(&self, claims: &Value) -> Token {
        let now = self.state.clock.now().0;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mut all = json!({
            "iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 120,
            "jti": format!("logout-{number}"),
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        let mut token = Token::of(all, 0);
        token.header["typ"] = json!("logout+jwt");
        token
    }

    /// Takes it down: nobody listens and every connection is cut.
    pub(crate) async fn kill(&mut self) {
        self.server.kill().await;
    }

    /// Brings it back where it was.
    pub(crate) async fn revive(&mut self) {
        self.server = EchoCms::start_at(self.server.address).await;
        serve(&self.server, &self.state);
    }
}

/// Jane, an editor.
pub(crate) fn jane() -> Value {
    json!({
        "sub": "jane-4711",
        "name": "Jane Doe",
        "preferred_username": "jane",
        "email": "jane@partner.test",
        "groups": ["editors", "staff"],
    })
}

/// Bob, who is nothing special.
pub(crate) fn bob() -> Value {
    json!({ "sub": "bob-4712", "preferred_username": "bob", "email": "bob@partner.test" })
}

fn serve(server: &EchoCms, state: &Arc<State>) {
    let state = Arc::clone(state);
    server.script(move |seen| state.answer(seen));
}

fn path(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

impl State {
    fn answer(&self, seen: &Seen) -> Vec<Step> {
        let lies = self.lies.lock().unwrap().clone();
        let endpoint = path(&seen.target).trim_start_matches('/');
        if let Some(steps) = lies.instead.get(endpoint) {
            return steps.clone();
        }
        vec![match endpoint {
            ".well-known/openid-configuration" => json_answer("200 OK", &self.discovery(&lies)),
            "jwks" => json_answer("200 OK", &json!({ "keys": [signing::key(lies.key).public()] })),
            "authorize" => self.authorize(seen, &lies),
            "token" => self.token(seen, &lies),
            "userinfo" => self.userinfo(&lies),
            "end_session" => Self::end_session(seen),
            _ => Step::answer("404 Not Found", &[], ""),
        }]
    }

    fn discovery(&self, lies: &Lies) -> Value {
        let issuer = &self.issuer;
        let mut document = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "jwks_uri": format!("{issuer}/jwks"),
            "end_session_endpoint": format!("{issuer}/end_session"),
            "response_types_supported": ["code", "code id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "authorization_response_iss_parameter_supported": true,
        });
        lies.discovery.apply(&mut document);
        document
    }

    fn authorize(&self, seen: &Seen, lies: &Lies) -> Step {
        let query = seen.target.split_once('?').unwrap_or_default().1;
        let asked: HashMap<String, String> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let ask = |name: &str| asked.get(name).cloned().unwrap_or_default();
        let person = self.person.lock().unwrap().clone();
        let nonce = asked.get("nonce").map_or(Value::Null, |nonce| json!(nonce));
        let code = format!("code-{}-{}", self.grants.lock().unwrap().len(), ask("state").len());
        let mut answer =
            vec![("code".to_owned(), code.clone()), ("state".to_owned(), ask("state"))];
        answer.push(("iss".to_owned(), self.issuer.clone()));
        if ask("response_type").contains("id_token") {
            let mut token = self.id_token(&person, &nonce, lies);
            token.claims["c_hash"] = json!(signing::half_hash(&code));
            lies.id_token.apply(&mut token);
            answer.push(("id_token".to_owned(), token.encode()));
        }
        let grant = Grant {
            offline: ask("scope").split(' ').any(|scope| scope == "offline_access"),
            redirect_uri: ask("redirect_uri"),
            challenge: ask("code_challenge"),
            nonce,
            person,
        };
        self.grants.lock().unwrap().insert(code, grant);
        lies.authorize.apply(&mut answer);
        respond(&ask("redirect_uri"), ask("response_mode") == "form_post", &answer)
    }

    fn id_token(&self, person: &Value, nonce: &Value, lies: &Lies) -> Token {
        let now = self.clock.now().0;
        let mut claims = person.clone();
        let own = json!({
            "iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 3600,
            "auth_time": now, "nonce": nonce,
        });
        for (name, value) in own.as_object().unwrap() {
            claims[name] = value.clone();
        }
        Token::of(claims, lies.key)
    }

    fn token(&self, seen: &Seen, lies: &Lies) -> Step {
        let form: HashMap<String, String> =
            url::form_urlencoded::parse(&seen.body).into_owned().collect();
        let sent = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if !authenticates(seen, &form) {
            return json_answer("401 Unauthorized", &json!({ "error": "invalid_client" }));
        }
        if sent("grant_type") == "refresh_token" {
            return self.refresh(sent("refresh_token"), lies);
        }
        let grant = self.grants.lock().unwrap().remove(sent("code"));
        let challenge = signing::base64url(signing::sha256(sent("code_verifier").as_bytes()));
        let right = |grant: &Grant| {
            grant.redirect_uri == sent("redirect_uri") && grant.challenge == challenge
        };
        let Some(grant) = grant.filter(right) else {
            return json_answer("400 Bad Request", &json!({ "error": "invalid_grant" }));
        };
        let access = "access-token-of-the-fake-provider";
        let mut token = self.id_token(&grant.person, &grant.nonce, lies);
        token.claims["at_hash"] = json!(signing::half_hash(access));
        lies.id_token.apply(&mut token);
        let mut answer = json!({
            "access_token": access, "token_type": "Bearer", "expires_in": 3600,
            "id_token": token.encode(),
        });
        if grant.offline {
            answer["refresh_token"] = json!(self.issue_refresh_token(grant));
        }
        lies.token.apply(&mut answer);
        json_answer("200 OK", &answer)
    }

    /// A refresh token is good once; who signs in now is whom it speaks of.
    fn refresh(&self, sent: &str, lies: &Lies) -> Step {
        let Some(grant) = self.refresh_tokens.lock().unwrap().remove(sent) else {
            return json_answer("400 Bad Request", &json!({ "error": "invalid_grant" }));
        };
        let person = self.person.lock().unwrap().clone();
        let mut token = self.id_token(&person, &grant.nonce, lies);
        token.claims.as_object_mut().unwrap().remove("nonce");
        lies.refreshed.apply(&mut token);
        let mut answer = json!({
            "access_token": "another-access-token", "token_type": "Bearer", "expires_in": 3600,
            "id_token": token.encode(), "refresh_token": self.issue_refresh_token(grant),
        });
        lies.token.apply(&mut answer);
        json_answer("200 OK", &answer)
    }

    fn issue_refresh_token(&self, grant: Grant) -> String {
        let token = format!("refresh-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.refresh_tokens.lock().unwrap().insert(token.clone(), grant);
        token
    }

    fn userinfo(&self, lies: &Lies) -> Step {
        let mut claims = self.person.lock().unwrap().clone();
        claims["department"] = json!("Web");
        lies.userinfo.apply(&mut claims);
        json_answer("200 OK", &claims)
    }

    fn end_session(seen: &Seen) -> Step {
        let query = seen.target.split_once('?').unwrap_or_default().1;
        let asked: HashMap<String, String> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let back = asked.get("post_logout_redirect_uri").cloned().unwrap_or_default();
        let state = asked.get("state").map(|state| ("state".to_owned(), state.clone()));
        respond(&back, false, state.as_slice())
    }
}

fn json_answer(status: &str, value: &Value) -> Step {
    let headers = ["Content-Type: application/json", "Cache-Control: no-store"];
    Step::answer(status, &headers, &value.to_string())
}

fn respond(redirect_uri: &str, form_post: bool, parameters: &[(String, String)]) -> Step {
    if form_post {
        let fields = parameters
            .iter()
            .map(|(name, value)| {
                format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")
            })
            .collect::<Vec<_>>()
            .concat();
        let page = format!(
            "<form method=\"post\" action=\"{redirect_uri}\">{fields}</form>\
             <script>document.forms[0].submit()</script>"
        );
        return Step::answer("200 OK", &["Content-Type: text/html"], &page);
    }
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    let location = format!("Location: {redirect_uri}?{}", query.finish());
    Step::answer("302 Found", &[location.trim_end_matches('?')], "")
}

/// By Basic with form-encoded halves (RFC 6749 §2.3.1), or in the body.
fn authenticates(seen: &Seen, form: &HashMap<String, String>) -> bool {
    let encode =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(CLIENT_ID), encode(CLIENT_SECRET));
    let basic = format!("Basic {}", BASE64_STANDARD.encode(pair));
    match seen.header("authorization") {
        Some(sent) => sent == basic,
        None => form.get("client_secret").is_some_and(|secret| secret == CLIENT_SECRET),
    }
}
