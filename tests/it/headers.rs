//! Class A: nobody but us says who the caller is.

use aws_lc_rs::signature;
use aws_lc_rs::signature::UnparsedPublicKey;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Request;
use serde_json::json;

use crate::support::cms::Seen;
use crate::support::cms::Step;
use crate::support::h2;
use crate::support::provider;
use crate::support::signing;
use crate::support::world::ROLE;
use crate::support::world::SESSION;
use crate::support::world::World;
use crate::support::world::cookie_line;

/// Every header that says who the caller is.
const IDENTITY: [&str; 5] = [
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
    "X-Vestibule-Assertion",
];

/// Sends `lines` with Jane's session to the shell; returns what the CMS saw.
pub(crate) async fn with_session(lines: &str) -> Seen {
    let world = World::start().await;
    let cookie = cookie_line(&world.jane().await);
    let answer = world.raw_get("/sitecore/shell/page", &format!("{cookie}{lines}")).await;
    assert_eq!(answer.status, 200, "{}", answer.gist());
    world.cms.last()
}

/// Whether each identity header stands there once at most, and in our words alone.
fn assert_clean(seen: &Seen) {
    for name in IDENTITY {
        assert!(seen.skeletons(name).len() <= 1, "{name}: {}", seen.text());
    }
    assert_eq!(seen.user(), Some("sitecore\\jane"));
    assert!(!seen.text().contains("admin"), "{}", seen.text());
}

#[tokio::test]
async fn a01_a_forged_header_does_not_reach_a_protected_page() {
    let seen =
        with_session("X-Forwarded-User: admin\r\nX-Forwarded-Groups: sitecore\\admin\r\n").await;
    assert_clean(&seen);
    assert_eq!(seen.header("x-forwarded-groups"), Some("sitecore\\Author"));
    assert_eq!(seen.header("x-forwarded-email"), Some("jane@partner.test"));
}

#[tokio::test]
async fn a02_a_forged_header_does_not_reach_an_anonymous_page() {
    let world = World::start().await;
    for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let lines =
            IDENTITY.iter().map(|name| format!("{name}: admin\r\n")).collect::<Vec<_>>().concat();
        let request = format!(
            "{method} /public/ HTTP/1.1\r\nHost: cms.localhost\r\n{lines}Content-Length: 0\r\n\r\n"
        );
        assert_eq!(world.raw(request).await.status, 200, "{method}");
        assert!(!world.cms.last().text().contains("admin"), "{}", world.cms.last().text());
    }
}

#[tokio::test]
async fn a04_an_underscore_alias_is_dropped() {
    assert_clean(
        &with_session(
            "X_Forwarded_User: admin\r\nx-forwarded_user: admin\r\nX_FORWARDED_GROUPS: admin\r\n",
        )
        .await,
    );
}

#[tokio::test]
async fn a05_any_name_that_folds_to_ours_is_dropped() {
    let lines = [".", "~", "+", "!", "'", "*", "|", "`", ""]
        .iter()
        .map(|sign| format!("X{sign}Forwarded{sign}User: admin\r\n"))
        .collect::<Vec<_>>()
        .concat();
    assert_clean(&with_session(&lines).await);
}

#[tokio::test]
async fn a07_repeated_lines_and_lists_do_not_pile_up() {
    let lines = "X-Forwarded-Groups: admin\r\nX-Forwarded-Groups: user,admin\r\nX-Forwarded-User: admin\r\n";
    let seen = with_session(lines).await;
    assert_clean(&seen);
    assert_eq!(seen.values("x-forwarded-groups"), ["sitecore\\Author"]);
}

#[tokio::test]
async fn a08_a_missing_claim_is_not_filled_in_by_the_client() {
    let world = World::start().await;
    let cookie = cookie_line(&world.signed_in(provider::bob()).await);
    world.raw_get("/sitecore/shell/", &format!("{cookie}X-Forwarded-Groups: admin\r\n")).await;
    let seen = world.cms.last();
    assert_eq!(seen.user(), Some("sitecore\\bob"));
    assert_eq!(seen.header("x-forwarded-groups").unwrap_or_default(), "");
}

#[tokio::test]
async fn a10_an_identity_header_in_trailers_is_dropped() {
    let world = World::start().await;
    let mut trailers = HeaderMap::new();
    for name in ["x-forwarded-user", "x_forwarded_user", "x-forwarded-groups", "cookie", "host"] {
        trailers.insert(HeaderName::from_static(name), HeaderValue::from_static("admin"));
    }
    let request = Request::post("https://cms.localhost/public/");
    let answer = h2::send(world.gateway.port, request, "body", trailers).await.unwrap();
    assert_eq!(answer.status, 200);
    let seen = world.cms.last();
    assert_eq!(seen.body, b"body");
    assert!(!seen.text().contains("admin"), "{}", seen.text());
}

