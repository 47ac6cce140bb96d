//! The identity server's files: clients, and the order in which files are merged.

use vestibule::config::NoticeKind;

use super::load;

/// A client with these properties.
fn client(properties: &str) -> String {
    format!(
        "<Settings><Sitecore><IdentityServer><Clients><Mine>\n<ClientId>mine</ClientId><RequireClientSecret>false</RequireClientSecret>\n<AllowedGrantTypes><G1>authorization_code</G1></AllowedGrantTypes>\n{properties}</Mine></Clients></IdentityServer></Sitecore></Settings>"
    )
}

#[test]
fn clients_are_checked() {
    let notice = |properties: &str, part: &str| {
        let config = load(&[("identity/a.xml", &client(properties))]).unwrap();
        let found = config.notices.iter().find(|n| n.to_string().contains(part));
        found.unwrap_or_else(|| panic!("{part}: {:#?}", config.notices)).kind
    };
    let secret = "s".repeat(101);
    assert_eq!(
        notice(
            &format!("<ClientSecrets><S1>{secret}</S1></ClientSecrets>"),
            "a.xml:4: a secret of `Mine` is left out: it is longer than 100 characters"
        ),
        NoticeKind::Disable
    );
    assert_eq!(
        notice(
            "<RedirectUris><R1>https://other.test/cb</R1></RedirectUris>",
            "`https://other.test/cb` lies on no origin of AllowedCorsOrigins"
        ),
        NoticeKind::Lint
    );
    assert_eq!(
        notice(
            "<AllowedCorsOrigins><O1>https://a.test/</O1></AllowedCorsOrigins>",
            "the origin `https://a.test/` ends with a slash"
        ),
        NoticeKind::Lint
    );
    assert_eq!(
        notice("<RedirectUris><R1>/cb</R1></RedirectUris>", "`/cb` is not an address"),
        NoticeKind::Disable
    );
    assert_eq!(
        notice(
            "<AllowedScopes><A1>openid</A1><A1>profile</A1></AllowedScopes>",
            "the client `Mine` is off: the key <A1> is written twice"
        ),
        NoticeKind::Disable
    );
}

#[test]
fn secrets_and_keys_that_could_prove_nothing_are_told() {
    let notice = |properties: &str, part: &str| {
        let config = load(&[("identity/a.xml", &client(properties))]).unwrap();
        let found = config.notices.iter().find(|n| n.to_string().contains(part));
        let secrets = config.identity_server.clients.iter().find(|c| c.id == "mine");
        (found.map(|n| n.kind), secrets.map(|c| c.secrets.len()))
    };
    let secrets = |text: &str| format!("<ClientSecrets><S1>{text}</S1></ClientSecrets>");
    // `openssl rand -base64 32` and 64.
    for (text, form) in [
        ("q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=", "SHA-256"),
        (&*format!("{}AA==", "A".repeat(84)), "SHA-512"),
    ] {
        let part = format!("a.xml:4: a secret of `Mine` reads as a {form} hash");
        assert_eq!(notice(&secrets(text), &part), (Some(NoticeKind::Lint), Some(1)), "{text}");
    }
    let plain = "abcdef0123456789abcdef0123456789";
    assert_eq!(notice(&secrets(plain), "reads as a"), (None, Some(1)));
    assert_eq!(notice(&secrets(&"é".repeat(100)), "is longer than"), (None, Some(1)));
    let address = "<JwksUri>https://app.test/jwks</JwksUri>";
    let fetched = "the keys at the JwksUri of `Mine` are not fetched";
    assert_eq!(notice(address, fetched), (Some(NoticeKind::Lint), Some(0)));
    let confidential =
        client(address).replace("<RequireClientSecret>false</RequireClientSecret>", "");
    let config = load(&[("identity/a.xml", &confidential)]).unwrap();
    assert!(!config.identity_server.clients.iter().any(|c| c.id == "mine"), "it proves nothing");
    let told = |part: &str| config.notices.iter().any(|n| n.to_string().contains(part));
    assert!(told(fetched) && told("it has no secret and needs one"), "{:#?}", config.notices);
}

