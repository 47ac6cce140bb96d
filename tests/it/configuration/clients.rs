//! Clients of the identity server: every property of IdentityServer4's `Client`, what is refused, and
//! what its owner is told.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use vestibule::clock::Timestamp;
use vestibule::config::Config;
use vestibule::config::NoticeKind;
use vestibule::config::model::identity_server::AccessTokenType;
use vestibule::config::model::identity_server::Client;
use vestibule::config::model::identity_server::RefreshExpiration;
use vestibule::config::model::identity_server::RefreshRules;
use vestibule::config::model::identity_server::RefreshUsage;
use vestibule::config::model::identity_server::SecretKind;

use super::load;

pub(super) fn settings(inside: &str) -> String {
    format!(
        "<Settings><Sitecore><IdentityServer>\n{inside}\n</IdentityServer></Sitecore></Settings>"
    )
}

/// Clients, each a line of its own from line 4 on.
pub(super) fn clients(all: &[String]) -> String {
    settings(&format!("\n<Clients>\n{}\n</Clients>", all.join("\n")))
}

/// `<R0>…</R0><R1>…</R1>` …
pub(super) fn numbered(name: &str, items: &[&str]) -> String {
    let mut list = String::new();
    for (number, item) in items.iter().enumerate() {
        write!(list, "<{name}{number}>{item}</{name}{number}>").unwrap();
    }
    list
}

/// A confidential client with a secret; `properties` may say more.
pub(super) fn client(id: &str, grants: &[&str], properties: &str) -> String {
    let grants = numbered("G", grants);
    format!(
        "<C_{id}><ClientId>{id}</ClientId><AllowedGrantTypes>{grants}</AllowedGrantTypes><ClientSecrets><S>secret of {id}</S></ClientSecrets>{properties}</C_{id}>"
    )
}

pub(super) fn read(text: &str) -> Result<Config, Vec<String>> {
    load(&[("identity/a.xml", text)])
}

pub(super) fn one(properties: &str) -> Arc<Client> {
    let config = read(&clients(&[client("mine", &["authorization_code"], properties)]));
    let config = config.unwrap_or_else(|faults| panic!("{}", faults.join("\n")));
    let found = config.identity_server.clients.iter().find(|c| c.id == "mine").cloned();
    found.unwrap_or_else(|| panic!("{:#?}", config.notices))
}

pub(super) fn has(config: &Config, id: &str) -> bool {
    config.identity_server.clients.iter().any(|client| client.id == id)
}

/// The kind of the notice that holds `part`.
#[track_caller]
pub(super) fn notice(config: &Config, part: &str) -> NoticeKind {
    let found = config.notices.iter().find(|n| n.to_string().contains(part));
    found.unwrap_or_else(|| panic!("{part}: {:#?}", config.notices)).kind
}

#[test]
fn an_unwritten_property_is_as_in_identityserver4() {
    let client = one("");
    let (minutes, hours) = (Duration::from_mins, Duration::from_hours);
    assert_eq!(
        (client.access_token_lifetime, client.id_token_lifetime, client.device_code_lifetime),
        (hours(1), minutes(5), minutes(5))
    );
    assert_eq!(client.code_lifetime, minutes(1), "ours: IdentityServer4 has five minutes");
    assert_eq!(
        client.refresh,
        RefreshRules {
            usage: RefreshUsage::OneTimeOnly,
            expiration: RefreshExpiration::Absolute,
            absolute: hours(30 * 24),
            sliding: hours(15 * 24),
            update_claims: false,
        }
    );
    assert!(client.require_secret && client.require_pkce && client.local_login);
    assert!(client.front_channel_session_required && client.back_channel_session_required);
    assert!(client.remember_consent && client.include_jwt_id && client.coordinate_with_session);
    assert!(!client.require_consent && !client.offline_access && !client.tokens_via_browser);
    assert!(!client.allow_plain_pkce && !client.user_claims_in_id_token);
    assert!(!client.require_request_object && !client.require_pushed_authorization);
    assert!(!client.require_dpop && !client.always_send_claims);
    assert!(!client.post_logout_query && !client.loopback_ports);
    assert_eq!((client.name.as_str(), client.claims_prefix.as_str()), ("mine", "client_"));
    assert_eq!((client.consent_lifetime, client.user_sso_lifetime), (None, None));
    assert_eq!(client.access_token_type, AccessTokenType::Jwt);
    assert_eq!(client.protocol, "oidc");
}

