//! The house that the acceptance tests visit: an identity server at `https://id.localhost:PORT` with
//! clients of every kind, Jane and Bob, the external provider `Partner`, and a clock wound by hand.

use std::time::Duration;

use serde_json::Value;
use vestibule::clock::Clock;
use vestibule::config::Environment;

use crate::support::browser::Browser;
use crate::support::chain::reserve;
pub(crate) use crate::support::clients::CLIENT_HOST;
pub(crate) use crate::support::clients::PASSWORD;
pub(crate) use crate::support::clients::client;
pub(crate) use crate::support::clients::redirect_uri;
pub(crate) use crate::support::clients::secret;
pub(crate) use crate::support::clients::settings;
use crate::support::clients::usual_patch;
use crate::support::gateway;
use crate::support::gateway::Gateway;
use crate::support::gateway::Setup;
use crate::support::html;
use crate::support::provider::FakeProvider;
use crate::support::wire::Answer;

/// The gateway with its identity server. Ends when dropped.
pub(crate) struct House {
    /// The gateway.
    pub(crate) gateway: Gateway,
    /// The gateway's and the external provider's clock.
    pub(crate) clock: Clock,
    /// The external provider `Partner`.
    pub(crate) idp: FakeProvider,
    _port: socket2::Socket,
}

/// What a client is sent at its redirect URI.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// The redirect URI with its own query, without the answer.
    pub(crate) to: String,
    /// `query`, `fragment` or `form_post`.
    pub(crate) mode: &'static str,
    /// The answer's parameters, in order.
    pub(crate) fields: Vec<(String, String)>,
    /// How often somebody had to sign in for it.
    pub(crate) asked: usize,
}

impl Reply {
    /// A parameter of the answer.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that must be there.
    pub(crate) fn sent(&self, name: &str) -> &str {
        self.find(name).unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }
}

/// Where a journey ends.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// At the client's redirect URI.
    Client(Reply),
    /// At a page of ours.
    Page(Answer),
}

impl End {
    /// The client's answer, where there must be one.
    pub(crate) fn reply(self) -> Reply {
        match self {
            Self::Client(reply) => reply,
            Self::Page(page) => panic!("a page: {} {}", page.status, page.gist()),
        }
    }

    /// The page, where there must be one.
    pub(crate) fn page(self) -> Answer {
        match self {
            Self::Client(reply) => panic!("no page: {reply:?}"),
            Self::Page(page) => page,
        }
    }
}

impl House {
    /// With the usual clients.
    pub(crate) async fn start() -> Self {
        Self::with("", "").await
    }

    /// With further `clients`, as [`client`] writes them, and a further patch inside `<sitecore>`.
    pub(crate) async fn with(clients: &str, patch: &str) -> Self {
        Self::settings(&settings(clients), patch).await
    }

    /// With this `<Settings>` document in place of the usual one.
    pub(crate) async fn settings(document: &str, patch: &str) -> Self {
        let (reserved, https) = reserve();
        let clock = Clock::manual(Clock::system().now());
        let idp = FakeProvider::start(&clock).await;
        let gateway = Gateway::start(Setup {
            patch: format!("{}{patch}", usual_patch(&idp)),
            files: vec![(SETTINGS.to_owned(), document.to_owned())],
            environment: Environment::default(),
            clock: clock.clone(),
            https,
        })
        .await;
        Self { gateway, clock, idp, _port: reserved }
    }

    /// Reloads with another `<Settings>` document and another further patch.
    pub(crate) async fn reload(&self, document: &str, patch: &str) {
        self.gateway.folder.write(SETTINGS, document);
        let reloaded = self.gateway.reload(&format!("{}{patch}", usual_patch(&self.idp))).await;
        reloaded.unwrap_or_else(|faults| panic!("{}", gateway::list(&faults)));
    }

