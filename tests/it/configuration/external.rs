//! External providers of the identity server, as their plugins' files name them.

use vestibule::config::Config;
use vestibule::config::NoticeKind;
use vestibule::config::model::ClientAuthentication;
use vestibule::config::model::OAuth2;
use vestibule::config::model::OpenIdConnect;
use vestibule::config::model::Protocol;
use vestibule::config::model::ProviderState;
use vestibule::config::model::ResponseType;
use vestibule::config::model::Tenants;

use crate::configuration::load;

const TENANT: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";

fn with(element: &str, keys: &str) -> Config {
    let text = format!(
        "<Settings><Sitecore><ExternalIdentityProviders><IdentityProviders>\n<{element}>{keys}</{element}>\n</IdentityProviders></ExternalIdentityProviders></Sitecore></Settings>"
    );
    load(&[("identity/a.xml", &text)]).unwrap()
}

fn why_off(config: &Config) -> &str {
    match &config.identity_server.external_providers[0].state {
        ProviderState::Broken(why) => why,
        other => panic!("{other:?}"),
    }
}

fn openid(config: &Config) -> &OpenIdConnect {
    match &config.identity_server.external_providers[0].protocol {
        Protocol::OpenIdConnect(connection) => connection,
        other => panic!("{other:?}: {:#?}", config.notices),
    }
}

fn plain(config: &Config) -> &OAuth2 {
    match &config.identity_server.external_providers[0].protocol {
        Protocol::OAuth2(connection) => connection,
        other => panic!("{other:?}: {:#?}", config.notices),
    }
}

const SECRET: &str = "<ClientId>c</ClientId><ClientSecret>s</ClientSecret>";

#[test]
fn a_plugin_is_known_by_its_name_or_by_a_key_that_only_it_has() {
    for (element, keys, issuer) in [
        ("Google", "", "https://accounts.google.com"),
        ("Okta", "<OktaDomain>https://c.okta.com</OktaDomain>", "https://c.okta.com"),
        (
            "Login",
            "<OktaDomain>c.okta.com</OktaDomain><AuthorizationServerId>default</AuthorizationServerId>",
            "https://c.okta.com/oauth2/default",
        ),
        ("Auth0", "<Domain>c.eu.auth0.com</Domain>", "https://c.eu.auth0.com/"),
        ("AdFs", "<Domain>fs.example.test</Domain>", "https://fs.example.test/adfs"),
        ("Keycloak", "<Realm>https://k.test/realms/a</Realm>", "https://k.test/realms/a"),
    ] {
        assert_eq!(openid(&with(element, &format!("{SECRET}{keys}"))).issuer, issuer, "{element}");
    }
    for (element, callback, host, authentication, pkce) in [
        ("GitHub", "/signin-github", "github.com", ClientAuthentication::Post, true),
        ("LinkedIn", "/signin-linkedin", "www.linkedin.com", ClientAuthentication::Post, false),
        ("Twitter", "/signin-twitter", "api.x.com", ClientAuthentication::Basic, true),
        ("X", "/signin-twitter", "api.x.com", ClientAuthentication::Basic, true),
        ("Facebook", "/signin-facebook", "graph.facebook.com", ClientAuthentication::Post, true),
    ] {
        let config = with(element, SECRET);
        let connection = plain(&config);
        assert_eq!(connection.callback_path, callback, "{element}");
        assert_eq!(connection.token_endpoint.host_str(), Some(host), "{element}");
        assert_eq!((connection.client_authentication, connection.pkce), (authentication, pkce));
    }
    let own = with("Google", &format!("{SECRET}<HostedDomain>example.test</HostedDomain>"));
    assert_eq!(openid(&own).hosted_domain.as_deref(), Some("example.test"));
}

