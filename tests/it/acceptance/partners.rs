//! External providers for the federation's tests: file entries, connections, and sign-ins by them.

use serde_json::Value;

use crate::acceptance::house;
use crate::acceptance::house::House;
use crate::acceptance::house::client;
use crate::support::html;
use crate::support::provider::CLIENT_ID;
use crate::support::provider::CLIENT_SECRET;
use crate::support::provider::FakeProvider;
use crate::support::wire::Answer;

const PLUGIN: &str = "Sitecore.Plugin.IdentityProviders";

/// An external provider's file entry.
pub(crate) fn external(scheme: &str, keys: &str) -> String {
    format!(
        "<{scheme} type=\"{PLUGIN}.IdentityProvider, {PLUGIN}\"><AuthenticationScheme>{scheme}</AuthenticationScheme>{keys}</{scheme}>"
    )
}

/// A rule of an external provider.
pub(crate) fn rule(name: &str, sources: &str, targets: &str) -> String {
    format!(
        "<{name} type=\"{PLUGIN}.DefaultClaimsTransformation, {PLUGIN}\"><SourceClaims>{sources}</SourceClaims><NewClaims>{targets}</NewClaims></{name}>"
    )
}

/// The usual settings with these further clients, external providers and keys of the server.
pub(crate) fn settings(clients: &str, externals: &str, server: &str) -> String {
    house::settings(clients)
        .replace("</IdentityProviders>", &format!("{externals}</IdentityProviders>"))
        .replace("</IdentityServer>", &format!("{server}</IdentityServer>"))
}

/// A connection of `scheme` to `idp`.
pub(crate) fn connection(scheme: &str, idp: &FakeProvider, more: &str) -> String {
    let issuer = &idp.issuer;
    format!(
        "<gateway><connections><connection provider=\"{scheme}\" authority=\"{issuer}\" clientId=\"{CLIENT_ID}\" clientSecret=\"{CLIENT_SECRET}\" requireHttpsMetadata=\"false\" {more} /></connections></gateway>"
    )
}

/// With a second provider `Second` beside `Partner`, at the same issuer.
pub(crate) async fn with_two(clients: &str, server: &str) -> House {
    let house = House::with(clients, "").await;
    let second = external("Second", "<DisplayName>Another way</DisplayName>");
    let patch = connection("Second", &house.idp, "");
    house.reload(&settings(clients, &second, server), &patch).await;
    house
}

/// Rules for `Partner`.
pub(crate) async fn with_rules(rules: &str) -> House {
    let house = House::start().await;
    let rules = format!("<ClaimsTransformations>{rules}</ClaimsTransformations></Partner>");
    let everything = "<IdentityResources><Everything><Name>everything</Name><UserClaims><C1>role</C1><C2>groups</C2><C3>http://www.sitecore.net/identity/claims/isAdmin</C3><C4>department</C4><C5>one</C5><C6>two</C6><C7>sub</C7><C8>idp</C8><C9>http://www.sitecore.net/identity/claims/originalIssuer</C9></UserClaims></Everything></IdentityResources>";
    let all = client(
        "all",
        "authorization_code",
        "<AllowedScopes><S1>openid</S1><S2>profile</S2><S3>email</S3><S4>everything</S4></AllowedScopes>",
    );
    house.reload(&settings(&all, "", everything).replace("</Partner>", &rules), "").await;
    house
}

/// Signs in at `scheme` for `client`; the ID token's claims and those of userinfo.
pub(crate) async fn claims_of(
    house: &House,
    scheme: &str,
    client: &str,
    scope: &str,
) -> (Value, Value) {
    let mut browser = house.browser();
    let idp = format!("idp:{scheme}");
    let more = [("acr_values", idp.as_str()), ("scope", scope)];
    let reply = house.ask(&mut browser, client, &more).await.reply();
    let tokens = house.redeem(client, reply.sent("code")).await.json();
    let (_, claims) = house.verified(tokens["id_token"].as_str().unwrap()).await;
    let userinfo = house.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    (claims, userinfo)
}

/// The captions of the buttons that lead to external providers.
pub(crate) fn buttons(page: &Answer) -> Vec<String> {
    let forms = html::forms(&page.text());
    let external = forms.into_iter().filter(|form| form.action.contains("externallogin"));
    let captions = ["Our partner", "Another way", "Gone"];
    let caption =
        |inner: &str| captions.iter().find(|c| inner.contains(**c)).map(|c| (*c).to_owned());
    external.filter_map(|form| caption(&form.inner)).collect()
}

pub(crate) fn is_sign_in(page: &Answer) -> bool {
    page.text().contains("id=\"sign-in\"")
}