#[test]
fn every_property_is_read_as_it_is_written() {
    let client = one(r#"
<ClientName>Mine</ClientName><Description>what it does</Description>
<ClientUri>https://a.test/about</ClientUri><LogoUri>https://a.test/logo.svg</LogoUri>
<AllowedCorsOrigins><O1>https://a.test</O1></AllowedCorsOrigins>
<RedirectUris><R1>https://a.test/cb</R1></RedirectUris>
<FrontChannelLogoutUri>https://a.test/front</FrontChannelLogoutUri>
<FrontChannelLogoutSessionRequired>false</FrontChannelLogoutSessionRequired>
<BackChannelLogoutUri>https://a.test/back</BackChannelLogoutUri>
<BackChannelLogoutSessionRequired>False</BackChannelLogoutSessionRequired>
<CoordinateLifetimeWithUserSession>false</CoordinateLifetimeWithUserSession>
<RequirePkce>false</RequirePkce><AllowPlainTextPkce>1</AllowPlainTextPkce>
<RequireRequestObject>True</RequireRequestObject>
<RequirePushedAuthorization>true</RequirePushedAuthorization><RequireDPoP>true</RequireDPoP>
<AllowOfflineAccess>true</AllowOfflineAccess><AllowAccessTokensViaBrowser>true</AllowAccessTokensViaBrowser>
<AlwaysIncludeUserClaimsInIdToken>true</AlwaysIncludeUserClaimsInIdToken>
<RequireConsent>true</RequireConsent><AllowRememberConsent>false</AllowRememberConsent>
<ConsentLifetime>86400</ConsentLifetime><EnableLocalLogin>false</EnableLocalLogin>
<IdentityProviderRestrictions><P1>IdS4-AzureAd</P1></IdentityProviderRestrictions>
<UserSsoLifetime>600</UserSsoLifetime><AccessTokenType>Reference</AccessTokenType>
<IncludeJwtId>false</IncludeJwtId><AccessTokenLifetime>120</AccessTokenLifetime>
<IdentityTokenLifetimeInSeconds>240</IdentityTokenLifetimeInSeconds>
<AuthorizationCodeLifetime>30</AuthorizationCodeLifetime><DeviceCodeLifetime>900</DeviceCodeLifetime>
<AllowedIdentityTokenSigningAlgorithms><A1>ES256</A1></AllowedIdentityTokenSigningAlgorithms>
<RefreshTokenUsage>0</RefreshTokenUsage><RefreshTokenExpiration>Sliding</RefreshTokenExpiration>
<AbsoluteRefreshTokenLifetime>0</AbsoluteRefreshTokenLifetime>
<SlidingRefreshTokenLifetimeInSeconds>7200</SlidingRefreshTokenLifetimeInSeconds>
<UpdateAccessTokenClaimsOnRefresh>true</UpdateAccessTokenClaimsOnRefresh>
<Claims><C1 type="team" value="blue" /><C2><Type>tier</Type><Value>2</Value></C2></Claims>
<ClientClaimsPrefix>app_</ClientClaimsPrefix><AlwaysSendClientClaims>true</AlwaysSendClientClaims>
<AllowPostLogoutQuery>true</AllowPostLogoutQuery><AllowLoopbackPorts>true</AllowLoopbackPorts>
<Properties><Cost>7</Cost></Properties>"#);
    let seconds = Duration::from_secs;
    assert_eq!(client.name, "Mine");
    assert_eq!(client.description.as_deref(), Some("what it does"));
    assert_eq!(client.client_uri.as_deref(), Some("https://a.test/about"));
    assert_eq!(client.logo_uri.as_deref(), Some("https://a.test/logo.svg"));
    assert_eq!(client.front_channel_logout_uris, ["https://a.test/front"]);
    assert_eq!(client.back_channel_logout_uri.as_deref(), Some("https://a.test/back"));
    assert!(!client.front_channel_session_required && !client.back_channel_session_required);
    assert!(!client.coordinate_with_session && !client.require_pkce && client.allow_plain_pkce);
    assert!(client.require_request_object && client.require_pushed_authorization);
    assert!(client.require_dpop && client.offline_access && client.tokens_via_browser);
    assert!(client.user_claims_in_id_token && client.require_consent && !client.remember_consent);
    assert_eq!(client.consent_lifetime, Some(seconds(86_400)));
    assert!(!client.local_login && !client.include_jwt_id && client.always_send_claims);
    assert_eq!(client.identity_provider_restrictions, ["IdS4-AzureAd"]);
    assert_eq!(client.user_sso_lifetime, Some(seconds(600)));
    assert_eq!(client.access_token_type, AccessTokenType::Reference);
    assert_eq!(
        (client.access_token_lifetime, client.id_token_lifetime),
        (seconds(120), seconds(240))
    );
    assert_eq!((client.code_lifetime, client.device_code_lifetime), (seconds(30), seconds(900)));
    assert_eq!(client.id_token_algorithms, ["ES256"]);
    assert_eq!(
        client.refresh,
        RefreshRules {
            usage: RefreshUsage::ReUse,
            expiration: RefreshExpiration::Sliding,
            absolute: Duration::ZERO,
            sliding: seconds(7_200),
            update_claims: true,
        }
    );
    let claims = [("team", "blue"), ("tier", "2")];
    assert_eq!(client.claims, claims.map(|(kind, value)| (kind.to_owned(), value.to_owned())));
    assert_eq!(client.claims_prefix, "app_");
    assert!(client.post_logout_query && client.loopback_ports);
    assert_eq!(client.other["Properties:Cost"], "7");
}

#[test]
fn numbers_and_words_of_an_enumeration_mean_the_same() {
    for (text, kind) in [
        ("0", AccessTokenType::Jwt),
        ("1", AccessTokenType::Reference),
        ("jwt", AccessTokenType::Jwt),
        ("REFERENCE", AccessTokenType::Reference),
    ] {
        let client = one(&format!("<AccessTokenType>{text}</AccessTokenType>"));
        assert_eq!(client.access_token_type, kind, "{text}");
    }
    let usage =
        |text: &str| one(&format!("<RefreshTokenUsage>{text}</RefreshTokenUsage>")).refresh.usage;
    assert_eq!(["0", "ReUse"].map(usage), [RefreshUsage::ReUse; 2]);
    assert_eq!(["1", "OneTimeOnly"].map(usage), [RefreshUsage::OneTimeOnly; 2]);
    let faults =
        read(&clients(&[client("a", &["hybrid"], "<AccessTokenType>2</AccessTokenType>")]));
    assert_eq!(
        faults.unwrap_err(),
        [
            "identity/a.xml:4: <AccessTokenType>2</AccessTokenType> cannot be read; write 0, 1, Jwt, Reference"
        ]
    );
}

#[test]
fn secrets_have_every_shape_that_identityserver4_and_sitecore_write() {
    // "secret", hashed as IdentityServer4's documentation shows it.
    const HASHED: &str = "K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=";
    let long = "x".repeat(101);
    let text = clients(&[format!(
        r#"<A><ClientId>a</ClientId><AllowedGrantTypes><G>client_credentials</G></AllowedGrantTypes><ClientSecrets>
<S1>plain</S1>
<S2><Value>{HASHED}</Value><Description>until spring</Description><Expiration>2030-01-01T00:00:00Z</Expiration></S2>
<S3 Value="attribute" Expiration="2030-01-01" />
<S4><Type>JWK</Type><Value>{{"keys":[{{"kty":"EC","crv":"P-256","x":"a","y":"b"}},{{"kty":"RSA","n":"c","e":"AQAB"}}]}}</Value></S4>
<S5><Type>X509Thumbprint</Type><Value>a9 99 3e 36 47 06 81 6a ba 3e 25 71 78 50 c2 6c 9c d0 d8 9d</Value></S5>
<S6><Type>X509Name</Type><Value>CN=robot</Value></S6>
<S7></S7>
<Bad1>{long}</Bad1>
<Bad2><Type>Shared</Type><Value>x</Value></Bad2>
<Bad3><Value>x</Value><Expiration>next year</Expiration></Bad3>
<Bad4><Type>JWK</Type><Value>{{"kty":"RSA","d":"private"}}</Value></Bad4>
<Bad5>$argon2id$oops</Bad5>
</ClientSecrets></A>"#
    )]);
    let config = read(&text).unwrap();
    let client = config.identity_server.clients.iter().find(|c| c.id == "a").unwrap();
    let ends = Some(Timestamp(1_893_456_000));
    let found: Vec<_> = client
        .secrets
        .iter()
        .map(|secret| (secret.value.expose(), secret.kind, secret.expires_at))
        .collect();
    assert_eq!(
        found,
        [
            ("plain", SecretKind::Shared, None),
            (HASHED, SecretKind::Shared, ends),
            ("attribute", SecretKind::Shared, ends),
            (r#"{"kty":"EC","crv":"P-256","x":"a","y":"b"}"#, SecretKind::Jwk, None),
            (r#"{"kty":"RSA","n":"c","e":"AQAB"}"#, SecretKind::Jwk, None),
            ("A9993E364706816ABA3E25717850C26C9CD0D89D", SecretKind::X509Thumbprint, None),
            ("CN=robot", SecretKind::X509Name, None),
        ]
    );
    assert!(client.secrets[1].is_live(Timestamp(1_893_455_999)));
    assert!(!client.secrets[1].is_live(Timestamp(1_893_456_000)));
    for (line, what) in [
        (12, "it is longer than 100 characters"),
        (13, "there is no type of secrets called `Shared`"),
        (14, "its expiration `next year` is no date"),
        (15, "its JSON Web Key has a private part"),
        (16, "it begins like an Argon2 hash and is none"),
    ] {
        let told = format!("a.xml:{line}: a secret of `A` is left out: {what}");
        assert_eq!(notice(&config, &told), NoticeKind::Disable);
    }
}

#[test]
fn what_a_file_may_ask_and_a_newer_one_would_not_is_told() {
    let public = "<RequireClientSecret>false</RequireClientSecret>";
    let no_pkce = "<ClientSecrets><S></S></ClientSecrets><RequirePkce>false</RequirePkce>";
    let without_secret = client("d", &["authorization_code"], &format!("{public}{no_pkce}"))
        .replacen("<ClientSecrets><S>secret of d</S></ClientSecrets>", "", 1);
    let plain = "<AllowedCorsOrigins><O>http://a.test|http://localhost:5000</O></AllowedCorsOrigins><RedirectUris><R1>{AllowedCorsOrigin}/cb</R1></RedirectUris>";
    let config = read(&clients(&[
        client("a", &["password"], ""),
        client("b", &["implicit"], ""),
        client("c", &["authorization_code"], public),
        without_secret,
        client("e", &["authorization_code"], "<AllowPlainTextPkce>true</AllowPlainTextPkce>"),
        client("f", &["authorization_code"], plain),
    ]))
    .unwrap();
    for (line, told) in [
        (4, "`a` has the password grant"),
        (5, "`b` has the implicit grant"),
        (6, "`c` has a secret and needs none"),
        (7, "`d` has neither a secret nor PKCE"),
        (8, "`e` allows a code challenge that is its own verifier"),
        (9, "`http://a.test/cb` is reached over plain http"),
    ] {
        assert_eq!(notice(&config, &format!("a.xml:{line}: {told}")), NoticeKind::Lint);
    }
    assert!(!config.notices.iter().any(|n| n.to_string().contains("localhost:5000")));
    for id in ["a", "b", "c", "d", "e", "f"] {
        assert!(has(&config, id), "{id}");
    }
}
