//! FED: what becomes of the claims of an external provider.

use serde_json::json;

use crate::acceptance::partners::claims_of;
use crate::acceptance::partners::rule;
use crate::acceptance::partners::with_rules;
use crate::support::provider;

#[tokio::test]
async fn fed13_rules_match_values_all_of_them_copy_add_and_keep() {
    let rules = [
        rule(
            "R1",
            "<C1 type=\"groups\" value=\"editors\" />",
            "<C1 type=\"role\" value=\"sitecore\\Author\" /><C2 type=\"one\" value=\"1\" />",
        ),
        rule(
            "R2",
            "<C1 type=\"groups\" value=\"editors\" /><C2 type=\"groups\" value=\"staff\" />",
            "<C1 type=\"role\" value=\"sitecore\\Both\" />",
        ),
        rule(
            "R3",
            "<C1 type=\"groups\" value=\"editors\" /><C2 type=\"groups\" value=\"nobody\" />",
            "<C1 type=\"role\" value=\"sitecore\\Wrong\" />",
        ),
        rule("R4", "<C1 type=\"preferred_username\" />", "<C1 type=\"two\" />"),
    ];
    let house = with_rules(&rules.concat()).await;
    let (_, userinfo) = claims_of(&house, "Partner", "all", "openid everything").await;
    assert_eq!(userinfo["role"], json!(["sitecore\\Author", "sitecore\\Both"]));
    assert_eq!((&userinfo["one"], &userinfo["two"]), (&json!("1"), &json!("jane")));
    assert_eq!(userinfo["groups"], json!(["editors", "staff"]), "the sources are kept");
}

#[tokio::test]
async fn fed14_roles_reach_a_client_by_the_scopes_that_hold_them_alone() {
    let admin = "http://www.sitecore.net/identity/claims/isAdmin";
    let rules = [
        rule(
            "R1",
            "<C1 type=\"groups\" value=\"editors\" />",
            "<C1 type=\"role\" value=\"sitecore\\Author\" />",
        ),
        rule(
            "R2",
            "<C1 type=\"groups\" value=\"staff\" />",
            &format!("<C1 type=\"{admin}\" value=\"true\" />"),
        ),
    ];
    let house = with_rules(&rules.concat()).await;
    let (_, plain) = claims_of(&house, "Partner", "all", "openid profile email").await;
    assert_eq!((plain.get("role"), plain.get(admin)), (None, None));
    let (_, full) = claims_of(&house, "Partner", "all", "openid everything").await;
    assert_eq!((&full["role"], &full[admin]), (&json!("sitecore\\Author"), &json!("true")));
    let issuer = "http://www.sitecore.net/identity/claims/originalIssuer";
    assert_eq!(full[issuer], "Partner");
}

#[tokio::test]
async fn fed15_what_a_provider_must_not_say_is_not_passed_on() {
    let house = with_rules("").await;
    let (honest, _) = claims_of(&house, "Partner", "all", "openid everything").await;
    let mut person = provider::jane();
    for (name, value) in [
        ("idp", json!("local")),
        ("amr", json!(["pwd"])),
        ("role", json!("sitecore\\Administrator")),
        ("roles", json!(["sitecore\\Administrator"])),
        ("http://schemas.microsoft.com/ws/2008/06/identity/claims/role", json!("sitecore\\A")),
        ("http://www.sitecore.net/identity/claims/isAdmin", json!("true")),
        ("http://www.sitecore.net/identity/claims/originalIssuer", json!("LocalAuthority")),
        ("client_id", json!("SitecoreCLIServer")),
    ] {
        person[name] = value;
    }
    house.idp.person(person);
    let (claims, userinfo) = claims_of(&house, "Partner", "all", "openid everything").await;
    assert_eq!((&claims["idp"], &claims["amr"]), (&json!("Partner"), &json!(["external"])));
    assert_eq!((&claims["sub"], &claims["iss"]), (&honest["sub"], &json!(house.issuer())));
    let issuer = "http://www.sitecore.net/identity/claims/originalIssuer";
    let admin = "http://www.sitecore.net/identity/claims/isAdmin";
    assert_eq!(userinfo[issuer], "Partner");
    assert_eq!((userinfo.get("role"), userinfo.get(admin)), (None, None));
}
