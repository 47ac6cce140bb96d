//! Providers, connections, transformations.

use vestibule::config;
use vestibule::config::NoticeKind;
use vestibule::config::model::ProviderState;

use super::noticed;
use super::refused;
use super::with;

#[test]
fn n310_a_misspelt_switch_of_a_provider_switches_it_off() {
    let typo = "<federatedAuthentication><identityProviders><identityProvider id=\"SitecoreIdentityServer\">\n<enabeld>false</enabeld></identityProvider></identityProviders></federatedAuthentication>";
    let config = with(typo);
    let state = &config.provider("SitecoreIdentityServer").unwrap().state;
    assert_eq!(*state, ProviderState::Broken("a provider has no child <enabeld>".to_owned()));
    assert_eq!(noticed(typo, "did you mean <enabled>?"), NoticeKind::Disable);
    let wrong = typo.replace("enabeld", "enabled").replace("false", "flase");
    assert_eq!(noticed(&wrong, "<enabled>flase</enabled> cannot be read"), NoticeKind::Disable);
    let empty = wrong.replace("flase", "");
    assert_eq!(noticed(&empty, "<enabled></enabled> cannot be read"), NoticeKind::Disable);
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
        ("preset=\"github\"", "the client secret is missing"),
        ("protocol=\"oauth2\" clientSecret=\"s\"", "plain OAuth 2.0 needs `authorizationEndpoint`"),
        (
            "preset=\"entra\" tenant=\"common\" tenants=\"contoso.test\"",
            "`contoso.test` is not the id of a tenant",
        ),
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

/// A provider with one rule of its own, whose sources and targets begin on line 4.
fn ruled(rule: &str) -> String {
    format!(
        "<federatedAuthentication><identityProviders><identityProvider id=\"SitecoreIdentityServer\"><transformations hint=\"list:AddTransformation\"><transformation name=\"mine\" type=\"Sitecore.Owin.Authentication.Services.DefaultTransformation, Sitecore.Owin.Authentication\">\n{rule}</transformation></transformations></identityProvider></identityProviders></federatedAuthentication>"
    )
}

#[test]
fn n310_a_claim_whose_value_is_misspelt_is_not_one_of_any_value() {
    for slip in ["vaule", "Value", "valeu"] {
        let text = ruled(&format!(
            "<sources><claim name=\"group\" {slip}=\"1\" /></sources><targets><claim name=\"role\" value=\"sitecore\\A\" /></targets>"
        ));
        let part = format!(
            ":4: the provider `SitecoreIdentityServer` is off: <claim> has no attribute `{slip}`"
        );
        assert_eq!(noticed(&text, &part), NoticeKind::Disable);
        assert!(!with(&text).provider("SitecoreIdentityServer").unwrap().is_enabled());
    }
    let sources = "<sources><claim name=\"group\" value=\"1\" /></sources>";
    for (rule, part) in [
        (
            format!("{sources}{sources}"),
            ":4: the provider `SitecoreIdentityServer` is off: <sources> is written twice",
        ),
        (format!("{sources}<keepSourc>true</keepSourc>"), "did you mean <keepSource>?"),
        (
            "<sources><claim name=\"group\"><value>1</value></claim></sources>".to_owned(),
            "what stands inside <claim> means nothing",
        ),
    ] {
        assert_eq!(noticed(&ruled(&rule), part), NoticeKind::Disable);
    }
    let map = |data: &str| {
        format!(
            "<federatedAuthentication><propertyInitializer><maps><map name=\"mine\" type=\"Sitecore.Owin.Authentication.Services.DefaultClaimToPropertyMapper, Sitecore.Owin.Authentication\">\n<data hint=\"raw:SetData\">{data}</data></map></maps></propertyInitializer></federatedAuthentication>"
        )
    };
    let target = "<target name=\"IsAdministrator\" value=\"true\" />";
    let misspelt = map(&format!("<source name=\"group\" vaule=\"1\" />{target}"));
    assert_eq!(
        noticed(&misspelt, ":4: a property map is off: <source> has no attribute `vaule`"),
        NoticeKind::Disable
    );
    assert_eq!(with(&misspelt).property_maps.len(), 3);
    let twice = map(&format!("<source name=\"a\" /><source name=\"b\" value=\"1\" />{target}"));
    assert_eq!(
        noticed(&twice, ":4: a property map is off: <source> is written twice"),
        NoticeKind::Disable
    );
}

#[test]
fn n310_a_rule_that_holds_something_unresolved_is_live_nowhere() {
    let rule = "<mine name=\"mine\" type=\"Sitecore.Owin.Authentication.Services.DefaultTransformation, Sitecore.Owin.Authentication\"><sources hint=\"raw:AddSource\">\n<claim name=\"group\" value=\"$(env:ADMINS)\" /></sources></mine>";
    let shared = format!(
        "<federatedAuthentication><sharedTransformations>{rule}</sharedTransformations></federatedAuthentication>"
    );
    assert_eq!(
        noticed(&shared, ":4: every provider is off, because a transformation holds $(env:ADMINS)"),
        NoticeKind::Disable
    );
    let elsewhere = format!(
        "<elsewhere>{rule}</elsewhere><federatedAuthentication><identityProviders><identityProvider id=\"SitecoreIdentityServer\"><transformations hint=\"list:AddTransformation\"><transformation name=\"a\" ref=\"elsewhere/mine\" /></transformations></identityProvider></identityProviders></federatedAuthentication>"
    );
    assert_eq!(
        noticed(
            &elsewhere,
            ":4: the provider `SitecoreIdentityServer` is off: a transformation holds $(env:ADMINS)"
        ),
        NoticeKind::Disable
    );
}

#[test]
fn a_provider_cannot_be_called_like_the_local_users() {
    let named = "<federatedAuthentication><identityProviders><identityProvider id=\"LocalAuthority\" type=\"Sitecore.Owin.Authentication.Configuration.DefaultIdentityProvider, Sitecore.Owin.Authentication\"><domain>sitecore</domain></identityProvider></identityProviders></federatedAuthentication><gateway><connections><connection provider=\"LocalAuthority\" clientId=\"c\" authority=\"https://p.test\" /></connections></gateway>";
    assert_eq!(
        noticed(named, "the provider `LocalAuthority` is off: its people would pass"),
        NoticeKind::Disable
    );
    assert!(!with(named).provider("LocalAuthority").unwrap().is_enabled());
}

#[test]
fn h175_several_clients_of_one_issuer_share_a_callback_path_without_harm() {
    let conf = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let environment = [("CONFORMANCE_CA", "ca.pem")].into_iter().collect();
    let loaded = config::load(&conf, &environment).unwrap();
    let shares = |provider: &std::sync::Arc<config::model::Provider>| {
        let config::model::Protocol::OpenIdConnect(connection) = &provider.protocol else {
            return None;
        };
        let ours = provider.name.starts_with("Conformance");
        ours.then_some((provider.is_enabled(), connection.shares_callback))
    };
    let found: Vec<_> = loaded.providers.iter().filter_map(shares).collect();
    assert_eq!(found, [(true, false); 4]);
}

#[test]
fn what_goes_by_the_identity_servers_name_is_no_preset() {
    let more = "<gateway><connections><connection provider=\"SitecoreIdentityServer\" preset=\"google\" clientId=\"c\" clientSecret=\"s\" /></connections></gateway>";
    let config = with(more);
    assert!(!config.provider("SitecoreIdentityServer").unwrap().is_enabled());
    let said = format!("{:?}", config.notices);
    assert!(
        said.contains("google would be believed like an identity server of your own"),
        "{said}"
    );
}

#[test]
fn m295_the_identity_server_vouches_for_no_addresses() {
    let connection = |provider: &str| {
        format!(
            "<gateway><connections>\n<connection provider=\"{provider}\" clientId=\"c\" authority=\"https://p.test\" authoritativeFor=\"company.test\" /></connections></gateway>"
        )
    };
    let expected = "4: authoritativeFor of `SitecoreIdentityServer` would believe every provider behind it on addresses; map the provider";
    refused(&connection("SitecoreIdentityServer"), expected);
    let declared = "<federatedAuthentication><identityProviders><identityProvider id=\"P\" type=\"Sitecore.Owin.Authentication.Configuration.DefaultIdentityProvider, Sitecore.Owin.Authentication\"><domain>sitecore</domain></identityProvider></identityProviders></federatedAuthentication>";
    let config = with(&format!("{}{declared}", connection("P")));
    assert_eq!(config.provider("P").unwrap().authoritative_for, ["company.test"]);
}

#[test]
fn a_subprovider_was_before_whatever_its_gateway_was() {
    let inner = "<federatedAuthentication><identityProviders><identityProvider id=\"SitecoreIdentityServer/IdS4-AzureAd\" type=\"Sitecore.Owin.Authentication.Configuration.DefaultIdentityProvider, Sitecore.Owin.Authentication\" /></identityProviders></federatedAuthentication>";
    let former = "<gateway><connections><connection provider=\"SitecoreIdentityServer\" formerIssuers=\"https://old.test|https://older.test\" /></connections></gateway>";
    let config = with(&format!("{inner}{former}"));
    let provider = config.provider("SitecoreIdentityServer/IdS4-AzureAd").unwrap();
    assert_eq!(provider.former_issuers, ["https://old.test", "https://older.test"]);
}
