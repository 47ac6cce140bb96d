//! The lines CFG of the acceptance list: which clients are refused at the start, which are switched off,
//! and what the files and the environment make of the rest.

use std::fs;
use std::time::Duration;

use vestibule::cli::check;
use vestibule::config;
use vestibule::config::Environment;
use vestibule::config::NoticeKind;

use super::clients::client;
use super::clients::clients;
use super::clients::has;
use super::clients::notice;
use super::clients::numbered;
use super::clients::one;
use super::clients::read;
use super::clients::settings;

#[test]
fn cfg01_two_of_one_name_are_refused_by_their_name() {
    let text = settings(
        "<IdentityResources><A><Name>team</Name></A>\n<B><Name>team</Name></B></IdentityResources>
<ApiResources><A><Name>orders</Name><Scopes><S1>read</S1>\n<S2>read</S2></Scopes></A>\n<B><Name>orders</Name></B></ApiResources>
<ApiScopes><A><Name>write</Name></A>\n<B><Name>write</Name></B>\n<C><Name>profile</Name></C></ApiScopes>
<Clients><A><ClientId>app</ClientId><RequireClientSecret>false</RequireClientSecret><AllowedGrantTypes><G>authorization_code</G></AllowedGrantTypes></A>
<B><ClientId>app</ClientId><RequireClientSecret>false</RequireClientSecret><AllowedGrantTypes><G>hybrid</G></AllowedGrantTypes></B></Clients>",
    );
    assert_eq!(
        read(&text).unwrap_err(),
        [
            "identity/a.xml:3: two resources have the name `team`; give one of them another Name",
            "identity/a.xml:5: `orders` lists the scope `read` twice; take one of them away",
            "identity/a.xml:6: two resources have the name `orders`; give one of them another Name",
            "identity/a.xml:8: two resources have the name `write`; give one of them another Name",
            "identity/a.xml:9: `profile` is the name of an identity resource and of an API scope; give one of them another Name",
            "identity/a.xml:11: two clients have the id `app`; give one of them another ClientId",
        ]
    );
}

#[test]
fn cfg02_grants_that_do_not_go_together_are_refused() {
    let faults = |grants: &[&str]| {
        read(&clients(&[client("app", grants, "")])).err().unwrap_or_default().join("\n")
    };
    for (grants, part) in [
        (&["implicit", "authorization_code"][..], "implicit and authorization_code"),
        (&["hybrid", "implicit"][..], "implicit and hybrid"),
        (&["hybrid", "authorization_code"][..], "authorization_code and hybrid"),
        (&["hybrid", "hybrid"][..], "has the grant `hybrid` twice"),
        (&["hybrid client_credentials"][..], "has a space in it"),
    ] {
        let told = faults(grants);
        assert!(told.starts_with("identity/a.xml:4: ") && told.contains(part), "{part}: {told}");
    }
    for fine in [
        &["hybrid", "client_credentials"][..],
        &["authorization_code", "client_credentials", "refresh_token"][..],
        &["urn:ietf:params:oauth:grant-type:device_code"][..],
        &["password"][..],
    ] {
        assert_eq!(faults(fine), "", "{fine:?}");
    }
}

