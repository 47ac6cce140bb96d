//! What is wrong with a configuration is told all at once, each with file and line; what is missing is
//! switched off as a whole; what is surely not meant is a warning.

mod cfg;
mod clients;
mod external;
mod gateway;
mod identity;
mod providers;
mod server_options;
mod sites;
mod store;

use std::fs;

use vestibule::config;
use vestibule::config::Config;
use vestibule::config::Environment;
use vestibule::config::NoticeKind;

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
    assert_eq!(config.identity_server.clients.len(), 3);
    assert_eq!(config.identity_server.issuer.as_deref(), Some("https://id.example.test"));
}
