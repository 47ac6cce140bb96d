//! The well-known external providers with their documented quirks, each signed in at for real.

use serde_json::Value;
use serde_json::json;

use crate::acceptance::house::House;
use crate::acceptance::house::client;
use crate::acceptance::partners::claims_of;
use crate::acceptance::partners::connection;
use crate::acceptance::partners::external;
use crate::acceptance::partners::rule;
use crate::acceptance::partners::settings;
use crate::support::logs;
use crate::support::provider;
use crate::support::provider::lie;
use crate::support::provider_plain::Part;
use crate::support::provider_plain::PlainProvider;
use crate::support::signing::Token;

const SCOPES: &str = "openid everything";
const TENANT: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const OTHER: &str = "aaaabbbb-0000-cccc-1111-dddd2222ffff";
/// The issuer of a tenant, with a place for its id.
const PATTERN: &str = "https://login.microsoftonline.com/{tenantid}/v2.0";

/// The usual house with this scheme beside `Partner`, and a client `all` that may have `claims`.
async fn with(scheme: &str, keys: &str, connection: &str, claims: &[&str]) -> House {
    let house = House::start().await;
    let patch = format!(
        "<gateway><connections><connection provider=\"{scheme}\" {connection} /></connections></gateway>"
    );
    house.reload(&document(scheme, keys, claims), &patch).await;
    house
}

fn document(scheme: &str, keys: &str, claims: &[&str]) -> String {
    let claims: Vec<String> =
        claims.iter().enumerate().map(|(n, claim)| format!("<C{n}>{claim}</C{n}>")).collect();
    let everything = format!(
        "<IdentityResources><Everything><Name>everything</Name><UserClaims><N>name</N><E>email</E><R>role</R>{}</UserClaims></Everything></IdentityResources>",
        claims.concat()
    );
    let all = client(
        "all",
        "authorization_code",
        "<AllowedScopes><S1>openid</S1><S2>everything</S2></AllowedScopes>",
    );
    let keys = format!("<DisplayName>{scheme}</DisplayName>{keys}");
    settings(&all, &external(scheme, &keys), &everything)
}

/// Signs in at the scheme; what userinfo then says.
async fn signed_in(house: &House, scheme: &str) -> Value {
    let (claims, userinfo) = claims_of(house, scheme, "all", SCOPES).await;
    assert_eq!(claims["idp"], scheme);
    userinfo
}

/// Tries to sign in; the status of the page that says why not.
async fn refused(house: &House, scheme: &str) -> u16 {
    let mut browser = house.browser();
    let idp = format!("idp:{scheme}");
    let page = house.ask(&mut browser, "all", &[("acr_values", &idp)]).await.page();
    assert!(page.text().contains("<main") && browser.cookie("idsrv").is_none(), "{}", page.gist());
    page.status
}

#[tokio::test]
async fn github_names_people_by_number_and_shows_mail_elsewhere() {
    let octocat = json!({"id": 583_231, "login": "octocat", "name": "The Octocat", "email": null,
        "html_url": "https://github.com/octocat"});
    let github = PlainProvider::start(Part::GitHub, octocat.clone()).await;
    github.emails(json!([
        {"email": "old@octo.test", "primary": false, "verified": true, "visibility": null},
        {"email": "octo@octo.test", "primary": true, "verified": true, "visibility": "public"},
    ]));
    let attributes = format!("preset=\"github\" {}", github.connection());
    let claims = ["urn:github:login", "urn:github:name", "urn:github:url"];
    let house = with("GitHub", "", &attributes, &claims).await;
    let said = signed_in(&house, "GitHub").await;
    assert_eq!((&said["name"], &said["email"]), (&json!("octocat"), &json!("octo@octo.test")));
    assert_eq!(said["urn:github:login"], "octocat");
    assert_eq!(said["urn:github:name"], "The Octocat");
    assert_eq!(said["urn:github:url"], "https://github.com/octocat");
    let asked = github.asked();
    assert_eq!(asked["scope"], "read:user user:email");
    assert_eq!(asked["redirect_uri"], format!("{}/signin-github", house.issuer()));
    assert!(asked["code_challenge"].len() == 43 && !asked.contains_key("nonce"));

    let (first, _) = claims_of(&house, "GitHub", "all", "openid").await;
    github.person(json!({"id": 583_231, "login": "renamed"}));
    github.emails(json!([{"email": "x@octo.test", "primary": true, "verified": false}]));
    let (again, said) = claims_of(&house, "GitHub", "all", SCOPES).await;
    assert_eq!(first["sub"], again["sub"], "a login can be changed, the number stays");
    assert_eq!((said["name"].as_str(), said.get("email")), (Some("renamed"), None));
    github.person(json!({"login": "nobody"}));
    assert_eq!(refused(&house, "GitHub").await, 502);
}

