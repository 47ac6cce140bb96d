//! Resources and options of the identity server, as IdentityServer4 has them.

use std::time::Duration;

use vestibule::config::Config;
use vestibule::config::model::identity_server::AccessTokenProfile;
use vestibule::config::model::identity_server::Endpoints;
use vestibule::config::model::identity_server::Resource;

use super::load;

fn read(inside: &str) -> Result<Config, Vec<String>> {
    let text = format!(
        "<Settings><Sitecore><IdentityServer>\n{inside}\n</IdentityServer></Sitecore></Settings>"
    );
    load(&[("identity/a.xml", &text)])
}

fn named<'r>(resources: &'r [Resource], name: &str) -> &'r Resource {
    resources.iter().find(|resource| resource.name == name).unwrap()
}

#[test]
fn the_base_ships_the_scopes_of_openid_connect_and_of_the_cms() {
    let server = read("").unwrap().identity_server;
    let names = |list: &[Resource]| list.iter().map(|r| r.name.clone()).collect::<Vec<_>>();
    assert_eq!(
        names(&server.identity_resources),
        ["openid", "profile", "email", "address", "phone", "sitecore.profile"]
    );
    assert_eq!(names(&server.api_resources), ["sitecore.profile.api"]);
    assert_eq!(names(&server.api_scopes), ["sitecore.profile.api"]);
    let five = [
        "name",
        "email",
        "role",
        "http://www.sitecore.net/identity/claims/isAdmin",
        "http://www.sitecore.net/identity/claims/originalIssuer",
    ];
    let profile = named(&server.identity_resources, "sitecore.profile");
    assert_eq!(profile.user_claims, five);
    assert!(profile.required);
    let api = named(&server.api_resources, "sitecore.profile.api");
    assert_eq!(api.user_claims, five);
    assert_eq!(api.display_name, "Sitecore API");
    assert_eq!(api.scopes, ["sitecore.profile.api"]);
}

#[test]
fn apis_own_scopes_by_name_by_shape_or_of_their_own() {
    let server = read(
        r"<ApiResources>
<Orders><Name>orders</Name><UserClaims><U1>role</U1></UserClaims><AccessTokenProfile>rfc9068</AccessTokenProfile>
  <ApiSecrets><S1><Value>s</Value></S1></ApiSecrets>
  <AllowedAccessTokenSigningAlgorithms><A1>ES256</A1></AllowedAccessTokenSigningAlgorithms>
  <Scopes><S1>orders.read</S1><S2><Name>orders.write</Name><DisplayName>Change orders</DisplayName><Emphasize>true</Emphasize><Required>1</Required><UserClaims><U1>email</U1></UserClaims></S2></Scopes></Orders>
<Stock><Name>stock</Name><ShowInDiscoveryDocument>false</ShowInDiscoveryDocument></Stock>
<Gone><Name>gone</Name><Enabled>false</Enabled></Gone>
</ApiResources>
<ApiScopes><Read><Name>orders.read</Name><DisplayName>See orders</DisplayName></Read></ApiScopes>",
    )
    .unwrap()
    .identity_server;
    let orders = named(&server.api_resources, "orders");
    assert_eq!(orders.scopes, ["orders.read", "orders.write"]);
    assert_eq!(orders.access_token_profile, AccessTokenProfile::Rfc9068);
    assert_eq!(orders.algorithms, ["ES256"]);
    assert!(orders.secrets.len() == 1 && orders.secrets[0].value.matches("s"));
    let (read, write) =
        (named(&server.api_scopes, "orders.read"), named(&server.api_scopes, "orders.write"));
    assert_eq!(read.display_name, "See orders");
    assert!(!read.emphasize && write.emphasize && write.required);
    assert_eq!(
        (write.display_name.as_str(), &*write.user_claims),
        ("Change orders", &["email".to_owned()][..])
    );
    let stock = named(&server.api_scopes, "stock");
    assert!(!stock.shown && !named(&server.api_resources, "stock").shown);
    assert!(!server.api_resources.iter().chain(&server.api_scopes).any(|r| r.name == "gone"));
}

