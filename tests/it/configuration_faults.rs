//! What is wrong with a configuration is told all at once, each with file and line; what is missing is
//! switched off as a whole; what is surely not meant is a warning.

use std::fs;

use vestibule::config;
use vestibule::config::Config;
use vestibule::config::Environment;
use vestibule::config::NoticeKind;
use vestibule::config::model::Admit;
use vestibule::config::model::HeaderSource;
use vestibule::config::model::ProviderState;

/// Reads a directory with these files; faults as they are printed, without the directory.
fn load(files: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let conf = tempfile::tempdir().unwrap();
    for (file, text) in files {
        let path = conf.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let folder = format!("{}/", conf.path().display());
    config::load(conf.path(), &Environment::default())
        .map_err(|faults| faults.iter().map(|f| f.to_string().replace(&folder, "")).collect())
}

/// A patch; what it holds begins on line 3.
fn patch(content: &str) -> String {
    format!(
        "<configuration xmlns:patch=\"http://www.sitecore.net/xmlconfig/\" xmlns:set=\"http://www.sitecore.net/xmlconfig/set/\">\n<sitecore>\n{content}\n</sitecore></configuration>"
    )
}

fn gateway(content: &str) -> String {
    patch(&format!("<gateway>{content}</gateway>"))
}

/// The configuration with one patch.
fn with(content: &str) -> Config {
    load(&[("include/a.config", &patch(content))]).unwrap_or_else(|f| panic!("{}", f.join("\n")))
}

/// The faults of one patch, each of which must be in it.
fn faults(content: &str) -> Vec<String> {
    let faults = load(&[("include/a.config", &patch(content))]).unwrap_err();
    faults
        .iter()
        .map(|fault| {
            let rest = fault.strip_prefix("include/a.config:");
            rest.unwrap_or_else(|| panic!("{fault}")).to_owned()
        })
        .collect()
}

/// The one fault of a patch starts like this.
#[track_caller]
fn refused(content: &str, expected: &str) {
    let faults = faults(content);
    assert!(faults.len() == 1 && faults[0].starts_with(expected), "{faults:#?}");
}

/// How a notice that says `part` stands in the configuration of a patch.
#[track_caller]
fn noticed(content: &str, part: &str) -> NoticeKind {
    let config = with(content);
    let found: Vec<_> = config.notices.iter().filter(|n| n.to_string().contains(part)).collect();
    let [notice] = found.as_slice() else { panic!("{part}: {:#?}", config.notices) };
    assert!(notice.fault.origin.is_some() && !notice.fault.instead.is_empty(), "{notice}");
    notice.kind
}

#[test]
fn every_fault_of_every_file_is_told_in_the_order_of_the_files() {
    let sites = patch(
        "<sites>\n<site name=\"a\" requireLogin=\"flase\" virtualFolder=\"/a\" />\n<site name=\"b\" upstream=\"cmz\" />\n</sites>",
    );
    let ours = gateway("\n<limits>\n<nothing /></limits>\n<timeouts head=\"soon\" />");
    let dictionary = "<Settings><Sitecore><IdentityServer><Clients><A>\n<ClientId>a</ClientId><AllowedGrantTypes><G>implicit</G></AllowedGrantTypes>\n<RequireConsent>maybe</RequireConsent></A></Clients></IdentityServer></Sitecore></Settings>";
    let faults = load(&[
        ("include/b.config", &ours),
        ("include/a.config", &sites),
        ("identity/c.xml", dictionary),
    ])
    .unwrap_err();
    assert_eq!(
        faults,
        [
            "include/a.config:4: requireLogin=\"flase\" of a site cannot be read; write true or false",
            "include/a.config:5: upstream=\"cmz\" names no upstream; did you mean `cms`?",
            "include/b.config:5: <limits> has no child <nothing>; leave it out",
            "include/b.config:6: head=\"soon\" cannot be read; write a time such as 30s, 10m or 00:30:00",
            "identity/c.xml:3: <RequireConsent>maybe</RequireConsent> cannot be read; write true or false",
        ]
    );
}

#[test]
fn n310_what_is_misspelt_is_named_with_what_was_meant() {
    let typo = "<sites><site name=\"shell\" set:requiresLogin=\"true\" /></sites>";
    refused(typo, "3: a site has no attribute `requiresLogin`; did you mean `requireLogin`?");
    let typo = "<gateway><sesions store=\"memory\" /></gateway>";
    refused(typo, "3: <gateway> has no child <sesions>; did you mean `sessions`?");
    let typo =
        "<gateway><access><rule path=\"/a\" role=\"x\" signedIn=\"true\" /></access></gateway>";
    refused(typo, "3: <rule> has no attribute `role`; did you mean `roles`?");
    let typo = "<gateway><access>anonymous</access></gateway>";
    refused(typo, "3: text inside <access> means nothing");
}

#[test]
fn n310_a_misspelt_switch_of_a_provider_switches_it_off() {
    let typo = "<federatedAuthentication><identityProviders><identityProvider id=\"SitecoreIdentityServer\">\n<enabeld>false</enabeld></identityProvider></identityProviders></federatedAuthentication>";
    let config = with(typo);
    let state = &config.provider("SitecoreIdentityServer").unwrap().state;
    assert_eq!(*state, ProviderState::Broken("a provider has no child <enabeld>".to_owned()));
    assert_eq!(noticed(typo, "did you mean <enabled>?"), NoticeKind::Disable);
    let wrong = typo.replace("enabeld", "enabled").replace("false", "flase");
    assert_eq!(noticed(&wrong, "<enabled>flase</enabled> cannot be read"), NoticeKind::Disable);
}

#[test]
fn n310_an_empty_list_admits_nobody() {
    refused(
        "<sites><site name=\"shell\" set:roles=\"\" /></sites>",
        "3: roles=\"\" of a site would let nobody in",
    );
    let rules = "<gateway><access><rule path=\"/a/*\" roles=\"\" /></access></gateway>";
    assert_eq!(with(rules).access[0].admit, Admit::Nobody);
    assert_eq!(noticed(rules, "roles=\"\" admits nobody"), NoticeKind::Lint);
    let silent = "<gateway><access><rule path=\"/a/*\" /></access></gateway>";
    refused(silent, "3: an access rule says exactly one thing about whom it admits");
    let both =
        "<gateway><access><rule path=\"/a/*\" roles=\"x\" anonymous=\"true\" /></access></gateway>";
    refused(both, "3: an access rule says exactly one thing about whom it admits");
}

#[test]
fn n310_a_second_element_of_one_name_in_one_file_is_a_fault() {
    let twice = "<gateway><upstreams><upstream name=\"b\"><server url=\"http://b\" /></upstream>\n<upstream name=\"b\" audience=\"x\"><server url=\"http://c\" /></upstream></upstreams></gateway>";
    refused(twice, "4: two upstreams are called `b`");
    let twice = "<sites><site name=\"website\" hostName=\"www.example.test\" /></sites>";
    refused(
        twice,
        "3: the site `website` is declared twice; to change an attribute of an existing site in a patch, write it as set:attribute=\"…\"",
    );
    let twice = "<gateway><localUsers><user name=\"sitecore\\j\" passwordHash=\"$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ\" />\n<user name=\"SITECORE\\J\" passwordHash=\"$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ\" /></localUsers></gateway>";
    refused(twice, "4: two local users are called `SITECORE\\J`");
}

#[test]
fn a_patch_of_the_gateway_may_write_its_attributes_plainly() {
    let config = with(
        "<gateway data=\"elsewhere\"><listeners><listener name=\"https\" address=\"127.0.0.1:443\" hosts=\"a.test|b.test\" /></listeners><identityHeaders preset=\"remote-user\" /></gateway>",
    );
    let https = &config.listeners[0];
    assert_eq!(https.address.to_string(), "127.0.0.1:443");
    assert_eq!(https.hosts, ["a.test", "b.test"]);
    assert_eq!(config.listeners.len(), 3);
    assert_eq!(config.identity_headers.headers[0].name, "remote-user");
    assert_eq!(config.identity_headers.assertion.as_ref().unwrap(), "x-vestibule-assertion");
    assert_eq!(config.data.to_str(), Some("elsewhere"));
}

#[test]
fn listeners_and_upstreams_are_checked() {
    let listener = |text: &str| {
        format!("<gateway><listeners><listener name=\"x\" {text} /></listeners></gateway>")
    };
    refused(
        &listener("address=\"localhost:80\" plain=\"true\""),
        "3: address=\"localhost:80\" cannot be read",
    );
    refused(
        &listener("address=\"0.0.0.0:9443\""),
        "3: nothing clear says what the listener `x` serves",
    );
    refused(
        &listener("address=\"0.0.0.0:9443\" certificate=\"a.pem\" plain=\"true\""),
        "3: a certificate needs its key",
    );
    refused(
        &listener("address=\"0.0.0.0:9443\" redirectTo=\"htps\""),
        "3: redirectTo=\"htps\" names no listener",
    );
    refused(
        &listener("address=\"0.0.0.0:8443\" plain=\"true\""),
        "3: two listeners have the address 0.0.0.0:8443",
    );
    refused(
        &listener("address=\"0.0.0.0:9443\" plain=\"true\" hosts=\"https://a\""),
        "3: `https://a` is not a host name",
    );
    refused(
        &listener("address=\"0.0.0.0:9443\" plain=\"true\" trustedProxies=\"10.0.0.0/40\""),
        "3: `10.0.0.0/40` has a prefix length outside 0 to 32",
    );
    refused(
        &listener("address=\"0.0.0.0:9443\" plain=\"yes\""),
        "3: plain=\"yes\" cannot be read; write true or false",
    );
    let upstream = |text: &str| {
        format!("<gateway><upstreams><upstream name=\"x\">{text}</upstream></upstreams></gateway>")
    };
    refused(&upstream(""), "3: the upstream `x` has no server");
    let faults = faults(&upstream("<server url=\"http://host/path\" />"));
    assert!(faults[1].starts_with("3: url=\"http://host/path\" cannot be read"), "{faults:#?}");
}

#[test]
fn sites_are_checked() {
    let shell = |text: &str| format!("<sites><site name=\"shell\" {text} /></sites>");
    refused(
        &shell("set:loginPage=\"https://evil.test/\""),
        "3: loginPage=\"https://evil.test/\" of a site cannot be read",
    );
    refused(&shell("set:loginPage=\"//evil.test\""), "3: loginPage=");
    refused(
        &shell("set:virtualFolder=\"/a/../b\""),
        "3: virtualFolder=\"/a/../b\" of a site cannot be read",
    );
    refused(
        &shell("set:hostName=\"https://a.test\""),
        "3: hostName=\"https://a.test\" of a site cannot be read",
    );
    refused(&shell("set:port=\"0\""), "3: port=\"0\" of a site cannot be read");
    refused(&shell("set:service=\"demo\""), "3: a site has both `service` and `upstream`");
    refused(&shell("set:inherits=\"nobody\""), "3: inherits=\"nobody\" names no site");
    refused(
        &shell("set:origins=\"https://a.test/x\""),
        "3: origins=\"https://a.test/x\" of a site cannot be read",
    );
    refused(
        &shell("set:requireLogin=\"$(guard)\""),
        "3: `requireLogin` of a site holds $(guard), which nothing defines",
    );
    let circle = "<sites><site name=\"x\" inherits=\"y\" virtualFolder=\"/x\" />\n<site name=\"y\" inherits=\"x\" virtualFolder=\"/y\" /></sites>";
    let faults = faults(circle);
    assert!(
        faults[0].starts_with("3: inherits=\"y\" leads back") || faults[0].contains("leads back"),
        "{faults:#?}"
    );
}

#[test]
fn a_site_has_what_it_inherits_and_does_not_write() {
    let config =
        with("<sites><site name=\"copy\" inherits=\"shell\" virtualFolder=\"/copy\" /></sites>");
    let copy = config.site("copy").unwrap();
    assert!(copy.require_login);
    assert_eq!(copy.virtual_folder, "/copy");
    assert_eq!(copy.login_page.as_deref(), Some("/identity/login/shell/SitecoreIdentityServer"));
    assert_eq!(copy.domain.as_deref(), Some("sitecore"));
}

#[test]
fn a_site_whose_host_is_unknown_is_off_unless_it_is_guarded() {
    let open = "<sites><site name=\"x\" hostName=\"$(env:NOWHERE)\" /></sites>";
    assert!(with(open).site("x").is_none());
    assert_eq!(
        noticed(open, "the site is off, because its hostName holds $(env:NOWHERE)"),
        NoticeKind::Disable
    );
    let guarded = open.replace("hostName", "requireLogin=\"true\" hostName");
    refused(
        &guarded,
        "3: `hostName` of a site holds $(env:NOWHERE), which nothing defines; set the environment variable NOWHERE",
    );
}

#[test]
fn n311_header_names_are_legal_and_tell_themselves_apart() {
    let header = |text: &str| {
        format!("<gateway><identityHeaders><header {text} /></identityHeaders></gateway>")
    };
    refused(
        &header("name=\"X-Forwarded_User\" claim=\"a\""),
        "3: the header `X-Forwarded_User` holds an underscore",
    );
    refused(
        &header("name=\"XForwarded-User\" claim=\"a\""),
        "3: two headers are `xforwarded-user` once letters and digits alone are kept",
    );
    refused(&header("name=\"X User\" claim=\"a\""), "3: `X User` is not a header name");
    refused(&header("name=\"Host\" claim=\"a\""), "3: the header `host` has a meaning of its own");
    refused(
        &header("name=\"X-Forwarded-For\" claim=\"a\""),
        "3: the header `x-forwarded-for` has a meaning of its own",
    );
    refused(&header("name=\"X-Tenant\""), "3: the header `X-Tenant` needs exactly one source");
    refused(
        &header("name=\"X-Tenant\" claim=\"a\" property=\"b\""),
        "3: the header `X-Tenant` needs exactly one source",
    );
    let config = with(&header("name=\"X-Tenant\" claim=\"tid\""));
    assert_eq!(config.identity_headers.headers[4].source, HeaderSource::Claim("tid".to_owned()));
}

#[test]
fn connections_are_checked_and_presets_say_where_providers_are() {
    let provider = "<federatedAuthentication><identityProviders><identityProvider id=\"P\" type=\"Sitecore.Owin.Authentication.Configuration.DefaultIdentityProvider, Sitecore.Owin.Authentication\"><domain>sitecore</domain></identityProvider></identityProviders></federatedAuthentication>";
    let connect = |text: &str| {
        format!(
            "<gateway><connections><connection provider=\"P\" clientId=\"c\" {text} /></connections></gateway>{provider}"
        )
    };
    let issuer = |text: &str| {
        let config = with(&connect(text));
        match &config.provider("P").unwrap().protocol {
            config::model::Protocol::OpenIdConnect(connection) => connection.issuer.clone(),
            other => panic!("{other:?}: {:#?}", config.notices),
        }
    };
    let tenant = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
    assert_eq!(
        issuer(&format!("preset=\"entra\" tenant=\"{tenant}\"")),
        format!("https://login.microsoftonline.com/{tenant}/v2.0")
    );
    assert_eq!(issuer("preset=\"google\""), "https://accounts.google.com");
    assert_eq!(issuer("preset=\"okta\" domain=\"c.okta.com\""), "https://c.okta.com");
    assert_eq!(
        issuer("preset=\"okta\" domain=\"c.okta.com\" authorizationServer=\"default\""),
        "https://c.okta.com/oauth2/default"
    );
    assert_eq!(issuer("preset=\"auth0\" domain=\"c.auth0.com\""), "https://c.auth0.com/");
    assert_eq!(
        issuer("preset=\"adfs\" domain=\"fs.example.test\""),
        "https://fs.example.test/adfs"
    );
    assert_eq!(
        issuer("preset=\"keycloak\" realm=\"https://k.test/realms/a\""),
        "https://k.test/realms/a"
    );
    for (text, part) in [
        ("preset=\"github\"", "the preset github is plain OAuth 2.0, which is not served yet"),
        (
            "preset=\"entra\" tenant=\"common\"",
            "tenant=\"common\" would admit every organisation's people",
        ),
        ("preset=\"okta\"", "the preset okta needs `domain`"),
        ("preset=\"octa\"", "there is no preset `octa`"),
        (
            "authority=\"http://p.test\"",
            "the address `http://p.test` is plain http, where anybody can answer",
        ),
        (
            "authority=\"https://p.test\" clientSecret=\"$(env:GONE)\"",
            "the connection holds $(env:GONE), which nothing defines",
        ),
    ] {
        assert_eq!(noticed(&connect(text), part), NoticeKind::Disable, "{text}");
    }
    refused(
        &connect("authority=\"https://p.test\" algorithms=\"HS256\""),
        "3: `HS256` is not an algorithm for ID tokens here",
    );
    refused(
        &connect("authority=\"https://p.test\" clockSkew=\"6m\""),
        "3: clockSkew=\"6m\" cannot be read; write at most 5m",
    );
    refused(
        &connect(
            "authority=\"https://p.test\" responseType=\"code id_token\" responseMode=\"query\"",
        ),
        "3: an ID token must not travel in a query",
    );
}

#[test]
fn classes_that_are_not_known_switch_off_the_smallest_whole_thing() {
    let federation =
        |text: &str| format!("<federatedAuthentication>{text}</federatedAuthentication>");
    let rule = federation(
        "<identityProviders><identityProvider id=\"SitecoreIdentityServer\"><transformations hint=\"list:AddTransformation\">\n<transformation name=\"mine\" type=\"Contoso.Prefix, Contoso\" /></transformations></identityProvider></identityProviders>",
    );
    assert_eq!(
        noticed(
            &rule,
            ":4: the provider `SitecoreIdentityServer` is off: the transformation class `Contoso.Prefix` is not known here"
        ),
        NoticeKind::Disable
    );
    let builder = federation(
        "<identityProvidersPerSites><mapEntry name=\"sites with the core and unspecified database\"><externalUserBuilder type=\"Sitecore.Owin.Authentication.Services.DefaultExternalUserBuilder, Sitecore.Owin.Authentication\">\n<patch:attribute name=\"type\">Contoso.Builder, Contoso</patch:attribute></externalUserBuilder></mapEntry></identityProvidersPerSites>",
    );
    assert_eq!(
        noticed(
            &builder,
            ":4: the map entry `sites with the core and unspecified database` is off: the external user builder class `Contoso.Builder` is not known here"
        ),
        NoticeKind::Disable
    );
    assert!(with(&builder).site("shell").unwrap().providers.providers.is_empty());
    let mapper = federation(
        "<propertyInitializer><maps><map name=\"mine\" type=\"Contoso.Mapper, Contoso\" /></maps></propertyInitializer>",
    );
    assert_eq!(
        noticed(&mapper, "the property mapper class `Contoso.Mapper` is not known here"),
        NoticeKind::Disable
    );
    assert_eq!(with(&mapper).property_maps.len(), 3);
    let shared = federation(
        "<sharedTransformations><mine name=\"mine\" type=\"Contoso.Shared, Contoso\" /></sharedTransformations>",
    );
    assert_eq!(noticed(&shared, "every provider is off"), NoticeKind::Disable);
    assert!(!with(&shared).provider("SitecoreIdentityServer").unwrap().is_enabled());
}

#[test]
fn shared_transformations_run_first_and_none_of_them_twice() {
    let config = with(
        r#"<federatedAuthentication>
<identityProviders><identityProvider id="P" type="Sitecore.Owin.Authentication.Configuration.DefaultIdentityProvider,Sitecore.Owin.Authentication">
  <transformations hint="list:AddTransformation">
    <transformation type="Sitecore.Owin.Authentication.Services.DefaultTransformation,Sitecore.Owin.Authentication"><sources hint="raw:AddSource"><claim name="a" /></sources><targets hint="raw:AddTarget"><claim name="b" /></targets></transformation>
    <transformation name="again" ref="federatedAuthentication/sharedTransformations/mine" />
    <transformation name="Idp Claim" type="Sitecore.Owin.Authentication.Services.SetIdpClaimTransform, Sitecore.Owin.Authentication" />
  </transformations></identityProvider></identityProviders>
<sharedTransformations><mine name="mine" type="Sitecore.Owin.Authentication.Services.DefaultTransformation, Sitecore.Owin.Authentication"><sources hint="raw:AddSource"><claim name="c" value="1" /></sources><targets hint="raw:AddTarget"><claim name="d" /></targets></mine></sharedTransformations>
</federatedAuthentication><gateway><connections><connection provider="P" authority="https://p.test" clientId="c" /></connections></gateway>"#,
    );
    let provider = config.provider("P").unwrap();
    let names: Vec<&str> = provider.transformations.iter().map(|rule| &*rule.name).collect();
    assert_eq!(names, ["setIdpClaim", "mine", "1"]);
    let missing = r#"<federatedAuthentication><identityProviders><identityProvider id="SitecoreIdentityServer"><transformations hint="list:AddTransformation">
<transformation name="Idp Claim" ref="federatedAuthentication/sharedTransformations/setidpclaim" /></transformations></identityProvider></identityProviders></federatedAuthentication>"#;
    assert_eq!(
        noticed(
            missing,
            ":4: the provider `SitecoreIdentityServer` is off: ref=\"federatedAuthentication/sharedTransformations/setidpclaim\" leads to no transformation"
        ),
        NoticeKind::Disable
    );
}

#[test]
fn c79_an_earlier_site_or_rule_that_hides_a_stricter_one_is_told() {
    let sites = "<sites><site name=\"strict\" hostName=\"*.b.test\" requireLogin=\"true\" loginPage=\"/sitecore/login\" upstream=\"cms\" patch:before=\"site[@name='website']\" /><site name=\"lax\" hostName=\"*.test\" upstream=\"cms\" patch:before=\"site[@name='strict']\" /></sites>";
    assert_eq!(
        noticed(sites, "the site `strict` is never reached, because `lax` comes first"),
        NoticeKind::Lint
    );
    let rules = "<gateway><access><rule path=\"/a/*\" anonymous=\"true\" /><rule path=\"/a/b\" roles=\"sitecore\\Author\" /></access></gateway>";
    assert_eq!(
        noticed(
            rules,
            "access rule 2 never decides, because access rule 1 comes first and admits more"
        ),
        NoticeKind::Lint
    );
    let fine = "<gateway><access><rule path=\"/a/b\" roles=\"sitecore\\Author\" /><rule path=\"/a/*\" anonymous=\"true\" /></access></gateway>";
    assert!(!with(fine).notices.iter().any(|n| n.to_string().contains("never decides")));
}

#[test]
fn what_is_surely_not_meant_is_a_warning() {
    let lints = [
        (
            "<gateway><listeners><listener name=\"https\" hosts=\"*\" /></listeners></gateway>",
            "the listener `https` knows every host",
        ),
        (
            "<sites><site name=\"website\" set:hostName=\"*\" /></sites>",
            "the site `website` is for every host",
        ),
        (
            "<sites><site name=\"shell\"><patch:deleteattribute name=\"loginPage\" /></site></sites>",
            "the site `shell` asks for a login and has no loginPage",
        ),
        (
            "<sites><site name=\"shell\" set:loginPage=\"/identity/login/shell/Nobody\" /></sites>",
            "leads to the provider `Nobody`",
        ),
        (
            "<gateway><connections><connection provider=\"Nobody\" authority=\"https://x.test\" clientId=\"c\" /></connections></gateway>",
            "the connection is for `Nobody`, which is no provider",
        ),
        (
            "<gateway><users store=\"sqlite:data/users.db\" /></gateway>",
            "store=\"sqlite:data/users.db\" has no effect yet",
        ),
        (
            "<sc.variable name=\"identityServerAuthority\" value=\"https://id.localhost\" />",
            "expects the issuer https://id.localhost, but the identity server here is https://id.localhost:8443",
        ),
        (
            "<settings><setting name=\"FederatedAuthentication.Enabled\" value=\"false\" /></settings>",
            "FederatedAuthentication.Enabled is false",
        ),
    ];
    for (content, part) in lints {
        assert_eq!(noticed(content, part), NoticeKind::Lint, "{part}");
    }
}

#[test]
fn roles_that_the_cms_would_not_understand_are_told() {
    let target = |claim: &str, value: &str| {
        format!(
            "<federatedAuthentication><identityProviders><identityProvider id=\"P\" type=\"Sitecore.Owin.Authentication.Configuration.DefaultIdentityProvider, X\"><domain>sitecore</domain><transformations hint=\"list:AddTransformation\"><transformation name=\"t\" type=\"Sitecore.Owin.Authentication.Services.DefaultTransformation, X\"><sources hint=\"raw:AddSource\"><claim name=\"groups\" value=\"g\" /></sources><targets hint=\"raw:AddTarget\"><claim name=\"{claim}\" value=\"{value}\" /></targets></transformation></transformations></identityProvider></identityProviders></federatedAuthentication><gateway><connections><connection provider=\"P\" authority=\"https://x.test\" clientId=\"c\" /></connections></gateway>"
        )
    };
    let long = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";
    assert_eq!(
        noticed(&target(long, "Author"), "`t` gives the role `Author`, which has no domain"),
        NoticeKind::Lint
    );
    assert_eq!(
        noticed(
            &target("role", "sitecore\\Author"),
            "`t` adds the claim `role`, which the CMS does not read"
        ),
        NoticeKind::Lint
    );
    assert_eq!(
        noticed(&target(long, "sitecore\\Author"), "the provider `P` is mapped to no site"),
        NoticeKind::Lint
    );
}

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
fn the_examples_work_as_soon_as_they_are_copied() {
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("conf");
    let conf = tempfile::tempdir().unwrap();
    let mut copied = 0;
    for folder in ["include", "identity"] {
        fs::create_dir(conf.path().join(folder)).unwrap();
        for entry in fs::read_dir(shipped.join(folder)).unwrap() {
            let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
            let Some(target) = name.strip_suffix(".example") else { continue };
            fs::copy(entry.unwrap().path(), conf.path().join(folder).join(target)).unwrap();
            copied += 1;
        }
    }
    let secrets =
        ["ENTRA_SECRET", "CLI_SECRET", "AZURE_AD_SECRET"].map(|name| (name, "correct horse"));
    let config = config::load(conf.path(), &secrets.into_iter().collect()).unwrap();
    assert_eq!(copied, 4);
    assert!(config.notices.is_empty(), "{:#?}", config.notices);
    assert!(config.provider("EntraId").unwrap().is_enabled());
    assert_eq!(config.identity_server.clients.len(), 2);
    assert_eq!(config.identity_server.issuer.as_deref(), Some("https://id.example.test"));
}