#[test]
fn cfg03_a_confidential_client_without_a_secret_is_off_and_an_error_when_strict() {
    let bare = |id: &str, grant: &str, more: &str| {
        format!(
            "<C_{id}><ClientId>{id}</ClientId><AllowedGrantTypes><G>{grant}</G></AllowedGrantTypes>{more}</C_{id}>"
        )
    };
    let public = "<RequireClientSecret>false</RequireClientSecret>";
    let text = clients(&[
        bare("code", "authorization_code", ""),
        bare("hybrid", "hybrid", "<ClientSecrets />"),
        bare("machine", "client_credentials", "<ClientSecrets><S1></S1></ClientSecrets>"),
        bare("public", "authorization_code", public),
        bare("implicit", "implicit", ""),
        bare("keyed", "client_credentials", "<JwksUri>https://a.test/jwks</JwksUri>"),
    ]);
    let config = read(&text).unwrap();
    for (line, id) in [(4, "code"), (5, "hybrid"), (6, "machine"), (9, "keyed")] {
        assert!(!has(&config, id), "{id}");
        let told =
            format!("a.xml:{line}: the client `C_{id}` is off: it has no secret and needs one");
        assert_eq!(notice(&config, &told), NoticeKind::Disable);
    }
    assert!(has(&config, "public") && has(&config, "implicit"));

    let conf = tempfile::tempdir().unwrap();
    fs::create_dir(conf.path().join("identity")).unwrap();
    fs::write(conf.path().join("identity/a.xml"), text).unwrap();
    let checked = |strict: bool| {
        let mut out = Vec::new();
        let code = check::check(conf.path(), &Environment::default(), strict, &mut out).unwrap();
        (code, String::from_utf8(out).unwrap())
    };
    let (code, said) = checked(true);
    assert_eq!(code, 78);
    assert!(said.lines().filter(|line| line.starts_with("error: ")).count() == 4, "{said}");
    let (code, said) = checked(false);
    assert_eq!(code, 0);
    assert!(said.contains("a.xml:4: the client `C_code` is off"), "{said}");
}

#[test]
fn cfg04_lifetimes_schemes_and_origins_that_cannot_be_meant_are_all_told_at_once() {
    let lifetimes = [
        "AccessTokenLifetime",
        "IdentityTokenLifetime",
        "AuthorizationCodeLifetime",
        "DeviceCodeLifetime",
        "SlidingRefreshTokenLifetime",
        "AbsoluteRefreshTokenLifetime",
        "ConsentLifetime",
        "UserSsoLifetime",
    ];
    for (value, ending) in [("0", ""), ("-1", "InSeconds"), ("1h", ""), ("1e9", "InSeconds")] {
        let all: Vec<String> = lifetimes
            .iter()
            .map(|name| format!("\n<{name}{ending}>{value}</{name}{ending}>"))
            .collect();
        let faults =
            read(&clients(&[client("app", &["authorization_code"], &all.concat())])).unwrap_err();
        assert_eq!(faults.len(), lifetimes.len(), "{faults:#?}");
        for (number, name) in lifetimes.iter().enumerate() {
            let told = format!(
                "a.xml:{}: <{name}{ending}>{value}</{name}{ending}> cannot be read; write seconds, from 1",
                number + 5
            );
            assert!(faults.iter().any(|fault| fault.contains(&told)), "{told}: {faults:#?}");
        }
    }
    let addresses = [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "mailto:a@b.test",
        "ftp://a.test/",
        "blob:https://a.test/1",
        "about:blank",
        "ssh://a.test/",
        "tel:1",
        "view-source:https://a.test/",
        "ws://a.test/",
        "wss://a.test/",
        "vbscript:x",
    ];
    let list = numbered("R", &addresses);
    for name in ["RedirectUris", "PostLogoutRedirectUris", "FrontChannelLogoutUris"] {
        let text = clients(&[client("app", &["hybrid"], &format!("<{name}>{list}</{name}>"))]);
        let faults = read(&text).unwrap_err();
        assert_eq!(faults.len(), addresses.len(), "{name}: {faults:#?}");
        assert!(faults[0].contains("a.xml:4: an answer cannot be sent to `"), "{faults:#?}");
    }
    let origins = [
        "https://a.test/app",
        "a.test",
        "https://a.test:443",
        "https://*.a.test",
        "null",
        "https://a.test|https://b.test/x",
    ];
    for origin in origins {
        let text = format!("<AllowedCorsOrigins><O>{origin}</O></AllowedCorsOrigins>");
        let faults = read(&clients(&[client("app", &["hybrid"], &text)])).unwrap_err();
        assert!(faults[0].contains("is not an origin; write scheme://host[:port]"), "{faults:#?}");
    }
}

