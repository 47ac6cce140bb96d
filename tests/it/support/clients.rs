//! Who knows the house: clients of every kind, two APIs, Jane and Bob, and the provider `Partner`.

use std::fmt::Write;
use std::sync::OnceLock;

use vestibule::crypto::password;
use vestibule::crypto::secret::Secret;

use crate::support::provider::CLIENT_ID;
use crate::support::provider::CLIENT_SECRET;
use crate::support::provider::FakeProvider;

/// The password of Jane and of Bob.
pub(crate) const PASSWORD: &str = "correct horse battery staple";
/// The host of every client's redirect URI; nobody listens there.
pub(crate) const CLIENT_HOST: &str = "rp.localhost";

/// The usual `<Settings>` document, with `more` clients, which stand in place of usual ones of the
/// same id.
pub(crate) fn settings(more: &str) -> String {
    let id = |text: &str| {
        text.split("</ClientId>").next().unwrap().rsplit('>').next().unwrap().to_owned()
    };
    let other = |usual: &String| !more.contains(&format!("<ClientId>{}</ClientId>", id(usual)));
    let clients = clients().into_iter().filter(other).collect::<Vec<_>>().concat();
    format!(
        "<Settings><Sitecore>\n<IdentityServer>\n<Clients>\n{clients}{more}</Clients>\n{RESOURCES}\
         </IdentityServer>\n{PARTNER}</Sitecore></Settings>\n"
    )
}

/// One client of every kind.
fn clients() -> Vec<String> {
    vec![
        client("web", "authorization_code", "<AllowOfflineAccess>true</AllowOfflineAccess>"),
        client("other", "authorization_code", "<AllowOfflineAccess>true</AllowOfflineAccess>"),
        client("strict", "authorization_code", "<RequirePkce>true</RequirePkce>"),
        client(
            "public",
            "authorization_code",
            "<RequireClientSecret>false</RequireClientSecret><RequirePkce>true</RequirePkce><AllowOfflineAccess>true</AllowOfflineAccess><AllowedCorsOrigins><O1>https://rp.localhost</O1></AllowedCorsOrigins>",
        ),
        client("hybrid", "hybrid", "<AllowOfflineAccess>true</AllowOfflineAccess>"),
        client(
            "hybrid-tokens",
            "hybrid",
            "<AllowAccessTokensViaBrowser>true</AllowAccessTokensViaBrowser>",
        ),
        client("implicit", "implicit", ""),
        client(
            "implicit-tokens",
            "implicit",
            "<AllowAccessTokensViaBrowser>true</AllowAccessTokensViaBrowser>",
        ),
        client(
            "machine",
            "client_credentials",
            "<AllowedScopes><S1>api1</S1><S2>api2</S2></AllowedScopes>",
        ),
        client("password", "password", "<AllowOfflineAccess>true</AllowOfflineAccess>"),
        client(
            "device",
            "urn:ietf:params:oauth:grant-type:device_code",
            "<AllowOfflineAccess>true</AllowOfflineAccess>",
        ),
        client(
            "reference",
            "authorization_code",
            "<AccessTokenType>1</AccessTokenType><AllowOfflineAccess>true</AllowOfflineAccess>",
        ),
        client(
            "consent",
            "authorization_code",
            "<RequireConsent>true</RequireConsent><AllowOfflineAccess>true</AllowOfflineAccess>",
        ),
    ]
}

/// A `<Clients>` entry: a client that may use `grants` (words), with the usual redirect URI, secret
/// and scopes; `keys` are further keys, and stand in place of usual ones of the same name.
pub(crate) fn client(id: &str, grants: &str, keys: &str) -> String {
    let mut text = String::new();
    let public = keys.contains("<RequireClientSecret>false");
    let secret = secret(id);
    let redirect_uri = redirect_uri(id);
    let usual = [
        ("ClientName", format!("The application {id}")),
        ("AllowedGrantTypes", numbered(&grants.split(' ').collect::<Vec<_>>())),
        ("ClientSecrets", if public { String::new() } else { numbered(&[&secret]) }),
        ("RedirectUris", numbered(&[&redirect_uri])),
        ("RequirePkce", "false".to_owned()),
        (
            "AllowedScopes",
            numbered(&["openid", "profile", "email", "address", "phone", "api1", "api2"]),
        ),
    ];
    let name = id.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    write!(text, "<{name}><ClientId>{id}</ClientId>").unwrap();
    for (key, value) in usual {
        let written = keys.contains(&format!("<{key}>"));
        if !written && !value.is_empty() {
            write!(text, "<{key}>{value}</{key}>").unwrap();
        }
    }
    writeln!(text, "{keys}</{name}>").unwrap();
    text
}

