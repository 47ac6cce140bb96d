//! "Users": finding them, what one user's page tells, and every change with its audit line.

use vestibule::store::accounts::Account;

use crate::admin::desk::Desk;
use crate::admin::desk::form_with;
use crate::admin::desk::notice;
use crate::admin::desk::page_of;
use crate::admin::desk::post;
use crate::admin::desk::press;
use crate::persistent::keeps;
use crate::support::browser::Browser;
use crate::support::logs;
use crate::support::wire::Answer;

/// The names in the table of users, in order.
fn names(page: &Answer) -> Vec<String> {
    let text = page.text();
    let rows = text.split("<th scope=\"row\"><a href=\"/vestibule/user?name=").skip(1);
    rows.map(|row| row.split('>').nth(1).unwrap().split('<').next().unwrap().to_owned()).collect()
}

async fn found(keeper: &mut Browser, text: &str) -> Vec<String> {
    let query =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("search", text).finish();
    names(&keeper.get(&format!("/vestibule/users?{query}")).await)
}

/// The audit lines about `name`.
fn audited(event: &str, name: &str) -> Vec<String> {
    let mut lines = logs::lines(&format!("event=\"{event}\""));
    lines.retain(|line| line.contains(&name.replace('\\', "\\\\")));
    lines
}

#[tokio::test]
async fn users_are_found_wherever_they_are_kept() {
    let desk = Desk::start().await;
    desk.keep("sitecore\\kept").await;
    let mut keeper = desk.keeper().await;
    let all = found(&mut keeper, "").await;
    assert_eq!(
        all,
        ["sitecore\\jane", "sitecore\\bob", "sitecore\\admin", "extranet\\admin", "sitecore\\kept"]
    );
    assert_eq!(found(&mut keeper, "SITECORE\\ja").await, ["sitecore\\jane"]);
    assert_eq!(found(&mut keeper, "Ke").await, ["sitecore\\kept"]);
    assert_eq!(found(&mut keeper, "kept@partner").await, ["sitecore\\kept"]);
    assert_eq!(found(&mut keeper, "subject of sitecore").await, ["sitecore\\kept"]);
    assert_eq!(found(&mut keeper, "ept").await, [""; 0]);
    let page = keeper.get("/vestibule/users?search=%3Cscript%3Ex").await;
    assert!(page.text().contains("&#60;script&#62;x"), "{}", page.gist());
    assert!(!page.text().contains("<script>x"));
}

#[tokio::test]
async fn many_users_come_page_by_page_each_once() {
    let desk = Desk::start().await;
    for number in 0..120 {
        let account = Account { name: format!("sitecore\\user{number:03}"), ..Account::default() };
        desk.chain.gateway.app.accounts().add(&account, None, false).await.unwrap();
    }
    let mut keeper = desk.keeper().await;
    let mut seen = Vec::new();
    let mut page = keeper.get("/vestibule/users?search=USER").await;
    for _ in 0..3 {
        seen.extend(names(&page));
        let text = page.text();
        let Some(next) = text.split("id=\"next\"").nth(1) else { break };
        let next = next.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
        page = keeper.get(&next.replace("&#38;", "&").replace("&amp;", "&")).await;
    }
    let expected: Vec<String> = (0..120).map(|n| format!("sitecore\\user{n:03}")).collect();
    assert_eq!(seen, expected);
    assert_eq!(keeper.get("/vestibule/users?after=nonsense").await.status, 200);
}

