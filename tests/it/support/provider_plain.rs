//! Providers of plain OAuth 2.0 as they are documented, quirks included, and as strict about them: one
//! server that plays GitHub, Facebook, X or LinkedIn, and signs everybody in at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use serde_json::json;

use crate::support::cms::EchoCms;
use crate::support::cms::Seen;
use crate::support::cms::Step;
use crate::support::provider::CLIENT_ID;
use crate::support::provider::CLIENT_SECRET;
use crate::support::signing;

/// Whom it plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// No OpenID, numbers for names, mail addresses elsewhere, refusals with 200.
    GitHub,
    /// Commas between scopes, Graph with a proof beside the token, only the fields that are asked for.
    Facebook,
    /// PKCE with Basic and nothing less, answers wrapped in `data`.
    X,
    /// The secret in the body and nowhere else, no PKCE, no `token_type`.
    LinkedIn,
}

/// The access token of everybody.
const TOKEN: &str = "plain-access-token";

struct State {
    part: Part,
    grants: Mutex<HashMap<String, HashMap<String, String>>>,
    person: Mutex<Value>,
    emails: Mutex<Value>,
}

/// The provider. Ends when dropped.
pub(crate) struct PlainProvider {
    /// `http://127.0.0.1:PORT`
    pub(crate) base: String,
    state: Arc<State>,
    server: EchoCms,
}

impl PlainProvider {
    /// Starts as `part`, where `person` signs in.
    pub(crate) async fn start(part: Part, person: Value) -> Self {
        let server = EchoCms::start().await;
        let base = format!("http://{}", server.address);
        let state = Arc::new(State {
            part,
            grants: Mutex::default(),
            person: Mutex::new(person),
            emails: Mutex::new(json!([])),
        });
        let answering = Arc::clone(&state);
        server.script(move |seen| vec![answering.answer(seen)]);
        Self { base, state, server }
    }

    /// What `/user/emails` lists from now on.
    pub(crate) fn emails(&self, list: Value) {
        *self.state.emails.lock().unwrap() = list;
    }

    /// Who signs in from now on.
    pub(crate) fn person(&self, person: Value) {
        *self.state.person.lock().unwrap() = person;
    }

    /// The parameters of the last authorization request.
    pub(crate) fn asked(&self) -> HashMap<String, String> {
        let here = |seen: &Seen| path(seen) == "/authorize";
        let last = self.server.seen().into_iter().rfind(here).expect("nobody was sent here");
        query(&last)
    }

    /// How often `path` has been called.
    pub(crate) fn count(&self, called: &str) -> usize {
        self.server.seen().iter().filter(|seen| path(seen) == called).count()
    }

    /// The attributes of a connection that leads here.
    pub(crate) fn connection(&self) -> String {
        let base = &self.base;
        format!(
            "authorizationEndpoint=\"{base}/authorize\" tokenEndpoint=\"{base}/token\" \
             userinfoEndpoint=\"{base}/me\" clientId=\"{CLIENT_ID}\" \
             clientSecret=\"{CLIENT_SECRET}\" requireHttpsMetadata=\"false\""
        )
    }
}

fn path(seen: &Seen) -> &str {
    seen.target.split('?').next().unwrap_or_default()
}

