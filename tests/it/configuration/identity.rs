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
            "a.xml:4: a secret of `Mine` is longer than 100 characters"
        ),
        NoticeKind::Lint
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
        notice(
            "<AllowedCorsOrigins><O1>https://a.test/x</O1></AllowedCorsOrigins>",
            "`https://a.test/x` is not an origin"
        ),
        NoticeKind::Disable
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
fn the_shipped_client_has_the_gateways_own_origins_until_others_are_named() {
    let uris = |files: &[(&str, &str)]| {
        load(files).unwrap().identity_server.clients[0].redirect_uris.clone()
    };
    assert_eq!(
        uris(&[]),
        [
            "https://localhost:8443/identity/signin",
            "https://cms.localhost:8443/identity/signin",
            "https://localhost:8443/signin-oidc",
            "https://cms.localhost:8443/signin-oidc",
        ]
    );
    let own = "<Settings><Sitecore><IdentityServer><Clients><DefaultClient><AllowedCorsOrigins><AllowedCorsOriginsGroup1>https://a.test|http://b.test</AllowedCorsOriginsGroup1></AllowedCorsOrigins></DefaultClient></Clients></IdentityServer></Sitecore></Settings>";
    assert_eq!(
        uris(&[("identity/own.xml", own)]),
        [
            "https://a.test/identity/signin",
            "http://b.test/identity/signin",
            "https://a.test/signin-oidc",
            "http://b.test/signin-oidc"
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
