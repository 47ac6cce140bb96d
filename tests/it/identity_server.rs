//! The identity server over HTTPS, with a person's browser and a relying party that plays the part
//! of the OpenID Foundation's suite. Tests are named after the modules of its plans.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use url::Url;
use vestibule::clock::Clock;
use vestibule::config::Environment;
use vestibule::crypto::password;
use vestibule::crypto::secret::Secret;

use crate::support::browser::Browser;
use crate::support::gateway::Gateway;
use crate::support::gateway::Setup;
use crate::support::wire::Answer;

const ISSUER: &str = "https://id.localhost";
const CALLBACK: &str = "https://suite.localhost/test/a/vestibule/callback";
const SIGNED_OUT: &str = "https://suite.localhost/test/a/vestibule/post_logout_redirect";
const CLIENT: &str = "conformance-code-1";
const PASSWORD: &str = "conformance";

/// A gateway with an identity server, and one person's browser.
struct Suite {
    _gateway: Gateway,
    browser: Browser,
    clock: Clock,
}

impl Suite {
    async fn start() -> Self {
        let clock = Clock::manual(Clock::system().now());
        let gateway = Gateway::start(Setup {
            patch: patch(),
            files: vec![("conf/identity/conformance.xml".to_owned(), CLIENTS.to_owned())],
            environment: Environment::default(),
            clock: clock.clone(),
            https: "127.0.0.1:0".parse().unwrap(),
        })
        .await;
        let browser = Browser::new(&format!("https://id.localhost:{}/", gateway.port));
        Self { _gateway: gateway, browser, clock }
    }

    /// Sends the authorization request, signs Jane in wherever she is asked, and returns the address
    /// at which the relying party gets its answer, and how often she was asked.
    async fn authorize(&mut self, more: &[(&str, &str)]) -> (Url, usize) {
        let answer = self.browser.get(&request(more)).await;
        self.through(answer).await
    }

    async fn through(&mut self, mut answer: Answer) -> (Url, usize) {
        let mut asked = 0;
        for _ in 0..10 {
            if answer.is_redirect() {
                if answer.location().starts_with("https://suite.localhost/") {
                    return (Url::parse(answer.location()).unwrap(), asked);
                }
                let next = self.browser.onward(&answer).unwrap();
                answer = self.browser.send(next).await;
            } else if answer.text().contains("id=\"consent\"") {
                answer = self.browser.submit(&answer, &[("button", "yes")]).await;
            } else {
                assert!(answer.text().contains("id=\"sign-in\""), "{}", answer.text());
                asked += 1;
                let fields = [("username", "jane"), ("password", PASSWORD)];
                answer = self.browser.submit(&answer, &fields).await;
            }
        }
        panic!("no end: {:?}", self.browser.history);
    }

