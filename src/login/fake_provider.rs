//! For the tests of this room: a provider on loopback that signs whatever its script says.

use std::sync::Arc;
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::Jwk;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::crypto::digest;
use crate::login::testing::NOW;

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

/// `c_hash` or `at_hash` for a SHA-256 algorithm.
pub(super) fn half_hash(of: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest::sha256(of.as_bytes())[..16])
}