#[test]
fn the_shipped_client_has_the_gateways_own_origins_until_others_are_named() {
    let uris = |files: &[(&str, &str)]| {
        load(files).unwrap().identity_server.clients[0].redirect_uris.clone()
    };
    assert_eq!(
        uris(&[]),
        [
            "https://localhost:8443/identity/signin",
            "https://cms.localhost:8443/identity/signin",
            "https://admin.localhost:8443/identity/signin",
            "https://localhost:8443/signin-oidc",
            "https://cms.localhost:8443/signin-oidc",
            "https://admin.localhost:8443/signin-oidc",
        ]
    );
    let own = "<Settings><Sitecore><IdentityServer><Clients><DefaultClient><AllowedCorsOrigins><AllowedCorsOriginsGroup1>https://a.test|http://b.test</AllowedCorsOriginsGroup1></AllowedCorsOrigins></DefaultClient></Clients></IdentityServer></Sitecore></Settings>";
    assert_eq!(
        uris(&[("identity/own.xml", own)]),
        [
            "https://a.test/identity/signin",
            "http://b.test/identity/signin",
            "https://admin.localhost:8443/identity/signin",
            "https://a.test/signin-oidc",
            "http://b.test/signin-oidc",
            "https://admin.localhost:8443/signin-oidc",
        ]
    );
}

#[test]
fn dictionary_files_are_merged_in_their_layers() {
    let set = |value: &str| {
        format!(
            "<Settings><Sitecore><IdentityServer><Order>{value}</Order></IdentityServer></Sitecore></Settings>"
        )
    };
    let order = |files: &[(&str, &str)]| {
        load(files).unwrap().identity_server.values["Sitecore:IdentityServer:Order"].clone()
    };
    let (plugin, host, production, runtime) =
        (set("plugin"), set("host"), set("production"), set("runtime"));
    let all = [
        ("identity/sitecoreruntime/Production/config/a.xml", runtime.as_str()),
        ("identity/Config/production/a.xml", production.as_str()),
        ("identity/Config/z.xml", host.as_str()),
        ("identity/sitecore/Plugin/Config/a.xml", plugin.as_str()),
    ];
    assert_eq!(order(&all), "runtime");
    assert_eq!(order(&all[1..]), "production");
    assert_eq!(order(&all[2..]), "host");
    let wrong = load(&[("identity/a.xml", "<configuration />")]).unwrap_err();
    assert!(
        wrong[0].starts_with("identity/a.xml:1: the root element is <configuration>"),
        "{wrong:#?}"
    );
}

#[test]
fn n310_an_empty_switch_of_a_client_is_a_fault() {
    let faults = load(&[("identity/a.xml", &client("<Enabled></Enabled>"))]).unwrap_err();
    assert_eq!(
        faults,
        ["identity/a.xml:4: <Enabled></Enabled> cannot be read; write true or false"]
    );
}

/// The notice that the one client with these properties is off.
#[track_caller]
fn switched_off(properties: &str, part: &str) {
    let config = load(&[("identity/a.xml", &client(properties))]).unwrap();
    assert!(!config.identity_server.clients.iter().any(|c| c.id == "mine"), "{properties}");
    let told = |n: &&vestibule::config::Notice| n.to_string().contains(part);
    let notice = config.notices.iter().find(told);
    let notice = notice.unwrap_or_else(|| panic!("{part}: {:#?}", config.notices));
    assert_eq!(notice.kind, NoticeKind::Disable);
}