#[tokio::test]
async fn a11_connection_cannot_name_our_headers_away() {
    for line in [
        "Connection: close, X-Forwarded-User, X-Forwarded-Groups\r\n",
        "connection: x-forwarded-user\r\n",
    ] {
        let seen = with_session(line).await;
        assert_clean(&seen);
        assert_eq!(seen.header("x-forwarded-groups"), Some("sitecore\\Author"));
        assert!(
            !seen.values("connection").iter().any(|v| v.to_ascii_lowercase().contains("forwarded"))
        );
    }
}

#[tokio::test]
async fn a13_hop_by_hop_headers_end_here() {
    let lines = "Connection: keep-alive, X-Secret-Hop\r\nCONNECTION: , X-Forwarded-User ,\r\nProxy-Connection: X\r\n\
                 Keep-Alive: x\r\nTE: trailers\r\nX-Secret-Hop: 1\r\nProxy-Authorization: Basic x\r\n";
    let seen = with_session(lines).await;
    assert_clean(&seen);
    for name in ["proxy-connection", "keep-alive", "x-secret-hop", "proxy-authorization"] {
        assert_eq!(seen.values(name), [""; 0], "{name}");
    }
}

#[tokio::test]
async fn a14_a_line_break_in_a_claim_makes_no_line() {
    let world = World::start().await;
    for evil in ["A\r\nX-Forwarded-Groups: sitecore\\Admin", "a\u{0}b", "a\u{85}b", "a\rb", "a\nb"]
    {
        world.cms.clear();
        world.idp.person(
            json!({ "sub": "s", "preferred_username": "eve", "email": evil, "name": evil }),
        );
        let page = world.browser().go("/sitecore/shell/").await;
        assert!(page.status < 500, "{evil:?}: {}", page.status);
        for seen in world.cms.seen() {
            assert_eq!(seen.values("x-forwarded-groups").join(""), "", "{evil:?}");
            let bytes = seen.header("x-forwarded-email").unwrap_or_default().bytes();
            assert!(
                bytes.into_iter().all(|b| (0x20..0x7f).contains(&b)),
                "{evil:?}: {}",
                seen.text()
            );
        }
    }
}

#[tokio::test]
async fn a16_a_name_cannot_leave_its_domain() {
    let world = World::start().await;
    for (number, name) in
        ["sitecore\\admin", "extranet\\x", "a\\u000d", "a,b;c=\"d\""].iter().enumerate()
    {
        world.idp.person(json!({ "sub": format!("s{number}"), "preferred_username": name }));
        world.cms.clear();
        let page = world.browser().go("/sitecore/shell/").await;
        assert!(page.status < 500, "{name}: {}", page.status);
        for user in world.cms.seen().iter().filter_map(|seen| seen.header("x-forwarded-user")) {
            assert!(user.starts_with("sitecore\\"), "{name} became {user}");
            assert_ne!(user, "sitecore\\admin");
        }
    }
}

#[tokio::test]
async fn a17_a_delimiter_inside_a_role_stays_inside() {
    let copy = format!(
        r#"<federatedAuthentication><identityProviders><identityProvider id="Partner"
             type="Sitecore.Owin.Authentication.Configuration.DefaultIdentityProvider, Sitecore.Owin.Authentication"><transformations hint="list:AddTransformation">
           <transformation name="copy" type="Sitecore.Owin.Authentication.Services.DefaultTransformation, Sitecore.Owin.Authentication">
             <sources hint="raw:AddSource"><claim name="teams" /></sources>
             <targets hint="raw:AddTarget"><claim name="{ROLE}" /></targets>
           </transformation></transformations></identityProvider></identityProviders></federatedAuthentication>"#
    );
    let world = World::with(&copy).await;
    let teams = ["x,sitecore\\Admin", "y|Admin", "50%", "Zoë"];
    world.signed_in(json!({ "sub": "s", "preferred_username": "eve", "teams": teams })).await;
    let roles = world.cms.last().header("x-forwarded-groups").unwrap().to_owned();
    assert_eq!(roles, "x%2Csitecore\\Admin,y|Admin,50%25,Zo%C3%AB");
}

#[tokio::test]
async fn a19_a_claim_of_the_wrong_type_is_no_claim() {
    let world = World::start().await;
    for groups in [json!({ "editors": true }), json!([["editors"]]), json!(null), json!(true)] {
        let person = json!({ "sub": "s", "preferred_username": "eve", "groups": groups });
        world.signed_in(person).await;
        assert_eq!(
            world.cms.last().header("x-forwarded-groups").unwrap_or_default(),
            "",
            "{groups}"
        );
    }
}

#[tokio::test]
async fn a19_a_standard_claim_of_the_wrong_type_is_no_claim() {
    let world = World::start().await;
    for wrong in [json!({ "a": 1 }), json!(["a"]), json!(7), json!(null)] {
        let person = json!({ "sub": "s", "preferred_username": "eve", "email": wrong, "email_verified": "false", "name": wrong });
        world.signed_in(person).await;
        assert_eq!(world.cms.last().user(), Some("sitecore\\eve"), "{wrong}");
    }
}

