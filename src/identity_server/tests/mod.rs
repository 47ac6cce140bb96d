//! The endpoints driven without a network: visits made by hand, answers read back.

mod authorize;
mod bounds;
mod code;
mod discovery;
mod fixture;
mod logout;
mod sign_in;
mod token;
mod userinfo;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header;
use serde_json::Value;

use crate::claims::ClaimSet;
use crate::clock::Clock;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::crypto::seal::SealKeys;
use crate::error::Problem;
use crate::http::Body;
use crate::http::Exchange;
use crate::http::RequestId;
use crate::http::Target;
use crate::http::form::Form;
use crate::identity_server::IdentityServer;
use crate::identity_server::Outcome;
use crate::identity_server::Parts;
use crate::identity_server::key_ring::KeyRing;
use crate::observe::Metrics;
use crate::session::End;
use crate::session::Identity;
use crate::session::Session;
use crate::session::Sessions;
use crate::session::Visit;
use crate::store::accounts::Accounts;
use crate::store::grants::Grants;
use crate::users::User;
use crate::users::local;
use crate::users::testing;

use fixture::clients;
use fixture::connection;
use fixture::identity_resources;
use fixture::resource;
use fixture::site;

const ISSUER: &str = "https://id.test";
const CALLBACK: &str = "https://app.test/cb";
const CMS_CALLBACK: &str = "https://cms.test/identity/signin";
const SIGNED_OUT: &str = "https://app.test/out";
const NOW: Timestamp = Timestamp(1_800_000_000);

// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An identity server with its clients, and one browser.
struct Rig {
    server: IdentityServer,
    config: Arc<Config>,
    clock: Clock,
    sessions: Arc<Sessions>,
    session: Option<Arc<Session>>,
}

/// An answer, read.
#[derive(Debug)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Reply {
    fn header(&self, name: HeaderName) -> &str {
        self.headers.get(name).map(|v| v.to_str().unwrap()).unwrap_or_default()
    }

    fn location(&self) -> &str {
        self.header(header::LOCATION)
    }

    /// A parameter of the query or fragment that the browser is sent to.
    fn sent(&self, name: &str) -> Option<String> {
        let (_, text) = self.location().split_once(['?', '#'])?;
        Form::parse(text.as_bytes()).unwrap().get(name).map(str::to_owned)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// `status error` of a token answer.
    fn error(&self) -> String {
        format!("{} {}", self.status.as_u16(), self.json()["error"].as_str().unwrap_or_default())
    }
}