#[test]
fn what_is_missing_switches_the_provider_off_at_its_line() {
    for (element, keys, why) in [
        ("GitHub", "<ClientId>c</ClientId>", "the client secret is missing"),
        (
            "Facebook",
            "<AppId>4711</AppId>\n<AppSecret></AppSecret>",
            "the client secret is missing",
        ),
        (
            "Facebook",
            "<AppId>{Place AppId here}</AppId><AppSecret>s</AppSecret>",
            "the client id is missing",
        ),
        (
            "Google",
            "<ClientId>c</ClientId><ClientSecret></ClientSecret>",
            "the client secret is missing",
        ),
        (
            "AzureAd",
            "<ClientId>c</ClientId><TenantId>contoso.test</TenantId><ClientSecret></ClientSecret>",
            "the client secret is missing",
        ),
        ("AzureAd", "<ClientId>c</ClientId>", "the preset entra needs `tenant`"),
        ("Auth0", SECRET, "the preset auth0 needs `domain`"),
        (
            "Twitter",
            "<ConsumerKey>k</ConsumerKey><ConsumerSecret>s</ConsumerSecret>",
            "its keys are those of OAuth 1.0a, which is not served",
        ),
        ("Other", SECRET, "nothing says where the provider is"),
    ] {
        let config = with(element, keys);
        assert_eq!(why_off(&config), why, "{element} {keys}");
        let told =
            config.notices.iter().find(|n| n.to_string().contains(&format!("`{element}` is off")));
        assert!(told.is_some_and(|n| n.kind == NoticeKind::Disable), "{:#?}", config.notices);
    }
    let config = with("Facebook", "<AppId>4711</AppId>\n<AppSecret></AppSecret>");
    assert!(
        config.notices.iter().any(|n| n.to_string().contains("a.xml:3")),
        "{:#?}",
        config.notices
    );
}

#[test]
fn entra_id_is_one_tenant_by_id_or_domain_in_its_older_or_newer_form() {
    let azure = |keys: &str| with("AzureAd", &format!("<ClientId>c</ClientId>{keys}"));
    let metadata = |path: &str| {
        azure(&format!(
            "<MetadataAddress>https://login.microsoftonline.com/{path}/.well-known/openid-configuration</MetadataAddress>"
        ))
    };
    let pattern = |v: &str| match v {
        "v1" => "https://sts.windows.net/{tenantid}/".to_owned(),
        _ => "https://login.microsoftonline.com/{tenantid}/v2.0".to_owned(),
    };
    let exact = |v: &str| pattern(v).replace("{tenantid}", TENANT);
    for (config, issuer, address) in [
        (azure(&format!("<TenantId>{TENANT}</TenantId>")), exact("v2"), None),
        (azure("<TenantId>contoso.test</TenantId>"), pattern("v2"), Some("contoso.test/v2.0")),
        (metadata(&format!("{TENANT}/v2.0")), exact("v2"), Some(&*format!("{TENANT}/v2.0"))),
        (metadata(TENANT), exact("v1"), Some(TENANT)),
        (metadata("contoso.test"), pattern("v1"), Some("contoso.test")),
    ] {
        let connection = openid(&config);
        let address = address.map(|at| {
            format!("https://login.microsoftonline.com/{at}/.well-known/openid-configuration")
        });
        assert_eq!(connection.issuer, issuer);
        assert_eq!(connection.metadata_address.as_ref().map(ToString::to_string), address);
        assert_eq!(
            (&connection.tenants, connection.response_type),
            (&Tenants::One, ResponseType::IdToken)
        );
    }
    for everybodys in
        [azure("<TenantId>common</TenantId>"), metadata("organizations/v2.0"), metadata("common")]
    {
        assert!(why_off(&everybodys).contains("would admit every organisation's people"));
    }
    let secret = azure(&format!("<TenantId>{TENANT}</TenantId><ClientSecret>s</ClientSecret>"));
    assert_eq!(openid(&secret).response_type, ResponseType::Code);
}

#[test]
fn a_forgotten_mail_address_is_told_with_the_rule_to_add() {
    let told = |config: &Config| -> Vec<String> {
        let notices = config.notices.iter().map(ToString::to_string);
        notices.filter(|n| n.contains("sets the claim email")).collect()
    };
    let azure = format!("<ClientId>c</ClientId><TenantId>{TENANT}</TenantId>");
    let lint = told(&with("AzureAd", &azure));
    assert!(lint[0].contains("a.xml:2") && lint[0].contains("identity/claims/upn"), "{lint:?}");
    assert!(lint[0].contains("<Claim1 type=\"email\" />"), "{lint:?}");
    assert!(told(&with("Google", SECRET))[0].contains("identity/claims/emailaddress"));
    let rule = "<ClaimsTransformations><R><SourceClaims><C type=\"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn\" /></SourceClaims><NewClaims><C type=\"email\" /></NewClaims></R></ClaimsTransformations>";
    assert!(told(&with("AzureAd", &format!("{azure}{rule}"))).is_empty());
    assert!(told(&with("AzureAd", &format!("{azure}<Enabled>false</Enabled>"))).is_empty());
}
