//! For the tests of this room: a signing provider on loopback, a small configuration, a browser.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::Uri;
use http::header;
use jsonwebtoken::Algorithm;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::Jwk;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::clock::Timestamp;
use crate::config::model::ClientAuthentication;
use crate::config::model::Config;
use crate::config::model::Destination;
use crate::config::model::OpenIdConnect;
use crate::config::model::Protocol;
use crate::config::model::Provider;
use crate::config::model::ResponseMode;
use crate::config::model::ResponseType;
use crate::config::model::Site;
use crate::config::model::SiteProviders;
use crate::config::model::Transformation;
use crate::config::model::TransformationKind;
use crate::crypto::digest;
use crate::crypto::seal::SealKeys;
use crate::crypto::secret::Secret;
use crate::error::Problem;
use crate::http::Connection;
use crate::http::Exchange;
use crate::http::RequestId;
use crate::http::Response;
use crate::http::Target;
use crate::http::connection::Purpose;
use crate::http::form::Form;
use crate::login::Login;
use crate::login::Parts;
use crate::login::place;
use crate::observe::Metrics;
use crate::session::Sessions;
use crate::session::Visit;
use crate::users::local::LocalUsers;
use crate::users::testing;

pub(super) const NOW: Timestamp = Timestamp(1_800_000_000);
pub(super) const CMS: &str = "cms.localhost:8443";

/// A private key, and how the key set shows it.
pub(super) struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
    pub jwk: Jwk,
}

impl Signer {
    /// An ES256 key called `kid`.
    pub(super) fn es256(kid: &str) -> Self {
        let pair = rcgen::KeyPair::generate().unwrap();
        let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
        Self::new(key, Algorithm::ES256, Some(kid))
    }

    /// A key for HMAC.
    pub(super) fn hs256(secret: &str) -> Self {
        Self::new(EncodingKey::from_secret(secret.as_bytes()), Algorithm::HS256, None)
    }

    fn new(key: EncodingKey, algorithm: Algorithm, kid: Option<&str>) -> Self {
        let mut jwk = Jwk::from_encoding_key(&key, algorithm).unwrap();
        jwk.common.key_id = kid.map(str::to_owned);
        Self { key, algorithm, jwk }
    }

    /// A token whose header gets `header`'s members beside `alg` and `kid`.
    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        let mut full = json!({ "alg": format!("{:?}", self.algorithm) });
        if let Some(kid) = &self.jwk.common.key_id {
            full["kid"] = json!(kid);
        }
        for (name, value) in header.as_object().unwrap() {
            full[name] = value.clone();
        }
        self.sign_raw(&full.to_string(), &claims.to_string())
    }

    pub(super) fn sign_raw(&self, header: &str, claims: &str) -> String {
        let message =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

/// Claims that are right for client `gateway` and nonce `n`.
pub(super) fn right_claims(issuer: &str) -> Value {
    json!({
        "iss": issuer, "sub": "42", "aud": "gateway", "exp": NOW.0 + 300, "iat": NOW.0,
        "nonce": "n", "email": "ann@example.test"
    })
}

/// What the fake provider does and has seen.
pub(super) struct Script {
    pub signer: Signer,
    /// Members of the discovery document that differ.
    pub discovery: Value,
    /// Claims of the next ID token that differ; `null` leaves one out.
    pub claims: Value,
    /// The userinfo answer.
    pub userinfo: Value,
    /// What the token endpoint answers in place of tokens: a status and a body.
    pub token_error: Option<(u16, Value)>,
    /// Path and body of each request.
    pub seen: Vec<(String, String)>,
    /// `nonce` of the next ID token.
    pub nonce: String,
}

/// A provider on loopback that signs whatever its script says.
pub(super) struct FakeProvider {
    pub issuer: String,
    pub script: Arc<Mutex<Script>>,
}

impl FakeProvider {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script {
            signer: Signer::es256("one"),
            discovery: json!({}),
            claims: json!({}),
            userinfo: json!({ "sub": "42" }),
            token_error: None,
            seen: Vec::new(),
            nonce: String::new(),
        }));
        let provider = Self { issuer: issuer.clone(), script: Arc::clone(&script) };
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read_request(&mut stream).await;
                let (status, body) = script.lock().unwrap().answer(&issuer, &request);
                let head = format!(
                    "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                stream.write_all(format!("{head}{body}").as_bytes()).await.ok();
            }
        });
        provider
    }

    /// How often `path` was asked for.
    pub(super) fn count(&self, path: &str) -> usize {
        self.script.lock().unwrap().seen.iter().filter(|(seen, _)| seen == path).count()
    }
}