#[test]
fn cfg05_the_origins_token_stands_for_each_of_them() {
    let mine = one("<AllowedCorsOrigins><Group1>https://a.test|http://b.test:8080</Group1><Own>https://c.test</Own></AllowedCorsOrigins>
<RedirectUris><R1>{AllowedCorsOrigin}/cb</R1><R2>https://fixed.test/cb</R2></RedirectUris>
<PostLogoutRedirectUris><P1>{AllowedCorsOrigin}/out</P1></PostLogoutRedirectUris>
<FrontChannelLogoutUris><F1>{AllowedCorsOrigin}/front</F1></FrontChannelLogoutUris>");
    let each = |path: &str| {
        ["https://a.test", "http://b.test:8080", "https://c.test"].map(|o| format!("{o}{path}"))
    };
    assert_eq!(mine.cors_origins, each(""));
    assert_eq!(mine.redirect_uris[..3], each("/cb"));
    assert_eq!(mine.redirect_uris[3..], ["https://fixed.test/cb"]);
    assert_eq!(mine.post_logout_redirect_uris, each("/out"));
    assert_eq!(mine.front_channel_logout_uris, each("/front"));

    let called = "<BackChannelLogoutUri>{AllowedCorsOrigin}/back</BackChannelLogoutUri>";
    let one_origin = "<AllowedCorsOrigins><O>https://a.test</O></AllowedCorsOrigins>";
    let mine = one(&format!("{one_origin}{called}"));
    assert_eq!(mine.back_channel_logout_uri.as_deref(), Some("https://a.test/back"));
    let two = "<AllowedCorsOrigins><O>https://a.test|https://b.test</O></AllowedCorsOrigins>";
    let config = read(&clients(&[client("mine", &["hybrid"], &format!("{two}{called}"))]));
    let told = "<BackChannelLogoutUri> names 2 addresses, so none is called";
    assert_eq!(notice(&config.unwrap(), told), NoticeKind::Disable);
}

#[test]
fn cfg06_the_environment_wins_over_the_files_and_secrets_are_never_shown() {
    let conf = tempfile::tempdir().unwrap();
    fs::create_dir(conf.path().join("identity")).unwrap();
    let text = clients(&[client(
        "mine",
        &["client_credentials"],
        "<AccessTokenLifetime>60</AccessTokenLifetime>",
    )]);
    fs::write(conf.path().join("identity/a.xml"), text).unwrap();
    let key = "Sitecore_Sitecore__IdentityServer__Clients__C_mine__";
    let environment: Environment = [
        (format!("{key}AccessTokenLifetime"), "90"),
        (format!("{key}ClientSecrets__S"), "from the environment"),
        (format!("{key}AllowedScopes__A1"), "sitecore.profile.api"),
        ("Sitecore_Sitecore__IdentityServer__CertificateRawDataPassword".to_owned(), "p12 word"),
    ]
    .into_iter()
    .collect();
    let config = config::load(conf.path(), &environment).unwrap();
    let client = config.identity_server.clients.iter().find(|c| c.id == "mine").unwrap();
    assert_eq!(client.access_token_lifetime, Duration::from_secs(90));
    assert_eq!(client.scopes, ["sitecore.profile.api"]);
    assert!(client.secrets[0].value.matches("from the environment"));
    let shown = format!("{:?}", config.identity_server);
    for secret in ["from the environment", "secret of mine", "p12 word"] {
        assert!(!shown.contains(secret), "{secret}");
    }
    let values = &config.identity_server.values;
    let kept = |name: &str| values[&format!("Sitecore:IdentityServer:{name}")].as_str();
    assert_eq!(kept("Clients:C_mine:ClientSecrets:S"), "***");
    assert_eq!(kept("Clients:DefaultClient:RequireClientSecret"), "false");
    assert_eq!(kept("Clients:PasswordClient:ClientId"), "SitecorePassword");
}
