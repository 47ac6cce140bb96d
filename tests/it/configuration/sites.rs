//! Sites and access rules.

use vestibule::config::NoticeKind;
use vestibule::config::model::Admit;
use vestibule::config::model::Linking;
use vestibule::config::model::SignInRules;

use super::faults;
use super::noticed;
use super::refused;
use super::with;

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
fn n310_a_switch_that_is_there_and_empty_is_not_one_that_is_left_out() {
    let shell = |text: &str| format!("<sites><site name=\"shell\" {text} /></sites>");
    refused(
        &shell("set:requireLogin=\"\""),
        "3: requireLogin=\"\" of a site cannot be read; write true or false",
    );
    refused(&shell("set:inherits=\"\""), "3: inherits=\"\" names no site");
    let setting = "<settings><setting name=\"FederatedAuthentication.Enabled\"><patch:attribute name=\"value\"></patch:attribute></setting></settings>";
    refused(setting, "3: the setting FederatedAuthentication.Enabled is ``");
}

#[test]
fn the_folder_of_a_guarded_site_that_is_gone_must_not_fall_to_an_anonymous_one() {
    let part = "/sitecore/shell falls to the site `website`";
    let gone = "<sites><site name=\"shell\"><patch:delete /></site></sites>";
    let off = "<sites><site name=\"shell\" set:mode=\"off\" /></sites>";
    let moved = "<sites><site name=\"shell\" set:virtualFolder=\"/elsewhere\" /></sites>";
    for change in [gone, off, moved] {
        assert_eq!(noticed(change, part), NoticeKind::Lint, "{change}");
    }
    let open = "<sites><site name=\"admin\" set:requireLogin=\"false\" /></sites>";
    assert_eq!(noticed(open, "/sitecore/admin falls to the site `admin`"), NoticeKind::Lint);
    let told =
        |content: &str| with(content).notices.iter().any(|n| n.to_string().contains(" falls to "));
    assert!(!told(""));
    let ruled = format!(
        "{off}<gateway><access><rule path=\"/sitecore/*\" signedIn=\"true\" /></access></gateway>"
    );
    assert!(!told(&ruled));
}

#[test]
fn what_becomes_of_those_who_sign_in_is_the_site_s_word() {
    let shell = |text: &str| format!("<sites><site name=\"shell\" {text} /></sites>");
    let rules = |text: &str| with(&shell(text)).site("shell").unwrap().sign_ins.clone();
    assert_eq!(rules(""), SignInRules::default());
    let limits = "set:linking=\"ask\" set:sessions=\"500\" set:sessionsPerUser=\"2\"";
    let expected =
        SignInRules { linking: Linking::Ask, sessions: Some(500), sessions_per_user: Some(2) };
    assert_eq!(rules(limits), expected);
    assert_eq!(rules("set:linking=\"attach\"").linking, Linking::Attach);
    let linking = "3: linking=\"yes\" of a site cannot be read; write refuse, ask or attach";
    refused(&shell("set:linking=\"yes\""), linking);
    refused(&shell("set:sessions=\"0\""), "3: sessions=\"0\" of a site cannot be read");
    refused(&shell("set:sessionsPerUser=\"-1\""), "3: sessionsPerUser=\"-1\"");
    refused(&shell("set:linkng=\"ask\""), "3: a site has no attribute `linkng`");
    let sessions = |count: &str| format!("<gateway><sessions set:perUser=\"{count}\" /></gateway>");
    assert_eq!(with(&sessions("3")).sessions.per_user, Some(3));
    refused(&sessions("none"), "3: perUser=\"none\" cannot be read");
}