async fn read_request(stream: &mut tokio::net::TcpStream) -> String {
    let mut read = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |n| n.parse().unwrap()) {
                return text;
            }
        }
        match stream.read(&mut chunk).await {
            Ok(n) if n > 0 => read.extend_from_slice(&chunk[..n]),
            Ok(_) | Err(_) => return text,
        }
    }
}

impl Script {
    fn answer(&mut self, issuer: &str, request: &str) -> (u16, String) {
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let body = request.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
        self.seen.push((path.clone(), body));
        match path.as_str() {
            "/.well-known/openid-configuration" => {
                let mut document = json!({
                    "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
                    "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/jwks"),
                    "userinfo_endpoint": format!("{issuer}/userinfo"),
                    "end_session_endpoint": format!("{issuer}/logout"),
                    "response_types_supported": ["code"], "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["ES256"]
                });
                merge(&mut document, &self.discovery);
                (200, document.to_string())
            }
            "/jwks" => (200, json!({ "keys": [self.signer.jwk] }).to_string()),
            "/userinfo" => (200, self.userinfo.to_string()),
            "/token" => match &self.token_error {
                Some((status, body)) => (*status, body.to_string()),
                None => (200, self.tokens(issuer).to_string()),
            },
            _ => (404, String::new()),
        }
    }

    fn tokens(&self, issuer: &str) -> Value {
        json!({ "access_token": "at", "token_type": "Bearer", "id_token": self.id_token(issuer) })
    }

    pub(super) fn id_token(&self, issuer: &str) -> String {
        let mut claims = right_claims(issuer);
        claims["nonce"] = json!(self.nonce);
        merge(&mut claims, &self.claims);
        self.signer.sign(&json!({}), &claims)
    }
}

fn merge(into: &mut Value, from: &Value) {
    for (name, value) in from.as_object().unwrap() {
        if value.is_null() {
            into.as_object_mut().unwrap().remove(name);
        } else {
            into[name] = value.clone();
        }
    }
}

/// A gateway with sites shell, website and id, provider `Partner` at shell and at id, and a browser.
pub(super) struct Stage {
    pub login: Login,
    pub clock: Clock,
    pub config: Arc<Config>,
    pub cookies: BTreeMap<String, String>,
    pub sessions: Arc<Sessions>,
    pub seal: SealKeys,
}

impl Stage {
    pub(super) fn new(issuer: &str) -> Self {
        Self::with(config(connection(issuer)))
    }

    pub(super) fn with(config: Config) -> Self {
        let clock = Clock::manual(NOW);
        let metrics = Arc::new(Metrics::new());
        let sessions = Arc::new(Sessions::new(clock.clone(), Arc::clone(&metrics)));
        let seal = SealKeys::ephemeral();
        let login = Login::new(Parts {
            clock: clock.clone(),
            local_users: Arc::new(LocalUsers::new(Arc::clone(&metrics))),
            metrics,
            seal: seal.clone(),
            sessions: Arc::clone(&sessions),
        });
        let cookies = BTreeMap::new();
        Self { login, clock, config: Arc::new(config), cookies, sessions, seal }
    }

    /// Opens `path` on the CMS.
    pub(super) async fn get(&mut self, path: &str) -> Result<Response, Problem> {
        self.send(Method::GET, CMS, path, None).await
    }

    /// Posts a form to the CMS.
    pub(super) async fn post(&mut self, path: &str, form: &str) -> Result<Response, Problem> {
        self.send(Method::POST, CMS, path, Some(form)).await
    }

    /// Sends a request as the browser and keeps the cookies of the answer.
    pub(super) async fn send(
        &mut self,
        method: Method,
        authority: &str,
        path: &str,
        form: Option<&str>,
    ) -> Result<Response, Problem> {
        let visit = self.visit(method, authority, path, form);
        let response = self.login.answer(&visit).await?;
        for line in response.headers().get_all(header::SET_COOKIE) {
            let (pair, flags) = line.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if flags.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(response)
    }

    fn visit(&self, method: Method, authority: &str, path: &str, form: Option<&str>) -> Visit {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, authority.parse().unwrap());
        let cookies: Vec<_> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        headers.insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        if form.is_some() {
            let kind = "application/x-www-form-urlencoded".parse().unwrap();
            headers.insert(header::CONTENT_TYPE, kind);
        }
        let uri: Uri = path.parse().unwrap();
        let target = Target::read(&uri, &headers).unwrap();
        let site = if target.host == "id.localhost" { "id" } else { "website" };
        let exchange = Exchange {
            method,
            target,
            headers,
            body: Bytes::from(form.unwrap_or_default().to_owned()),
            connection: Arc::new(Connection {
                peer: SocketAddr::from(([192, 0, 2, 1], 4000)),
                port: 8443,
                secure: true,
                server_name: None,
                http2: false,
                purpose: Purpose::Sites,
                listener: "https".into(),
                trusted_proxies: Vec::new().into(),
            }),
            client: [192, 0, 2, 1].into(),
            secure: true,
            id: RequestId::fresh(),
            now: self.clock.now(),
        };
        let config = Arc::clone(&self.config);
        let site = Arc::clone(config.site(site).unwrap());
        Visit { config, site, exchange, session: None }
    }