#[tokio::test]
async fn facebook_wants_commas_fields_and_a_proof() {
    let jane = json!({"id": "10158", "name": "Jane Doe", "email": "jane@fb.test",
        "first_name": "Jane", "last_name": "Doe", "birthday": "02/29/1980"});
    let facebook = PlainProvider::start(Part::Facebook, jane).await;
    let attributes = format!("preset=\"facebook\" {}", facebook.connection());
    let given = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname";
    let born = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/dateofbirth";
    let house = with("IdS4-Facebook", "", &attributes, &[given, born]).await;
    let said = signed_in(&house, "IdS4-Facebook").await;
    assert_eq!((&said["name"], &said["email"]), (&json!("Jane Doe"), &json!("jane@fb.test")));
    assert_eq!(
        (said[given].as_str(), said.get(born)),
        (Some("Jane"), None),
        "only what is asked for"
    );
    assert_eq!(facebook.asked()["scope"], "public_profile,email");
    assert_eq!(facebook.asked()["redirect_uri"], format!("{}/signin-facebook", house.issuer()));
}

#[tokio::test]
async fn x_wants_pkce_and_basic_and_wraps_what_it_says() {
    let jane = json!({"id": "2244994945", "username": "jane", "name": "Jane Doe"});
    let x = PlainProvider::start(Part::X, jane).await;
    let attributes = format!("preset=\"x\" {}", x.connection());
    let house = with("X", "", &attributes, &["urn:twitter:name"]).await;
    let said = signed_in(&house, "X").await;
    assert_eq!((&said["name"], &said["urn:twitter:name"]), (&json!("jane"), &json!("Jane Doe")));
    assert_eq!(x.asked()["code_challenge_method"], "S256");
    assert_eq!(x.asked()["scope"], "users.read tweet.read");
}

#[tokio::test]
async fn linkedin_takes_the_secret_in_the_body_and_no_pkce() {
    let jane = json!({"sub": "782bbtaQ", "name": "Jane Doe", "given_name": "Jane",
        "locale": {"country": "DK", "language": "da"}, "email": "jane@li.test", "email_verified": true});
    let linkedin = PlainProvider::start(Part::LinkedIn, jane.clone()).await;
    let attributes = format!("preset=\"linkedin\" {}", linkedin.connection());
    let house = with("LinkedIn", "", &attributes, &[]).await;
    let said = signed_in(&house, "LinkedIn").await;
    assert_eq!((&said["name"], &said["email"]), (&json!("Jane Doe"), &json!("jane@li.test")));
    assert_eq!(linkedin.asked().get("code_challenge"), None);
    let mut doubtful = jane;
    doubtful["email_verified"] = json!(false);
    linkedin.person(doubtful);
    assert_eq!(signed_in(&house, "LinkedIn").await.get("email"), None);
}

#[tokio::test]
async fn any_other_provider_of_plain_oauth_is_described_by_its_owner() {
    let jane = json!({"user": {"uid": 7, "nick": "jane"}, "mail": "jane@forge.test"});
    let forge = PlainProvider::start(Part::GitHub, jane).await;
    let attributes = format!(
        "protocol=\"oauth2\" scopes=\"profile\" subject=\"user.uid\" clientAuthentication=\"post\" {}",
        forge.connection()
    );
    let house = House::start().await;
    let patch = format!(
        "<gateway><connections><connection provider=\"Forge\" {attributes}><claim name=\"name\" from=\"user.nick\" /><claim name=\"email\" from=\"mail\" /></connection></connections></gateway>"
    );
    house.reload(&document("Forge", "", &[]), &patch).await;
    let said = signed_in(&house, "Forge").await;
    assert_eq!((&said["name"], &said["email"]), (&json!("jane"), &json!("jane@forge.test")));
    assert_eq!(forge.count("/me/emails"), 0);
    assert_eq!(forge.asked()["redirect_uri"], format!("{}/signin-forge", house.issuer()));
}