fn query(seen: &Seen) -> HashMap<String, String> {
    let text = seen.target.split_once('?').unwrap_or_default().1;
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

fn answer(status: &str, value: &Value) -> Step {
    Step::answer(status, &["Content-Type: application/json; charset=utf-8"], &value.to_string())
}

impl State {
    fn answer(&self, seen: &Seen) -> Step {
        match path(seen) {
            "/authorize" => self.authorize(seen),
            "/token" => self.token(seen),
            "/me" => self.me(seen),
            "/me/emails" if self.part == Part::GitHub => self.list_emails(seen),
            _ => answer("404 Not Found", &json!({"message": "Not Found"})),
        }
    }

    fn authorize(&self, seen: &Seen) -> Step {
        let asked = query(seen);
        let ask = |name: &str| asked.get(name).cloned().unwrap_or_default();
        let mut back = vec![("state", ask("state"))];
        if self.part == Part::X && ask("code_challenge_method") != "S256" {
            back.push(("error", "invalid_request".to_owned()));
        } else {
            let code = format!("code-{}", self.grants.lock().unwrap().len());
            self.grants.lock().unwrap().insert(code.clone(), asked.clone());
            back.push(("code", code));
        }
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(&back);
        // Facebook leaves this behind every answer.
        let tail = if self.part == Part::Facebook { "#_=_" } else { "" };
        let location = format!("Location: {}?{}{tail}", ask("redirect_uri"), text.finish());
        Step::answer("302 Found", &[&location], "")
    }

    fn token(&self, seen: &Seen) -> Step {
        let form: HashMap<String, String> =
            url::form_urlencoded::parse(&seen.body).into_owned().collect();
        let sent = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if let Some(refusal) = self.refuse_client(seen, &form) {
            return refusal;
        }
        let grant = self.grants.lock().unwrap().remove(sent("code")).filter(|grant| {
            let same = |name: &str| grant.get(name).map(String::as_str) == Some(sent(name));
            let challenge = signing::base64url(signing::sha256(sent("code_verifier").as_bytes()));
            let proved = grant.get("code_challenge").is_none_or(|asked| *asked == challenge);
            same("redirect_uri") && proved
        });
        match (grant, self.part) {
            (None, Part::GitHub) => answer("200 OK", &json!({"error": "bad_verification_code"})),
            (None, _) => answer("400 Bad Request", &json!({"error": "invalid_grant"})),
            (Some(_), Part::LinkedIn) => {
                answer("200 OK", &json!({"access_token": TOKEN, "expires_in": 5_184_000}))
            }
            (Some(_), Part::GitHub) if seen.header("accept") != Some("application/json") => {
                let text = format!("access_token={TOKEN}&scope=user%3Aemail&token_type=bearer");
                Step::answer("200 OK", &["Content-Type: application/x-www-form-urlencoded"], &text)
            }
            (Some(_), Part::GitHub | Part::Facebook | Part::X) => {
                answer("200 OK", &json!({"access_token": TOKEN, "token_type": "bearer"}))
            }
        }
    }

    fn refuse_client(&self, seen: &Seen, form: &HashMap<String, String>) -> Option<Step> {
        let encode =
            |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encode(CLIENT_ID), encode(CLIENT_SECRET));
        let basic = format!("Basic {}", BASE64_STANDARD.encode(pair));
        let by_basic = seen.header("authorization") == Some(&basic);
        let by_post = form.get("client_secret").is_some_and(|secret| secret == CLIENT_SECRET)
            && form.get("client_id").is_some_and(|id| id == CLIENT_ID);
        let fits = match self.part {
            Part::X => by_basic && form.contains_key("code_verifier"),
            Part::LinkedIn => {
                by_post
                    && seen.header("authorization").is_none()
                    && !form.contains_key("code_verifier")
            }
            Part::GitHub | Part::Facebook => by_post,
        };
        let refusal = || match self.part {
            Part::GitHub => answer("200 OK", &json!({"error": "incorrect_client_credentials"})),
            Part::Facebook => {
                let error = json!({"message": "Error validating client secret.", "code": 1});
                answer("400 Bad Request", &json!({"error": error}))
            }
            Part::X => answer("401 Unauthorized", &json!({"error": "unauthorized_client"})),
            Part::LinkedIn => answer("401 Unauthorized", &json!({"error": "invalid_client"})),
        };
        (!fits).then(refusal)
    }

    fn me(&self, seen: &Seen) -> Step {
        let person = self.person.lock().unwrap().clone();
        let asked = query(seen);
        if self.part == Part::Facebook {
            let key = hmac::Key::new(hmac::HMAC_SHA256, CLIENT_SECRET.as_bytes());
            let tag = hmac::sign(&key, TOKEN.as_bytes());
            let proof: Vec<String> = tag.as_ref().iter().map(|b| format!("{b:02x}")).collect();
            let proved = asked.get("appsecret_proof") == Some(&proof.concat());
            if !proved || asked.get("access_token").map(String::as_str) != Some(TOKEN) {
                let error =
                    json!({"message": "Invalid appsecret_proof", "type": "GraphMethodException"});
                return answer("400 Bad Request", &json!({"error": error}));
            }
            let fields = asked.get("fields").map_or("id,name", String::as_str);
            let known =
                fields.split(',').filter_map(|f| Some((f.to_owned(), person.get(f)?.clone())));
            return answer("200 OK", &Value::Object(known.collect()));
        }
        if !bears(seen) || (self.part == Part::GitHub && seen.header("user-agent").is_none()) {
            return answer("403 Forbidden", &json!({"message": "Requires authentication"}));
        }
        match self.part {
            Part::X => answer("200 OK", &json!({"data": person})),
            Part::GitHub | Part::Facebook | Part::LinkedIn => answer("200 OK", &person),
        }
    }

    fn list_emails(&self, seen: &Seen) -> Step {
        if !bears(seen) {
            return answer("404 Not Found", &json!({"message": "Not Found"}));
        }
        answer("200 OK", &self.emails.lock().unwrap())
    }
}

fn bears(seen: &Seen) -> bool {
    seen.header("authorization") == Some(&format!("Bearer {TOKEN}"))
}