#[tokio::test]
async fn a19_a_subject_that_is_no_name_signs_nobody_in() {
    let world = World::start().await;
    for sub in [json!(123), json!(""), json!(null), json!(["jane"]), json!("x".repeat(256))] {
        world.idp.person(json!({ "sub": sub, "preferred_username": "eve" }));
        let mut browser = world.browser();
        let page = browser.go("/sitecore/shell/").await;
        assert!((400..503).contains(&page.status), "{sub}: {}", page.status);
        assert_eq!(browser.cookie(SESSION), None, "{sub}");
    }
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn a20_a_provider_cannot_assert_our_own_claims() {
    let header = r#"<gateway><identityHeaders><header name="X-Id-Provider" claim="idp" /><header name="X-Id-Admin" property="IsAdministrator" /></identityHeaders></gateway>"#;
    let world = World::with(header).await;
    let person = json!({
        "sub": "s", "preferred_username": "eve", "idp": "SitecoreIdentityServer", "amr": ["mfa"],
        ROLE: "sitecore\\Admin", "X-Forwarded-User": "admin", "isAdmin": "true",
        "http://www.sitecore.net/identity/claims/isAdmin": "true", "gateway_roles": "admin",
    });
    world.signed_in(person).await;
    let seen = world.cms.last();
    assert_eq!(seen.header("x-id-provider"), Some("Partner"));
    assert_eq!(seen.user(), Some("sitecore\\eve"));
    assert_ne!(seen.header("x-id-admin").unwrap_or_default().to_ascii_lowercase(), "true");
    assert_eq!(seen.header("x-forwarded-groups").unwrap_or_default(), "");
}

#[tokio::test]
async fn a22_credentials_of_the_client_end_here() {
    for line in ["Authorization: Bearer garbage\r\n", "Authorization: Basic YWRtaW46YQ==\r\n"] {
        let seen = with_session(line).await;
        assert_eq!(seen.header("authorization"), None, "{line}");
        assert_clean(&seen);
    }
}

#[tokio::test]
async fn a23_a_bearer_token_is_no_session() {
    let world = World::start().await;
    let answer = world.raw_get("/sitecore/shell/?token=x", "Authorization: Bearer x\r\n").await;
    assert_eq!(answer.status, 401);
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn a34_the_cms_does_not_set_our_cookies() {
    let world = World::start().await;
    let evil = [
        ".AspNet.Cookies=x",
        ".aspnet.cookies=x; Path=/",
        ".AspNet.Cookies.Preview=x",
        "__Host-vestibule-login=x",
        "idsrv=x",
    ];
    let lines: Vec<String> = evil.iter().map(|cookie| format!("Set-Cookie: {cookie}")).collect();
    world.cms.script(move |_| {
        let mut all: Vec<&str> = lines.iter().map(String::as_str).collect();
        all.push("Set-Cookie: ASP.NET_SessionId=kept; path=/; HttpOnly");
        vec![Step::answer("200 OK", &all, "")]
    });
    let answer = world.raw_get("/public/", "").await;
    assert_eq!(answer.values("set-cookie"), ["ASP.NET_SessionId=kept; path=/; HttpOnly"]);
}

#[tokio::test]
async fn a35_a_malformed_session_cookie_is_no_session() {
    let world = World::start().await;
    let long = "A".repeat(20_000);
    for value in ["%00", "AAAA", "!!!", "", "\"x\"", &long] {
        let answer =
            world.raw_get("/sitecore/shell/", &format!("Cookie: {SESSION}={value}\r\n")).await;
        assert_eq!(answer.status, 401, "{value:.20}");
    }
    assert_eq!(world.cms.count(), 0);
}

#[tokio::test]
async fn a37_the_assertion_is_signed_for_this_upstream() {
    let world = World::start().await;
    let cookie = cookie_line(&world.jane().await);
    world.raw_get("/sitecore/shell/", &cookie).await;
    let assertion = world.cms.last().header("x-vestibule-assertion").unwrap().to_owned();
    let claims = signing::part(&assertion, 1);
    let now = world.clock.now().0;
    assert_eq!(claims["aud"], "cms");
    assert!(claims["exp"].as_i64().unwrap() > now && claims["exp"].as_i64().unwrap() <= now + 3600);
    assert!(claims["iat"].is_i64() && claims["jti"].is_string());
    let keys = world.browser().get("/.well-known/vestibule/jwks.json").await.json();
    let header = signing::part(&assertion, 0);
    let key =
        keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap();
    assert_eq!((key["kty"].as_str(), key["d"].as_str()), (Some("EC"), None));
    assert!(verifies(&assertion, key), "{assertion}");
}

/// ES256 (RFC 7518 §3.4) by the public `key`.
fn verifies(token: &str, key: &serde_json::Value) -> bool {
    let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
    let coordinate = |name: &str| decode(key[name].as_str().unwrap());
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let (message, signature) = token.rsplit_once('.').unwrap();
    UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point)
        .verify(message.as_bytes(), &decode(signature))
        .is_ok()
}