#[test]
fn n310_a_misspelt_key_of_a_client_switches_it_off() {
    for (slip, meant) in [
        ("<Enbld>false</Enbld>", "Enabled"),
        ("<RequirePkcee>true</RequirePkcee>", "RequirePkce"),
        (
            "<AccesTokenLifetimeInSeconds>60</AccesTokenLifetimeInSeconds>",
            "AccessTokenLifetimeInSeconds",
        ),
    ] {
        switched_off(slip, &format!("did you mean <{meant}>?"));
    }
}

#[test]
fn a_resource_that_is_off_is_not_served() {
    let resource = |enabled: &str| {
        let text = format!(
            "<Settings><Sitecore><IdentityServer><ApiResources><Mine><Name>mine</Name><Enabled>{enabled}</Enabled></Mine></ApiResources></IdentityServer></Sitecore></Settings>"
        );
        let config = load(&[("identity/a.xml", &text)]).unwrap();
        config.identity_server.api_resources.iter().any(|r| r.name == "mine")
    };
    assert!(resource("true"));
    assert!(!resource("false"));
}

/// Two external providers, the second with these keys.
fn external(scheme: &str, keys: &str) -> String {
    let provider = |name: &str, scheme: &str, keys: &str| {
        format!(
            "<{name}><AuthenticationScheme>{scheme}</AuthenticationScheme><ClientId>c</ClientId><Authority>https://{name}.test</Authority>{keys}</{name}>"
        )
    };
    format!(
        "<Settings><Sitecore><ExternalIdentityProviders><IdentityProviders>{}\n{}</IdentityProviders></ExternalIdentityProviders></Sitecore></Settings>",
        provider("First", "one", ""),
        provider("Second", scheme, keys)
    )
}

#[test]
fn an_external_provider_cannot_be_called_like_the_local_users() {
    for scheme in ["local", "LOCALAUTHORITY", "Local Authority"] {
        let config = load(&[("identity/a.xml", &external(scheme, ""))]).unwrap();
        let provider = &config.identity_server.external_providers[1];
        assert!(!provider.is_enabled(), "{scheme}");
        let told = config.notices.iter().any(|n| {
            n.kind == NoticeKind::Disable && n.to_string().contains("pass for local users")
        });
        assert!(told, "{:#?}", config.notices);
    }
}

#[test]
fn n310_a_claim_of_an_external_provider_says_type_and_value_alone() {
    let rule = "<ClaimsTransformations><R1><SourceClaims><Claim1 type=\"group\" vaule=\"1\" /></SourceClaims><NewClaims><Claim1 type=\"role\" value=\"sitecore\\A\" /></NewClaims></R1></ClaimsTransformations>";
    let off = |keys: &str| {
        let config = load(&[("identity/a.xml", &external("two", keys))]).unwrap();
        !config.identity_server.external_providers[1].is_enabled()
    };
    assert!(off(rule));
    assert!(!off(&rule.replace("vaule", "value")));
    assert!(off("<Enbled>false</Enbled>"));
}

#[test]
fn rfc9700_two_providers_of_one_room_that_share_a_callback_path_are_told() {
    let shares = |files: &[(&str, &str)]| -> (Vec<bool>, bool) {
        let config = load(files).unwrap();
        let shared = config.identity_server.external_providers.iter().map(|p| match &p.protocol {
            vestibule::config::model::Protocol::OpenIdConnect(c) => c.shares_callback,
            other => panic!("{other:?}: {:#?}", config.notices),
        });
        let part = "write <connection provider=\"two\" callbackPath=\"/signin-two\"";
        (shared.collect(), config.notices.iter().any(|n| n.to_string().contains(part)))
    };
    let text = external("two", "");
    assert_eq!(shares(&[("identity/a.xml", &text)]), (vec![true, true], true));
    let apart = super::gateway(
        "<connections><connection provider=\"two\" callbackPath=\"/signin-two\" /></connections>",
    );
    assert_eq!(
        shares(&[("identity/a.xml", &text), ("include/a.config", &apart)]),
        (vec![false, false], false)
    );
}