impl Rig {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = testing::config();
        config.local_users.push(testing::jane());
        config.identity_server.issuer = Some(ISSUER.to_owned());
        config.identity_server.clients = clients().into_iter().map(Arc::new).collect();
        config.identity_server.identity_resources = identity_resources();
        config.identity_server.api_resources =
            vec![resource("sitecore.profile.api", &["name", "role"]), resource("orders", &[])];
        config.identity_server.api_scopes =
            vec![resource("sitecore.profile.api", &[]), resource("orders", &[])];
        config.identity_server.external_providers =
            vec![Arc::new(testing::provider("IdS4-AzureAd"))];
        change(&mut config);
        let clock = Clock::manual(NOW);
        let metrics = Arc::new(Metrics::new());
        let sessions = Arc::new(Sessions::new(clock.clone(), Arc::clone(&metrics)));
        let ring = KeyRing::for_test(clock.clone(), Arc::clone(&metrics));
        let parts = Parts {
            clock: clock.clone(),
            local_users: Arc::new(local::LocalUsers::new(
                Arc::clone(&metrics),
                Arc::new(Accounts::in_memory()),
            )),
            metrics,
            seal: SealKeys::ephemeral(),
            sessions: Arc::clone(&sessions),
            grants: Arc::new(Grants::in_memory()),
            register: None,
        };
        let server = IdentityServer::new(ring, parts);
        Self { server, config: Arc::new(config), clock, sessions, session: None }
    }

    /// Swaps the configuration, as a reload does.
    fn reload(&mut self, change: impl FnOnce(&mut Config)) {
        let mut config = (*self.config).clone();
        change(&mut config);
        self.config = Arc::new(config);
    }

    /// Signs `sitecore\jane` in with her password.
    fn sign_in(&mut self) -> &mut Self {
        let mut claims = ClaimSet::default();
        claims.add("name", r"sitecore\jane");
        claims.add("email", "jane@example.test");
        claims.add("given_name", "Jane");
        claims.add("role", r"sitecore\Author");
        self.begin(local::PROVIDER, r"sitecore\jane", claims)
    }

    /// Signs somebody in at an external provider.
    fn sign_in_at(&mut self, provider: &str, subject: &str) -> &mut Self {
        self.begin(provider, subject, ClaimSet::default())
    }

    fn begin(&mut self, provider: &str, subject: &str, claims: ClaimSet) -> &mut Self {
        let identity = Identity {
            user: User {
                name: r"sitecore\jane".to_owned(),
                properties: BTreeMap::new(),
                roles: Vec::new(),
                is_administrator: true,
            },
            provider: provider.into(),
            issuer: None,
            subject: subject.to_owned(),
            site: "identity".into(),
            claims,
            id_token: None,
            provider_session: None,
            authenticated_at: self.clock.now(),
            time_assumed: false,
            remembered: false,
            ends_at: None,
            refresh: None,
            given_roles: Vec::new(),
            persistent: false,
        };
        if let Some(before) = &self.session {
            self.sessions.end(&before.id, End::Replace);
        }
        self.session = Some(self.sessions.begin(identity, &self.config.sessions).1);
        self
    }

    fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    fn get(&self, path: &str) -> Outcome {
        self.send(Method::GET, path, &[], "").unwrap()
    }

    fn get_reply(&self, path: &str) -> Reply {
        answered(self.get(path))
    }

    fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        self.post_with(path, &[], form)
    }

    fn post_with(&self, path: &str, headers: &[(&str, &str)], form: &[(&str, &str)]) -> Reply {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/x-www-form-urlencoded"));
        answered(self.send(Method::POST, path, &headers, &encode(form)).unwrap())
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Outcome, Problem> {
        let visit = self.visit(method, path, headers, body);
        wait(self.server.answer(&visit))
    }

    fn visit(&self, method: Method, path: &str, lines: &[(&str, &str)], body: &str) -> Visit {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("id.test"));
        for (name, value) in lines {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        let exchange = Exchange {
            method,
            target: Target::read(&path.parse().unwrap(), &headers).unwrap(),
            headers,
            body: Bytes::copy_from_slice(body.as_bytes()),
            connection: Arc::new(connection()),
            client: [192, 0, 2, 1].into(),
            secure: true,
            id: RequestId::fresh(),
            now: self.clock.now(),
        };
        let live = self.session.as_ref().and_then(|s| self.sessions.live(&s.id));
        Visit { config: Arc::clone(&self.config), site: Arc::new(site()), exchange, session: live }
    }

    /// The usual request of `app`, with `more` put in place of or beside its parameters; an empty
    /// value takes one away.
    fn authorize(&self, more: &[(&str, &str)]) -> Outcome {
        self.get(&authorize_path(more))
    }

    /// A code for `app` from the usual request.
    fn code(&self, more: &[(&str, &str)]) -> String {
        let reply = answered(self.authorize(more));
        reply.sent("code").unwrap_or_else(|| panic!("no code: {}", reply.location()))
    }

    /// Redeems `code` as `app` would.
    fn redeem(&self, code: &str, more: &[(&str, &str)]) -> Reply {
        let form = merge(
            &[
                ("grant_type", "authorization_code"),
                ("client_id", "app"),
                ("client_secret", "app-secret"),
                ("redirect_uri", CALLBACK),
                ("code_verifier", VERIFIER),
                ("code", code),
            ],
            more,
        );
        let form: Vec<_> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        self.post("/connect/token", &form)
    }

    /// Tokens for `app`.
    fn tokens(&self, more: &[(&str, &str)]) -> Value {
        let reply = self.redeem(&self.code(more), &[]);
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        reply.json()
    }

    fn userinfo(&self, token: &str) -> Reply {
        let line = format!("Bearer {token}");
        let headers = [("authorization", line.as_str())];
        answered(self.send(Method::GET, "/connect/userinfo", &headers, "").unwrap())
    }

    /// The claims of a token, its signature checked by a foreign library with the published keys.
    fn read(&self, token: &str) -> (jsonwebtoken::Header, Value) {
        let header = jsonwebtoken::decode_header(token).unwrap();
        let keys: jsonwebtoken::jwk::JwkSet =
            serde_json::from_value(self.get_reply("/.well-known/openid-configuration/jwks").json())
                .unwrap();
        let jwk = keys.find(header.kid.as_deref().unwrap()).unwrap();
        let mut how = jsonwebtoken::Validation::new(header.alg);
        (how.validate_aud, how.validate_exp) = (false, false);
        let key = jsonwebtoken::DecodingKey::from_jwk(jwk).unwrap();
        (header, jsonwebtoken::decode(token, &key, &how).unwrap().claims)
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

fn authorize_path(more: &[(&str, &str)]) -> String {
    let usual = [
        ("client_id", "app"),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid profile email"),
        ("state", "s t&1"),
        ("nonce", "n-1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let merged = merge(&usual, more);
    let pairs: Vec<_> = merged.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    format!("/connect/authorize?{}", encode(&pairs))
}

fn merge(usual: &[(&str, &str)], more: &[(&str, &str)]) -> Vec<(String, String)> {
    let kept = usual.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    let all = kept.chain(more).filter(|(_, value)| !value.is_empty());
    all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn encode(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn answered(outcome: Outcome) -> Reply {
    let Outcome::Answer(response) = outcome else { panic!("wants a sign-in: {outcome:?}") };
    let (head, body) = response.into_parts();
    let body = match body {
        Body::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        Body::Empty => String::new(),
        Body::Stream(_) => panic!("a stream"),
    };
    Reply { status: head.status, headers: head.headers, body }
}

/// The way back of an outcome that wants a sign-in.
fn way_back(outcome: Outcome) -> String {
    match outcome {
        Outcome::SignIn { return_path, .. } => return_path.as_str().to_owned(),
        Outcome::Answer(response) => panic!("answered: {:?}", response.headers()),
        Outcome::SignOut { .. } => panic!("signed out"),
    }
}