    /// The tokens of an authorization request.
    async fn tokens(&mut self, more: &[(&str, &str)]) -> Value {
        let (callback, _) = self.authorize(more).await;
        let answer = self.redeem(&sent(&callback, "code")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    async fn redeem(&self, code: &str) -> Answer {
        let form =
            [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        self.token(&form).await
    }

    /// Calls the token endpoint as the client, without a browser.
    async fn token(&self, form: &[(&str, &str)]) -> Answer {
        let credentials =
            STANDARD.encode(format!("{CLIENT}:{CLIENT}-secret-0123456789-0123456789"));
        let mut program = Browser::new(self.browser.url.as_str());
        let request = program.bare("POST", "/connect/token").form(form);
        program.send(request.header("Authorization", &format!("Basic {credentials}"))).await
    }

    async fn userinfo(&self, token: &str) -> Answer {
        let mut program = Browser::new(self.browser.url.as_str());
        let request = program.bare("GET", "/connect/userinfo");
        program.send(request.header("Authorization", &format!("Bearer {token}"))).await
    }

    fn later(&self, seconds: u64) {
        self.clock.advance(std::time::Duration::from_secs(seconds));
    }
}

fn request(more: &[(&str, &str)]) -> String {
    let usual = [
        ("client_id", CLIENT),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid"),
        ("state", "the state"),
        ("nonce", "the nonce"),
    ];
    let kept = usual.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    let pairs = kept.chain(more).filter(|(_, value)| !value.is_empty());
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("/connect/authorize?{query}")
}

/// A parameter of the relying party's callback.
fn sent(callback: &Url, name: &str) -> String {
    callback
        .query_pairs()
        .find(|(known, _)| known == name)
        .unwrap_or_else(|| panic!("{callback}"))
        .1
        .into_owned()
}

/// The claims of a token, read without checking: unit tests check signatures.
fn claims(tokens: &Value, name: &str) -> Value {
    let payload = tokens[name].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn oidcc_server() {
    let mut suite = Suite::start().await;
    let (callback, asked) =
        suite.authorize(&[("scope", "openid profile email address phone")]).await;
    assert_eq!(asked, 1);
    assert_eq!(
        (sent(&callback, "state"), sent(&callback, "iss")),
        ("the state".into(), ISSUER.into())
    );
    let tokens = suite.redeem(&sent(&callback, "code")).await.json();
    let id_token = claims(&tokens, "id_token");
    assert_eq!((&id_token["aud"], &id_token["nonce"]), (&CLIENT.into(), &"the nonce".into()));
    let info = suite.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!(info["sub"], id_token["sub"]);
    assert_eq!(info["given_name"], "Jane");
    assert_eq!(info["email"], "jane@example.test");
    assert_eq!(info["email_verified"], true);
    assert_eq!(info["address"]["country"], "Denmark");
    assert_eq!(info["phone_number"], "+45 1234 5678");
}

#[tokio::test]
async fn oidcc_discovery_endpoint_verification() {
    let mut suite = Suite::start().await;
    let found = suite.browser.get("/.well-known/openid-configuration").await.json();
    assert_eq!(found["issuer"], ISSUER);
    for endpoint in ["jwks_uri", "authorization_endpoint", "token_endpoint", "userinfo_endpoint"] {
        assert!(
            found[endpoint].as_str().unwrap().starts_with("https://id.localhost/"),
            "{endpoint}"
        );
    }
    let keys = suite.browser.get("/.well-known/openid-configuration/jwks").await.json();
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn oidcc_prompt_login_and_max_age() {
    let mut suite = Suite::start().await;
    let first = suite.tokens(&[]).await;
    suite.later(2);
    for more in [("prompt", "login"), ("max_age", "1"), ("max_age", "0")] {
        let (callback, asked) = suite.authorize(&[more]).await;
        assert_eq!(asked, 1, "{more:?}");
        let tokens = suite.redeem(&sent(&callback, "code")).await.json();
        let auth_time = |tokens: &Value| claims(tokens, "id_token")["auth_time"].as_i64().unwrap();
        assert!(auth_time(&tokens) > auth_time(&first), "{more:?}");
        suite.later(2);
    }
    let (_, asked) = suite.authorize(&[("max_age", "10000")]).await;
    assert_eq!(asked, 0);
}

#[tokio::test]
async fn oidcc_prompt_none() {
    let mut suite = Suite::start().await;
    let (callback, asked) = suite.authorize(&[("prompt", "none")]).await;
    assert_eq!((sent(&callback, "error").as_str(), asked), ("login_required", 0));
    let first = suite.tokens(&[]).await;
    suite.later(5);
    let hint = first["id_token"].as_str().unwrap();
    let second = suite.tokens(&[("prompt", "none"), ("id_token_hint", hint)]).await;
    let (first, second) = (claims(&first, "id_token"), claims(&second, "id_token"));
    assert_eq!((&first["sub"], &first["auth_time"]), (&second["sub"], &second["auth_time"]));
}

#[tokio::test]
async fn oidcc_codereuse_30seconds() {
    let mut suite = Suite::start().await;
    let (callback, _) = suite.authorize(&[]).await;
    let code = sent(&callback, "code");
    let tokens = suite.redeem(&code).await.json();
    suite.later(30);
    let again = suite.redeem(&code).await;
    assert_eq!((again.status, &again.json()["error"]), (400, &"invalid_grant".into()));
    assert_eq!(suite.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 401);
}

#[tokio::test]
async fn oidcc_ensure_registered_redirect_uri() {
    let mut suite = Suite::start().await;
    let page = suite.browser.go(&request(&[("redirect_uri", "https://evil.test/")])).await;
    assert_eq!((page.status, suite.browser.url.path()), (200, "/home/error"));
    assert!(page.text().contains("id=\"error\""));
}

#[tokio::test]
async fn oidcc_request_objects_are_rejected_as_unsupported() {
    let mut suite = Suite::start().await;
    for (name, value, error) in [
        ("request", "eyJhbGciOiJub25lIn0.e30.", "request_not_supported"),
        ("request_uri", "https://suite.localhost/request.jwt", "request_uri_not_supported"),
    ] {
        let (callback, _) = suite.authorize(&[(name, value)]).await;
        assert_eq!(sent(&callback, "error"), error);
    }
}

#[tokio::test]
async fn oidcc_refresh_token() {
    let mut suite = Suite::start().await;
    let more = [("scope", "openid offline_access"), ("prompt", "consent")];
    let first = suite.tokens(&more).await;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", first["refresh_token"].as_str().unwrap()),
    ];
    let second = suite.token(&form).await.json();
    let (before, after) = (claims(&first, "id_token"), claims(&second, "id_token"));
    assert_eq!(
        (&before["iss"], &before["sub"], &before["aud"]),
        (&after["iss"], &after["sub"], &after["aud"])
    );
    assert_eq!(suite.token(&form).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_4_kb_state_survives_a_sign_in() {
    let mut suite = Suite::start().await;
    let state = "+%&é ".repeat(700);
    let (callback, asked) = suite.authorize(&[("state", &state)]).await;
    assert_eq!((sent(&callback, "state"), asked), (state, 1));
}

#[tokio::test]
async fn oidcc_rp_initiated_logout() {
    let mut suite = Suite::start().await;
    let tokens = suite.tokens(&[]).await;
    let stolen = suite.browser.clone();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("id_token_hint", tokens["id_token"].as_str().unwrap())
        .append_pair("post_logout_redirect_uri", SIGNED_OUT)
        .append_pair("state", "s")
        .finish();
    let answer = suite.browser.get(&format!("/connect/endsession?{query}")).await;
    assert_eq!(answer.location(), format!("{SIGNED_OUT}?state=s"));
    let (callback, _) = suite.authorize(&[("prompt", "none")]).await;
    assert_eq!(sent(&callback, "error"), "login_required");
    suite.browser = stolen;
    let (callback, _) = suite.authorize(&[("prompt", "none")]).await;
    assert_eq!(sent(&callback, "error"), "login_required", "END-08: a kept cookie is dead too");
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_params() {
    let mut suite = Suite::start().await;
    suite.tokens(&[]).await;
    let asks = suite.browser.go("/connect/endsession").await;
    assert!(asks.text().contains("id=\"sign-out\""), "{}", asks.text());
    let answer = suite.browser.submit(&asks, &[("token", &field(&asks, "token"))]).await;
    let done = suite.browser.follow(answer).await;
    assert!(done.text().contains("id=\"signed-out\""));
    assert_eq!(suite.browser.url.path(), "/account/logout");
    assert!(suite.browser.cookie("idsrv").is_none());
}

fn field(page: &Answer, name: &str) -> String {
    let forms = crate::support::html::forms(&page.text());
    let mut fields = forms.into_iter().flat_map(|form| form.fields);
    fields.find(|(known, _)| known == name).unwrap().1
}

fn patch() -> String {
    let hash = password::hash(&Secret::new(PASSWORD)).unwrap();
    format!(
        r#"<gateway>
<identityServer set:issuer="{ISSUER}" />
<localUsers><user name="sitecore\jane" email="jane@example.test" passwordHash="{hash}" roles="sitecore\Author">
  <claim name="given_name" value="Jane" />
  <claim name="email_verified" value="true" />
  <claim name="phone_number" value="+45 1234 5678" />
  <claim name="address" value="{{&quot;country&quot;:&quot;Denmark&quot;}}" />
</user></localUsers>
</gateway>"#
    )
}

const CLIENTS: &str = r"<Settings><Sitecore><IdentityServer><Clients>
<ConformanceCode1>
  <ClientId>conformance-code-1</ClientId>
  <AllowedGrantTypes><AllowedGrantType1>authorization_code</AllowedGrantType1></AllowedGrantTypes>
  <ClientSecrets><ClientSecret1>conformance-code-1-secret-0123456789-0123456789</ClientSecret1></ClientSecrets>
  <RequirePkce>false</RequirePkce>
  <AllowOfflineAccess>true</AllowOfflineAccess>
  <RedirectUris><RedirectUri1>https://suite.localhost/test/a/vestibule/callback</RedirectUri1></RedirectUris>
  <PostLogoutRedirectUris>
    <PostLogoutRedirectUri1>https://suite.localhost/test/a/vestibule/post_logout_redirect</PostLogoutRedirectUri1>
  </PostLogoutRedirectUris>
  <AllowedScopes>
    <AllowedScope1>openid</AllowedScope1>
    <AllowedScope2>profile</AllowedScope2>
    <AllowedScope3>email</AllowedScope3>
    <AllowedScope4>address</AllowedScope4>
    <AllowedScope5>phone</AllowedScope5>
  </AllowedScopes>
</ConformanceCode1>
</Clients></IdentityServer></Sitecore></Settings>
";