#[tokio::test]
async fn the_page_of_a_user_from_a_provider_tells_what_the_product_cannot() {
    let desk = Desk::start().await;
    desk.keep("sitecore\\kept").await;
    let mut keeper = desk.keeper().await;
    let page = keeper.get(&page_of("SITECORE\\Kept")).await;
    let text = page.text();
    for told in [
        "<h1>sitecore\\kept</h1>",
        "persistent",
        "At Partner: change it there. The gateway never sees it.",
        "kept@partner.test",
        "sitecore\\Author",
        "<th scope=\"row\">sitecore\\Editor</th><td>editors (partner.config:7)</td><td>Partner at shell (over)</td>",
        "subject of sitecore\\kept",
        "created",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert_eq!(keeper.get(&page_of("sitecore\\nobody")).await.status, 404);
    assert_eq!(keeper.get("/vestibule/user").await.status, 404);
}

#[tokio::test]
async fn a_user_of_the_configuration_is_shown_with_file_and_line_and_not_changed() {
    let desk = Desk::start().await;
    let mut keeper = desk.keeper().await;
    let page = keeper.get(&page_of("sitecore\\jane")).await;
    let text = page.text();
    assert!(text.contains("local, of the configuration"), "{text}");
    assert!(text.contains("test.config:"), "{text}");
    assert!(text.contains("sitecore\\Designer"), "{text}");
    assert!(!text.contains("value=\"disable\"") && !text.contains("delete-link"), "{text}");
}

#[tokio::test]
async fn each_change_is_made_noted_and_audited() {
    let desk = Desk::start().await;
    let name = "sitecore\\changes";
    desk.keep(name).await;
    let mut keeper = desk.keeper().await;
    let mut page = keeper.get(&page_of(name)).await;
    for (action, more, said) in [
        ("disable", &[][..], "The user is disabled, and the user's sessions are over."),
        ("enable", &[], "The user is enabled."),
        (
            "give",
            &[("role", " sitecore\\Developer ")],
            "The role is given. It counts from the next sign-in on.",
        ),
        (
            "give",
            &[("role", "\\Developer")],
            "Write a role as domain\\name, without | and at most 256 characters long.",
        ),
        (
            "give",
            &[("role", "SITECORE\\developer")],
            "There was nothing to do: it had happened already.",
        ),
        (
            "take",
            &[("role", "sitecore\\author")],
            "The role is taken, from the user's sessions too.",
        ),
        (
            "unlink",
            &[],
            "This identity does not sign in as the user any more, and the user's sessions are over.",
        ),
    ] {
        page = press(&mut keeper, &page, action, more).await;
        assert_eq!(notice(&page), said, "{action}");
    }
    let kept = desk.kept(name).await.unwrap();
    assert!(!kept.disabled);
    assert_eq!(kept.roles, ["sitecore\\Developer"]);
    let accounts = desk.chain.gateway.app.accounts();
    assert_eq!(accounts.logins(name).await.unwrap(), []);
    let history: Vec<(&str, &str)> =
        kept.history.iter().map(|event| (event.what.as_str(), event.by.as_str())).collect();
    let by = "sitecore\\admin";
    assert_eq!(
        history,
        [
            ("created", ""),
            ("disabled", by),
            ("enabled", by),
            ("role sitecore\\Developer given", by),
            ("role sitecore\\author taken", by),
            ("unlinked from subject of sitecore\\changes at Partner", by),
        ]
    );
    let lines = audited("user_changed", name);
    assert_eq!(lines.len(), 5, "{lines:#?}");
    assert!(lines.iter().all(|line| line.contains("user=\"sitecore\\\\admin\"")), "{lines:#?}");

    let asked = keeper.get("/vestibule/user/delete?name=sitecore%5Cchanges").await;
    assert!(desk.kept(name).await.is_some(), "it is only asked about");
    let page = press(&mut keeper, &asked, "delete", &[]).await;
    assert_eq!(notice(&page), "The user is deleted, and the user's sessions are over.");
    assert_eq!(desk.kept(name).await, None);
    assert_eq!(audited("user_deleted", name).len(), 1);
}

#[tokio::test]
async fn a_locked_password_is_unlocked() {
    let desk = Desk::start().await;
    let accounts = desk.chain.gateway.app.accounts();
    let account = Account { name: "sitecore\\stuck".into(), locked: true, ..Account::default() };
    accounts.add(&account, None, false).await.unwrap();
    let mut keeper = desk.keeper().await;
    let page = keeper.get(&page_of("sitecore\\stuck")).await;
    let page = press(&mut keeper, &page, "unlock", &[]).await;
    assert_eq!(notice(&page), "The user's password is taken again.");
    assert!(!desk.kept("sitecore\\stuck").await.unwrap().locked);
}

#[tokio::test]
async fn administrators_do_not_shut_themselves_out() {
    let desk = Desk::start().await;
    desk.keep("sitecore\\admin").await;
    desk.keep("sitecore\\other").await;
    let mut keeper = desk.keeper().await;
    for action in ["disable", "delete", "unlink"] {
        let page = keeper.get(&page_of("SITECORE\\admin")).await;
        let fields = form_with(&page, "action", "disable");
        let more = [("action", action), ("name", "Sitecore\\ADMIN")];
        let done = post(&mut keeper, "/vestibule/user", &fields, &more).await;
        let page = keeper.follow(done).await;
        assert_eq!(notice(&page), "This is your own account. Let another administrator do it.");
    }
    let kept = desk.kept("sitecore\\admin").await.unwrap();
    assert!(!kept.disabled);
}

#[tokio::test]
async fn who_is_unlinked_is_out_at_once() {
    let desk = Desk::with(&keeps("SitecoreIdentityServer", &["shell"])).await;
    let mut jane = desk.at_work("jane").await;
    let mut keeper = desk.keeper().await;
    let page = keeper.get(&page_of("sitecore\\jane")).await;
    let page = press(&mut keeper, &page, "unlink", &[]).await;
    let said =
        "This identity does not sign in as the user any more, and the user's sessions are over.";
    assert_eq!(notice(&page), said);
    let answer = jane.get("/sitecore/shell/again").await;
    assert!(answer.is_redirect(), "{} {}", answer.status, answer.gist());
    assert!(desk.chain.gateway.app.sessions().of_user("sitecore\\jane").is_empty());
}

#[tokio::test]
async fn a_role_is_taken_from_the_sessions_of_a_virtual_user_at_once() {
    let desk = Desk::start().await;
    let mut jane = desk.at_work("jane").await;
    let mut keeper = desk.keeper().await;
    let page = keeper.get(&page_of("sitecore\\jane")).await;
    let fields = form_with(&page, "action", "end");
    let more = [("action", "take"), ("role", "sitecore\\Author")];
    let done = post(&mut keeper, "/vestibule/user", &fields, &more).await;
    let page = keeper.follow(done).await;
    assert_eq!(notice(&page), "The role is taken, from the user's sessions too.");
    jane.get("/sitecore/shell/again").await;
    let seen = desk.chain.cms.last();
    assert_eq!(seen.header("x-forwarded-groups"), Some("sitecore\\Designer"));
}

#[tokio::test]
async fn it_is_said_when_there_are_more_virtual_users_than_a_page_shows() {
    let desk = Desk::start().await;
    let _jane = desk.at_work("jane").await;
    let mut keeper = desk.keeper().await;
    let app = &desk.chain.gateway.app;
    let jane = app.sessions().of_user("sitecore\\jane").remove(0).identity.clone();
    for number in 0..51 {
        let mut identity = jane.clone();
        identity.user.name = format!("sitecore\\many{number:02}");
        identity.site = "shell".into();
        app.sessions().begin(identity, &app.config().sessions);
        let page = keeper.get("/vestibule/users?search=many").await;
        let crowded = page.text().contains("There are more than 50 virtual users");
        assert_eq!(crowded, number == 50, "{}", number + 1);
    }
    assert_eq!(found(&mut keeper, "many").await.len(), 50);
    let page = keeper.get("/vestibule/users?search=many5").await;
    assert!(!page.text().contains("There are more than"), "{}", page.gist());
}

#[tokio::test]
async fn names_and_properties_with_markup_are_text() {
    let desk = Desk::start().await;
    let name = "sitecore\\<img src=x onerror=alert(1)>\"'";
    let mut account = desk.keep(name).await;
    account.set_property("<b>Name</b>", "</dd><script>alert(2)</script>");
    account.roles.push("sitecore\\\"><script>alert(3)</script>".to_owned());
    account.note(account.created_at, "<i>what</i>", "<u>who</u>");
    desk.chain.gateway.app.accounts().save(&account, false).await.unwrap();
    let mut keeper = desk.keeper().await;
    for path in [
        "/vestibule/users".to_owned(),
        page_of(name),
        page_of(name).replace("user?", "user/delete?"),
    ] {
        let page = keeper.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        for markup in ["<img", "<b>", "<script>alert", "<i>", "<u>", "</dd><script"] {
            assert!(!page.text().contains(markup), "{path}: {markup}");
        }
    }
    let page = keeper.get(&page_of(name)).await;
    let page = press(&mut keeper, &page, "disable", &[]).await;
    assert_eq!(notice(&page), "The user is disabled, and the user's sessions are over.");
}