    /// Reloads with another e-mail address of Jane's.
    pub(crate) async fn with_jane(&self, email: &str) {
        let patch = usual_patch(&self.idp).replace("jane@example.test", email);
        let reloaded = self.gateway.reload(&patch).await;
        reloaded.unwrap_or_else(|faults| panic!("{}", gateway::list(&faults)));
    }

    /// Reloads without Jane's account.
    pub(crate) async fn without_jane(&self) {
        let patch = usual_patch(&self.idp);
        let (before, jane) = patch.split_once(r#"<user name="sitecore\jane""#).unwrap();
        let (_, after) = jane.split_once("</user>").unwrap();
        let reloaded = self.gateway.reload(&format!("{before}{after}")).await;
        reloaded.unwrap_or_else(|faults| panic!("{}", gateway::list(&faults)));
    }

    /// The issuer.
    pub(crate) fn issuer(&self) -> String {
        format!("https://id.localhost:{}", self.gateway.port)
    }

    /// A fresh browser.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&format!("{}/", self.issuer()))
    }

    /// Lets the clock run.
    pub(crate) fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// `GET` by a program, without a browser's cookies.
    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.call("GET", path, headers, None).await
    }

    /// `POST` of a form by a program.
    pub(crate) async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        form: &[(&str, &str)],
    ) -> Answer {
        self.call("POST", path, headers, Some(form)).await
    }

    /// Any method by a program.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        form: Option<&[(&str, &str)]>,
    ) -> Answer {
        let mut program = self.browser();
        let mut request = program.bare(method, path);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(form) = form {
            request = request.form(form);
        }
        program.send(request).await
    }

    /// Calls the token endpoint as `client` with its usual secret by Basic.
    pub(crate) async fn token(&self, client: &str, form: &[(&str, &str)]) -> Answer {
        let credentials = basic(client, &secret(client));
        self.post("/connect/token", &[("Authorization", &credentials)], form).await
    }

    /// Sends the client's authorization request and signs Jane in wherever somebody is asked for.
    pub(crate) async fn authorize(
        &self,
        browser: &mut Browser,
        client: &str,
        more: &[(&str, &str)],
    ) -> Reply {
        self.authorize_as(browser, "jane", client, more).await
    }

    /// The same, as somebody else.
    pub(crate) async fn authorize_as(
        &self,
        browser: &mut Browser,
        user: &str,
        client: &str,
        more: &[(&str, &str)],
    ) -> Reply {
        let mut end = self.ask(browser, client, more).await;
        for asked in 0..3 {
            match end {
                End::Client(reply) => return Reply { asked, ..reply },
                End::Page(page) => end = self.type_in(browser, &page, user).await,
            }
        }
        panic!("asked three times: {:?}", browser.history);
    }

    /// Sends the client's authorization request and goes on as far as that goes by itself.
    pub(crate) async fn ask(
        &self,
        browser: &mut Browser,
        client: &str,
        more: &[(&str, &str)],
    ) -> End {
        let answer = browser.get(&request(client, more)).await;
        self.onward(browser, answer).await
    }

    /// Types a name and the password into the sign-in page.
    pub(crate) async fn type_in(&self, browser: &mut Browser, page: &Answer, user: &str) -> End {
        assert!(page.text().contains("id=\"sign-in\""), "{} {}", page.status, page.gist());
        let fields = [("username", user), ("password", PASSWORD)];
        let answer = browser.submit(page, &fields).await;
        self.onward(browser, answer).await
    }

    /// Signs somebody in, without any client learning of it.
    pub(crate) async fn sign_in(&self, browser: &mut Browser, user: &str) {
        let page = self.ask(browser, "web", &[]).await.page();
        let fields = [("username", user), ("password", PASSWORD)];
        let answer = browser.submit(&page, &fields).await;
        assert!(answer.is_redirect(), "{} {}", answer.status, answer.gist());
    }

    /// Follows `answer` to a page of ours or to the client.
    pub(crate) async fn onward(&self, browser: &mut Browser, mut answer: Answer) -> End {
        for _ in 0..20 {
            if let Some(reply) = reply(&answer) {
                return End::Client(reply);
            }
            let Some(next) = browser.onward(&answer) else { return End::Page(answer) };
            answer = browser.send(next).await;
        }
        panic!("no end: {:?}", browser.history);
    }

    /// The tokens of `client` for Jane: a code flow from the request to the token endpoint.
    pub(crate) async fn tokens(
        &self,
        browser: &mut Browser,
        client: &str,
        more: &[(&str, &str)],
    ) -> Value {
        let reply = self.authorize(browser, client, more).await;
        let answer = self.redeem(client, reply.sent("code")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Redeems a code as `client`.
    pub(crate) async fn redeem(&self, client: &str, code: &str) -> Answer {
        let redirect_uri = redirect_uri(client);
        let form =
            [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &redirect_uri)];
        self.token(client, &form).await
    }

    /// Calls userinfo with a bearer token.
    pub(crate) async fn userinfo(&self, token: &str) -> Answer {
        self.get("/connect/userinfo", &[("Authorization", &format!("Bearer {token}"))]).await
    }

    /// The header and the claims of a token that a foreign library has verified against the
    /// published keys. Times and the audience are the test's to judge.
    pub(crate) async fn verified(&self, token: &str) -> (Value, Value) {
        let keys = self.get("/.well-known/openid-configuration/jwks", &[]).await;
        let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_slice(&keys.body).unwrap();
        let header = jsonwebtoken::decode_header(token).unwrap();
        let key = keys.find(header.kid.as_deref().unwrap()).expect("the key is published");
        let mut rules = jsonwebtoken::Validation::new(header.alg);
        rules.validate_aud = false;
        rules.validate_exp = false;
        let key = jsonwebtoken::DecodingKey::from_jwk(key).unwrap();
        let claims = jsonwebtoken::decode::<Value>(token, &key, &rules).unwrap().claims;
        (crate::support::signing::part(token, 0), claims)
    }
}