/// The redirect URI of `client`.
pub(crate) fn redirect_uri(client: &str) -> String {
    format!("https://{CLIENT_HOST}/{client}/callback")
}

/// The secret of `client`.
pub(crate) fn secret(client: &str) -> String {
    format!("{client}-secret-0123456789")
}

fn numbered(values: &[&str]) -> String {
    let item = |(n, value)| format!("<N{n}>{value}</N{n}>");
    values.iter().enumerate().map(item).collect::<Vec<_>>().concat()
}

const RESOURCES: &str = "<ApiResources>
<Api1><Name>api1</Name><DisplayName>The first API</DisplayName>
  <ApiSecrets><S1>api1-secret-0123456789</S1></ApiSecrets></Api1>
<Api2><Name>api2</Name><DisplayName>The second API</DisplayName>
  <ApiSecrets><S1>api2-secret-0123456789</S1></ApiSecrets></Api2>
</ApiResources>
";

const PARTNER: &str = r#"<ExternalIdentityProviders><IdentityProviders>
<Partner type="Sitecore.Plugin.IdentityProviders.IdentityProvider, Sitecore.Plugin.IdentityProviders">
  <AuthenticationScheme>Partner</AuthenticationScheme><DisplayName>Our partner</DisplayName>
</Partner>
</IdentityProviders></ExternalIdentityProviders>
"#;

/// What the house patches inside `<sitecore>`: the external provider and the local users.
pub(crate) fn usual_patch(idp: &FakeProvider) -> String {
    static HASH: OnceLock<String> = OnceLock::new();
    let hash = HASH.get_or_init(|| password::hash(&Secret::new(PASSWORD)).unwrap());
    let issuer = &idp.issuer;
    format!(
        r#"<gateway>
<users set:store="" />
<connections><connection provider="Partner" authority="{issuer}" clientId="{CLIENT_ID}" clientSecret="{CLIENT_SECRET}" scopes="openid profile email" requireHttpsMetadata="false" /></connections>
<localUsers>
<user name="sitecore\jane" email="jane@example.test" fullName="Jane Doe" passwordHash="{hash}" roles="sitecore\Author|sitecore\Designer">
{JANE}</user>
<user name="sitecore\bob" passwordHash="{hash}" />
</localUsers>
</gateway>
"#
    )
}

/// Every standard claim (OpenID Connect Core §5.1) that the user's own attributes do not give.
const JANE: &str = r#"<claim name="given_name" value="Jane" />
<claim name="family_name" value="Doe" />
<claim name="middle_name" value="Q" />
<claim name="nickname" value="jj" />
<claim name="preferred_username" value="jane" />
<claim name="profile" value="https://example.test/jane" />
<claim name="picture" value="https://example.test/jane.png" />
<claim name="website" value="https://jane.example.test" />
<claim name="gender" value="female" />
<claim name="birthdate" value="1980-02-29" />
<claim name="zoneinfo" value="Europe/Copenhagen" />
<claim name="locale" value="da-DK" />
<claim name="updated_at" value="1700000000" />
<claim name="email_verified" value="true" />
<claim name="phone_number" value="+45 1234 5678" />
<claim name="phone_number_verified" value="true" />
<claim name="address" value="{&quot;street_address&quot;:&quot;Storgade 1&quot;,&quot;locality&quot;:&quot;Odense&quot;,&quot;country&quot;:&quot;Denmark&quot;}" />
"#;