/// `Entra` at the fake provider, whose document names `issuer` and whose tokens that of `tenant`.
async fn entra(tenants: &str, issuer: &'static str) -> House {
    let house = House::start().await;
    let metadata = format!("{}/.well-known/openid-configuration", house.idp.issuer);
    let patch =
        connection("Entra", &house.idp, &format!("metadataAddress=\"{metadata}\" {tenants}"))
            .replace(
                &format!("authority=\"{}\"", house.idp.issuer),
                &format!("authority=\"{issuer}\""),
            );
    let groups = rule(
        "R",
        "<C1 type=\"groups\" value=\"editors\" />",
        "<C1 type=\"role\" value=\"sitecore\\Author\" />",
    );
    let rules = format!("<ClaimsTransformations>{groups}</ClaimsTransformations>");
    house.reload(&document("Entra", &rules, &[]), &patch).await;
    house.idp.lie(|lies| {
        lies.discovery = lie(move |document: &mut Value| {
            document["issuer"] = json!(issuer);
            document
                .as_object_mut()
                .unwrap()
                .remove("authorization_response_iss_parameter_supported");
        });
        lies.authorize =
            lie(|answer: &mut Vec<(String, String)>| answer.retain(|(n, _)| n != "iss"));
    });
    house
}

fn of_tenant(house: &House, issuer: &'static str, tid: &'static str) {
    house.idp.twists(lie(move |token: &mut Token| {
        token.claims["iss"] = json!(issuer);
        token.claims["tid"] = json!(tid);
    }));
}

const V2: &str = "https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0";
const V2_OTHER: &str =
    "https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222ffff/v2.0";
const V1: &str = "https://sts.windows.net/aaaabbbb-0000-cccc-1111-dddd2222eeee/";

#[tokio::test]
async fn entra_for_many_tenants_admits_those_that_are_listed() {
    let house = entra(&format!("preset=\"entra\" tenants=\"{TENANT}\""), PATTERN).await;
    of_tenant(&house, V2, TENANT);
    assert_eq!(signed_in(&house, "Entra").await["role"], "sitecore\\Author");
    of_tenant(&house, V2_OTHER, OTHER);
    assert_eq!(refused(&house, "Entra").await, 403, "another tenant");
    of_tenant(&house, V2, OTHER);
    assert_eq!(refused(&house, "Entra").await, 403, "tid and iss differ");
    of_tenant(&house, PATTERN, TENANT);
    assert_eq!(refused(&house, "Entra").await, 502, "the pattern is no issuer");
    of_tenant(&house, "https://evil.test/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0", TENANT);
    assert_eq!(refused(&house, "Entra").await, 502, "another issuer");
}

#[tokio::test]
async fn entra_v1_tokens_come_from_another_issuer() {
    let house = entra("", V1).await;
    of_tenant(&house, V1, TENANT);
    assert_eq!(signed_in(&house, "Entra").await["role"], "sitecore\\Author");
    of_tenant(&house, V2, TENANT);
    assert_eq!(refused(&house, "Entra").await, 502, "and not from the newer one");
}

#[tokio::test]
async fn entra_leaves_too_many_groups_out_and_the_owner_is_told() {
    let house = entra("", V2).await;
    house.idp.twists(lie(|token: &mut Token| {
        token.claims["iss"] = json!(V2);
        token.claims.as_object_mut().unwrap().remove("groups");
        token.claims["_claim_names"] = json!({"groups": "src1"});
        token.claims["_claim_sources"] =
            json!({"src1": {"endpoint": "http://127.0.0.1:1/getMemberObjects"}});
    }));
    let said = signed_in(&house, "Entra").await;
    assert_eq!(said.get("role"), None, "no rights without the groups");
    let lines = logs::lines("too many groups for a token");
    assert!(lines.iter().any(|line| line.contains("Groups assigned to the application")));
}

#[tokio::test]
async fn the_azure_ad_plugin_without_a_secret_takes_a_posted_id_token() {
    let house = House::start().await;
    let issuer = &house.idp.issuer;
    let keys =
        format!("<ClientId>{}</ClientId><Authority>{issuer}</Authority>", provider::CLIENT_ID);
    let patch = "<gateway><connections><connection provider=\"IdS4-AzureAd\" requireHttpsMetadata=\"false\" /></connections></gateway>";
    house.reload(&document("IdS4-AzureAd", &keys, &[]), patch).await;
    let said = signed_in(&house, "IdS4-AzureAd").await;
    assert_eq!(said["email"], "jane@partner.test");
    let asked = house.idp.asked();
    assert_eq!((&*asked["response_type"], &*asked["response_mode"]), ("id_token", "form_post"));
    assert_eq!(house.idp.count("token"), 0);
    house.idp.twists(lie(|token: &mut Token| token.claims["nonce"] = json!("another")));
    assert_eq!(refused(&house, "IdS4-AzureAd").await, 502);
}