/// The path of an authorization request of `client`: a code for `openid`, unless `more` says
/// otherwise; a value that is empty leaves the parameter out.
pub(crate) fn request(client: &str, more: &[(&str, &str)]) -> String {
    let redirect_uri = redirect_uri(client);
    let usual = [
        ("client_id", client),
        ("response_type", "code"),
        ("redirect_uri", &redirect_uri),
        ("scope", "openid"),
        ("state", "the state"),
        ("nonce", "the nonce"),
    ];
    let kept = usual.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    let pairs = kept.chain(more).filter(|(_, value)| !value.is_empty());
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("/connect/authorize?{query}")
}

/// An `Authorization` header's value.
pub(crate) fn basic(name: &str, secret: &str) -> String {
    use base64::Engine;
    let pair = format!("{name}:{secret}");
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

/// What `answer` sends to a client, if it does.
pub(crate) fn reply(answer: &Answer) -> Option<Reply> {
    let here = |address: &str| {
        url::Url::parse(address).is_ok_and(|url| url.host_str() == Some(CLIENT_HOST))
    };
    if !answer.is_redirect() {
        let form = html::forms(&answer.text()).into_iter().find(|form| here(&form.action))?;
        let to = form.action.clone();
        return Some(Reply { to, mode: "form_post", fields: form.fields, asked: 0 });
    }
    let location = answer.header("location").filter(|location| here(location))?;
    let (to, mode, text) = match (location.split_once('#'), location.split_once('?')) {
        (Some((to, text)), _) => (to, "fragment", text),
        (None, Some((to, text))) => (to, "query", text),
        (None, None) => (location, "query", ""),
    };
    let fields = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    Some(Reply { to: to.to_owned(), mode, fields, asked: 0 })
}

const SETTINGS: &str = "conf/identity/house.xml";