#[test]
fn options_are_as_in_identityserver4_until_they_are_written() {
    let options = read("").unwrap().identity_server.options;
    let all = Endpoints {
        authorize: true,
        token: true,
        userinfo: true,
        discovery: true,
        end_session: true,
        check_session: true,
        revocation: true,
        introspection: true,
        device_authorization: true,
        pushed_authorization: true,
        request_uri: false,
    };
    assert_eq!(options.endpoints, all);
    assert!(options.lower_case_issuer && !options.static_audience && !options.scopes_as_string);
    assert_eq!(options.discovery.cache, None);
    assert_eq!(options.clock_skew, Duration::from_mins(5));
    assert_eq!(options.sso_lifetime, Duration::from_hours(10));
    assert_eq!(options.remembered_lifetime, Duration::from_hours(720));
    assert_eq!(options.device_interval, Duration::from_secs(5));

    let options = read(
        "<LowerCaseIssuerUri>false</LowerCaseIssuerUri><EmitStaticAudienceClaim>true</EmitStaticAudienceClaim>
<EmitScopesAsSpaceDelimitedStringInJwt>true</EmitScopesAsSpaceDelimitedStringInJwt><StrictJARValidation>true</StrictJARValidation>
<JwtValidationClockSkew>00:02:00</JwtValidationClockSkew>
<Authentication><CookieLifetime>08:00:00</CookieLifetime></Authentication>
<AccountOptions><RememberMeLoginDuration>14.00:00:00</RememberMeLoginDuration></AccountOptions>
<DeviceFlow><Interval>10</Interval></DeviceFlow>
<Endpoints><EnableIntrospectionEndpoint>false</EnableIntrospectionEndpoint><EnableJwtRequestUri>true</EnableJwtRequestUri></Endpoints>
<Discovery><ShowClaims>false</ShowClaims><ResponseCacheInterval>0</ResponseCacheInterval>
<CustomEntries><my_setting>foo</my_setting><docs>~/docs</docs></CustomEntries></Discovery>",
    )
    .unwrap()
    .identity_server
    .options;
    assert_eq!(options.endpoints, Endpoints { introspection: false, request_uri: true, ..all });
    assert!(!options.lower_case_issuer && options.static_audience && options.scopes_as_string);
    assert!(options.strict_request_objects);
    assert!(!options.discovery.claims && options.discovery.grant_types);
    assert_eq!(options.discovery.cache, Some(Duration::ZERO));
    let entries = [("my_setting", "foo"), ("docs", "~/docs")];
    assert_eq!(
        options.discovery.custom_entries,
        entries.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!((options.clock_skew.as_secs(), options.sso_lifetime.as_secs()), (120, 28_800));
    assert_eq!(
        (options.remembered_lifetime.as_secs(), options.device_interval.as_secs()),
        (1_209_600, 10)
    );
}

#[test]
fn a_misspelt_switch_of_an_endpoint_is_a_fault_for_it_would_stay_on() {
    let faults = read("<Endpoints><EnableIntrospectEndpoint>false</EnableIntrospectEndpoint></Endpoints>\n<Discovery><ShowClaim>false</ShowClaim></Discovery>\n<DeviceFlow><Interval>0</Interval></DeviceFlow>").unwrap_err();
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert!(faults[0].contains("a.xml:3: there is no key <ShowClaim>; did you mean <ShowClaims>?"));
    assert!(faults[1].contains("a.xml:4: <Interval>0</Interval> cannot be read"));
}

#[test]
fn a_derived_issuer_is_lower_case_and_a_written_one_stays() {
    let issuer = |inside: &str| read(inside).unwrap().identity_server.issuer.unwrap();
    assert_eq!(
        issuer("<PublicOrigin>https://ID.Contoso.test/</PublicOrigin>"),
        "https://id.contoso.test"
    );
    assert_eq!(
        issuer(
            "<PublicOrigin>https://ID.Contoso.test</PublicOrigin><LowerCaseIssuerUri>false</LowerCaseIssuerUri>"
        ),
        "https://ID.Contoso.test"
    );
    assert_eq!(issuer("<IssuerUri>https://ID.Contoso.test</IssuerUri>"), "https://ID.Contoso.test");
}

#[test]
fn bearer_tokens_are_taken_as_the_cms_s_processor_says() {
    let patched = |inside: &str| {
        super::with(&format!(
            r#"<pipelines><owin.initialize><processor type="Sitecore.Owin.Authentication.IdentityServer.Pipelines.Initialize.JwtBearerAuthentication, Sitecore.Owin.Authentication.IdentityServer" resolve="true">{inside}</processor></owin.initialize></pipelines>"#
        ))
    };
    let rules = patched("").bearer.unwrap();
    assert_eq!(&*rules.provider, "SitecoreIdentityServer");
    assert_eq!(rules.audiences, ["https://id.localhost:8443/resources", "sitecore.profile.api"]);
    assert_eq!(rules.issuers, ["https://id.localhost:8443"]);
    let more =
        patched(r#"<audiences hint="raw:AddAudience"><audience value="orders" /></audiences>"#);
    assert!(more.bearer.unwrap().audiences.contains(&"orders".to_owned()));
    let wrong = patched("<identityProviderName>Nobody</identityProviderName>");
    assert!(wrong.bearer.is_none());
    let told = "no site takes a bearer token: `Nobody` is no provider";
    assert!(wrong.notices.iter().any(|n| n.to_string().contains(told)), "{:#?}", wrong.notices);
}