#[tokio::test]
async fn google_admits_the_hosted_domain_alone_and_may_leave_the_scheme_out() {
    let house = House::start().await;
    let patch = connection("Google", &house.idp, "preset=\"google\" hostedDomain=\"example.test\"");
    house.reload(&document("Google", "", &[]), &patch).await;
    let of = |hd: Option<&'static str>, iss: Option<&'static str>| {
        lie(move |token: &mut Token| {
            if let Some(hd) = hd {
                token.claims["hd"] = json!(hd);
            }
            if let Some(iss) = iss {
                token.claims["iss"] = json!(iss);
            }
        })
    };
    house.idp.twists(of(Some("example.test"), None));
    signed_in(&house, "Google").await;
    assert_eq!(house.idp.asked()["hd"], "example.test");
    house.idp.twists(of(Some("example.test"), Some("accounts.google.com")));
    signed_in(&house, "Google").await;
    for hd in [None, Some("evil.test"), Some("sub.example.test")] {
        house.idp.twists(of(hd, None));
        assert_eq!(refused(&house, "Google").await, 403, "{hd:?}");
    }
}

#[tokio::test]
async fn oktas_thin_tokens_are_completed_by_userinfo() {
    let house = House::start().await;
    let patch = connection("IdS4-Okta", &house.idp, "preset=\"okta\"");
    house.reload(&document("IdS4-Okta", "", &[]), &patch).await;
    house.idp.twists(lie(|token: &mut Token| {
        for name in ["email", "groups", "preferred_username", "name"] {
            token.claims.as_object_mut().unwrap().remove(name);
        }
    }));
    assert_eq!(signed_in(&house, "IdS4-Okta").await["email"], "jane@partner.test");
}

#[tokio::test]
async fn adfs_has_no_userinfo_and_says_everything_in_the_id_token() {
    let house = House::start().await;
    let patch = connection("ADFS", &house.idp, "preset=\"adfs\"");
    let mail = rule(
        "R",
        "<C1 type=\"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn\" />",
        "<C1 type=\"email\" />",
    );
    let keys = format!("<ClaimsTransformations>{mail}</ClaimsTransformations>");
    house.reload(&document("ADFS", &keys, &["group"]), &patch).await;
    house
        .idp
        .person(json!({"sub": "Kz3/+9a=", "upn": "jane@corp.test", "unique_name": "CORP\\jane"}));
    house.idp.lie(|lies| {
        lies.discovery = lie(|document: &mut Value| {
            document["access_token_issuer"] = json!("http://fs.test/adfs/services/trust");
            document.as_object_mut().unwrap().remove("userinfo_endpoint");
        });
    });
    let said = signed_in(&house, "ADFS").await;
    assert_eq!((&said["name"], &said["email"]), (&json!("CORP\\jane"), &json!("jane@corp.test")));
    assert_eq!(house.idp.count("userinfo"), 0);
}

#[tokio::test]
async fn a_hybrid_answer_in_the_fragment_is_read_by_a_page() {
    let house = House::start().await;
    let patch = connection(
        "Hybrid",
        &house.idp,
        "responseType=\"code id_token\" responseMode=\"fragment\"",
    );
    house.reload(&document("Hybrid", "", &[]), &patch).await;
    let mut browser = house.browser();
    let start = browser.get("/external/challenge?scheme=Hybrid&returnUrl=%2Fgrants").await;
    let sent = browser.get(start.location()).await;
    assert_eq!(house.idp.asked()["response_mode"], "fragment");
    // What a browser would ask for: everything before the `#`, which the stub writes as `?`.
    let (page, fragment) = sent.location().split_once('?').unwrap();
    let answer = browser.get(page).await;
    let policy = answer.header("content-security-policy").unwrap();
    assert!(answer.text().contains("location.hash") && policy.contains("script-src 'sha256-"));
    let fields: Vec<(String, String)> =
        url::form_urlencoded::parse(fragment.as_bytes()).into_owned().collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (&**n, &**v)).collect();
    let posted = browser.navigation("POST", page, "same-origin").form(&fields);
    let done = browser.send(posted).await;
    assert_eq!((done.status, done.location()), (303, "/grants"));
}

#[tokio::test]
async fn h175_a_plain_answer_is_taken_at_its_own_address_alone() {
    let github = PlainProvider::start(Part::GitHub, json!({"id": 1, "login": "octocat"})).await;
    let attributes = format!("preset=\"github\" {}", github.connection());
    let house = with("GitHub", "", &attributes, &[]).await;
    let mut browser = house.browser();
    let start = browser.get("/external/challenge?scheme=GitHub").await;
    let back = browser.get(start.location()).await.location().to_owned();
    let elsewhere = browser.get(&back.replace("/signin-github", "/signin-oidc")).await;
    assert_eq!((elsewhere.status, browser.cookie("idsrv")), (400, None));
    let late = browser.get(&back).await;
    assert!(late.is_redirect() && late.location().starts_with(&github.base), "it begins once more");
    assert_eq!((github.count("/token"), house.idp.count("token")), (0, 0));
}