    /// The user that the browser is at `site`.
    pub(super) fn user(&self, site: &str) -> Option<String> {
        let visit = self.visit(Method::GET, CMS, "/", None);
        let site = self.config.site(site)?;
        let session = place::session(&self.sessions, &visit, site)?;
        Some(session.identity.user.name.clone())
    }

    /// Begins a sign-in and returns the parameters that the provider was sent.
    pub(super) async fn begin(&mut self, path: &str) -> Form {
        let response = self.get(path).await.unwrap();
        parameters(&response)
    }
}

/// The query of a redirect.
pub(super) fn parameters(response: &Response) -> Form {
    Form::parse(location(response).split_once('?').unwrap().1.as_bytes()).unwrap()
}

/// Where a redirect leads.
pub(super) fn location(response: &Response) -> &str {
    response.headers()[header::LOCATION].to_str().unwrap()
}

/// The closed reason of a refused sign-in.
pub(super) fn reason(answer: Result<Response, Problem>) -> &'static str {
    match answer {
        Err(Problem::SignInFailed { reason, .. }) => reason,
        other => panic!("not a refused sign-in: {other:?}"),
    }
}

/// `c_hash` or `at_hash` for a SHA-256 algorithm.
pub(super) fn half_hash(of: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest::sha256(of.as_bytes())[..16])
}

pub(super) fn connection(issuer: &str) -> OpenIdConnect {
    OpenIdConnect {
        issuer: issuer.to_owned(),
        metadata_address: None,
        client_id: "gateway".to_owned(),
        client_secret: Some(Secret::new("a secret: + /")),
        client_authentication: ClientAuthentication::Basic,
        scopes: vec!["openid".to_owned(), "email".to_owned()],
        response_type: ResponseType::Code,
        response_mode: ResponseMode::Query,
        callback_path: "/signin-oidc".to_owned(),
        post_logout_path: "/signout-callback-oidc".to_owned(),
        signing_algorithms: vec!["ES256".to_owned()],
        clock_skew: Duration::from_mins(5),
        userinfo: false,
        certificate_authority: None,
        require_https: true,
        parameters: vec![
            ("prompt".to_owned(), "login".to_owned()),
            ("state".to_owned(), "x".to_owned()),
        ],
    }
}

pub(super) fn config(connection: OpenIdConnect) -> Config {
    let partner = Provider {
        protocol: Protocol::OpenIdConnect(Box::new(connection)),
        trigger_external_sign_out: true,
        transformations: vec![Transformation {
            name: "setIdpClaim".into(),
            kind: TransformationKind::SetIdp,
            origin: testing::origin(),
        }],
        ..testing::provider("Partner")
    };
    let partner = Arc::new(partner);
    let mut config = testing::config();
    config.local_users = vec![testing::jane()];
    config.limits.sign_ins_per_minute = 1000;
    config.identity_server.external_providers = vec![Arc::clone(&partner)];
    let shell = Site {
        providers: SiteProviders { providers: vec![Arc::clone(&partner)], persistent: false },
        login_page: Some("/identity/login/shell/Partner".to_owned()),
        domain: Some("sitecore".to_owned()),
        ..site("shell", "/sitecore/shell", "cms.localhost")
    };
    let id = Site { destination: Destination::IdentityServer, ..site("id", "", "id.localhost") };
    config.sites =
        vec![Arc::new(shell), Arc::new(site("website", "", "cms.localhost")), Arc::new(id)];
    config.providers = vec![partner];
    config
}

fn site(name: &str, folder: &str, host: &str) -> Site {
    Site {
        name: name.into(),
        host_names: vec![crate::config::model::HostPattern(host.to_owned())],
        target_host_name: None,
        port: None,
        virtual_folder: folder.to_owned(),
        domain: None,
        require_login: false,
        roles: Vec::new(),
        login_page: None,
        destination: Destination::Nothing,
        providers: SiteProviders::default(),
        sources: Vec::new(),
        assertion_as_bearer: false,
        pass_authorization: false,
        origins: Vec::new(),
        origin: testing::origin(),
    }
}
