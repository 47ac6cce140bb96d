//! The whole chain with an administrator, and a browser at the pages for administrators.

use vestibule::clock::Timestamp;
use vestibule::crypto::password;
use vestibule::crypto::secret::Secret;
use vestibule::store::accounts::Account;
use vestibule::store::accounts::ExternalLogin;
use vestibule::store::accounts::GivenRole;
use vestibule::store::accounts::SignIn;

use crate::support::browser::Browser;
use crate::support::chain::Chain;
use crate::support::chain::PASSWORD;
use crate::support::html;
use crate::support::wire::Answer;

/// The chain of sites and identity server, with `sitecore\admin` beside Jane and Bob.
pub(super) struct Desk {
    /// The chain.
    pub(super) chain: Chain,
}

impl Desk {
    pub(super) async fn start() -> Self {
        Self::with("").await
    }

    /// Patched further inside `<sitecore>`.
    pub(super) async fn with(more: &str) -> Self {
        let hash = password::hash(&Secret::new(PASSWORD)).unwrap();
        let admin = format!(
            r#"<gateway><localUsers>
                 <user name="sitecore\admin" email="admin@local.test" passwordHash="{hash}" administrator="true" />
                 <user name="extranet\admin" passwordHash="{hash}" administrator="true" />
               </localUsers></gateway>{more}"#
        );
        Self { chain: Chain::with(&admin).await }
    }

    /// An address of the admin site.
    pub(super) fn url(&self, path: &str) -> String {
        format!("https://admin.localhost:{}{path}", self.chain.gateway.port)
    }

    /// A browser that thinks of the admin site, and that nobody is signed in with.
    pub(super) fn browser(&self) -> Browser {
        Browser::new(&self.url("/"))
    }

    /// A browser in which the administrator is signed in.
    pub(super) async fn keeper(&self) -> Browser {
        let mut browser = self.browser();
        let page = self.sign_in(&mut browser, "admin").await;
        assert!(page.text().contains("<h1>Users</h1>"), "{} {}", page.status, page.gist());
        browser
    }

    /// Goes to the admin site and types `name` and the password; what comes of it.
    pub(super) async fn sign_in(&self, browser: &mut Browser, name: &str) -> Answer {
        let page = browser.go("/vestibule/").await;
        self.type_in(browser, &page, name).await
    }

    /// Types `name` and the password into the sign-in page.
    pub(super) async fn type_in(&self, browser: &mut Browser, page: &Answer, name: &str) -> Answer {
        assert!(page.text().contains("id=\"sign-in\""), "{} {}", page.status, page.gist());
        let answer = browser.submit(page, &[("username", name), ("password", PASSWORD)]).await;
        browser.follow(answer).await
    }

    /// Somebody who works at the CMS.
    pub(super) async fn at_work(&self, name: &str) -> Browser {
        let mut browser = self.chain.browser();
        let page = self.chain.sign_in(&mut browser, name, PASSWORD).await;
        assert_eq!(page.text(), "GET /sitecore/shell/start");
        browser
    }

    /// Keeps a user who came from the provider Partner.
    pub(super) async fn keep(&self, name: &str) -> Account {
        let mut account = Account {
            name: name.to_owned(),
            created_at: Timestamp(1_790_000_000),
            roles: vec!["sitecore\\Author".to_owned()],
            last_sign_in: Some(SignIn {
                at: Timestamp(1_790_000_100),
                provider: "Partner".to_owned(),
                site: "shell".to_owned(),
                roles: vec![GivenRole {
                    role: "sitecore\\Editor".to_owned(),
                    by: "editors (partner.config:7)".to_owned(),
                }],
            }),
            ..Account::default()
        };
        account.set_property("Email", "kept@partner.test");
        account.note(Timestamp(1_790_000_000), "created", "");
        let login = ExternalLogin {
            provider: "Partner".to_owned(),
            subject: format!("subject of {name}"),
            issuer: None,
            linked_at: Timestamp(1_790_000_000),
        };
        self.chain.gateway.app.accounts().add(&account, Some(&login), false).await.unwrap();
        account
    }

    /// What is kept of a user now.
    pub(super) async fn kept(&self, name: &str) -> Option<Account> {
        self.chain.gateway.app.accounts().find(name).await.unwrap()
    }
}

/// The page of the user called `name`.
pub(super) fn page_of(name: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    format!("/vestibule/user?{}", query.append_pair("name", name).finish())
}

/// The fields of the form on `page` that has `field` as `value`.
pub(super) fn form_with(page: &Answer, field: &str, value: &str) -> Vec<(String, String)> {
    let forms = html::forms(&page.text());
    let has = |(known, said): &(String, String)| known == field && said == value;
    let form = forms.into_iter().find(|form| form.fields.iter().any(has));
    form.unwrap_or_else(|| panic!("no form with {field}={value}: {}", page.gist())).fields
}

/// Presses the button of the form on `page` whose `action` is that, with `more` typed in; the page
/// that comes.
pub(super) async fn press(
    browser: &mut Browser,
    page: &Answer,
    action: &str,
    more: &[(&str, &str)],
) -> Answer {
    let fields = form_with(page, "action", action);
    let posted = post(browser, "/vestibule/user", &fields, more).await;
    browser.follow(posted).await
}

/// Posts `fields`, changed by `more`, as our own page would.
pub(super) async fn post(
    browser: &mut Browser,
    path: &str,
    fields: &[(String, String)],
    more: &[(&str, &str)],
) -> Answer {
    let mut all: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    for (name, value) in more {
        all.retain(|(known, _)| known != name);
        all.push((name, value));
    }
    let origin = browser.home.origin().ascii_serialization();
    let request = browser.navigation("POST", path, "same-origin").header("Origin", &origin);
    browser.send(request.form(&all)).await
}

/// What stands above `page` about the last change.
pub(super) fn notice(page: &Answer) -> String {
    let text = page.text();
    let notice = text.split_once("id=\"notice\"").map(|(_, rest)| rest);
    let notice = notice.unwrap_or_else(|| panic!("no notice: {} {}", page.status, page.gist()));
    let (_, notice) = notice.split_once('>').unwrap();
    notice.split("</p>").next().unwrap().replace("&#39;", "'").replace("&#92;", "\\")
}
