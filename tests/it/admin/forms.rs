//! What a change asks for: a form of our own, posted once from our own page, and a fresh sign-in.

use crate::admin::desk::Desk;
use crate::admin::desk::form_with;
use crate::admin::desk::notice;
use crate::admin::desk::page_of;
use crate::admin::desk::post;
use crate::admin::desk::press;
use crate::support::wire::Answer;

const KEPT: &str = "sitecore\\kept";

async fn is_disabled(desk: &Desk) -> bool {
    desk.kept(KEPT).await.unwrap().disabled
}

#[tokio::test]
async fn m290_a_form_of_somebody_else_changes_nothing() {
    let desk = Desk::start().await;
    desk.keep(KEPT).await;
    desk.keep("sitecore\\other").await;
    let mut keeper = desk.keeper().await;
    let mut second = desk.keeper().await;
    let page = keeper.get(&page_of(KEPT)).await;
    let fields = form_with(&page, "action", "disable");
    let other_page = keeper.get(&page_of("sitecore\\other")).await;
    let of_other_user = form_with(&other_page, "action", "disable");
    let (_, of_other_user) = of_other_user.iter().find(|(name, _)| name == "token").unwrap();
    let theirs = second.get(&page_of(KEPT)).await;
    let of_other_session = form_with(&theirs, "action", "disable");
    let (_, of_other_session) = of_other_session.iter().find(|(name, _)| name == "token").unwrap();

    for token in ["", "x", of_other_user, of_other_session] {
        let answer = post(&mut keeper, "/vestibule/user", &fields, &[("token", token)]).await;
        assert_eq!(answer.status, 400, "{token}");
    }
    let pairs: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    for (site, origin) in [
        ("cross-site", "https://evil.test".to_owned()),
        ("same-site", desk.chain.url("")),
        ("none", "null".to_owned()),
    ] {
        let request = keeper.navigation("POST", "/vestibule/user", site).header("Origin", &origin);
        assert_eq!(keeper.send(request.form(&pairs)).await.status, 400, "{site}");
        let request = keeper.bare("POST", "/vestibule/user").header("Origin", &origin);
        assert_eq!(keeper.send(request.form(&pairs)).await.status, 400, "{origin}");
    }
    let request = keeper.navigation("POST", "/vestibule/user", "same-origin");
    let json = request.body("application/json", "{}");
    assert_eq!(keeper.send(json).await.status, 415);
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
    keeper.get(&format!("/vestibule/user?{query}")).await;
    assert!(!is_disabled(&desk).await);

    let answer = post(&mut keeper, "/vestibule/user", &fields, &[]).await;
    assert_eq!(answer.status, 303);
    assert!(is_disabled(&desk).await, "the right form works");
}

#[tokio::test]
async fn a_form_is_used_once() {
    let desk = Desk::start().await;
    desk.keep(KEPT).await;
    let mut keeper = desk.keeper().await;
    let page = keeper.get(&page_of(KEPT)).await;
    let fields = form_with(&page, "action", "disable");
    let done = post(&mut keeper, "/vestibule/user", &fields, &[]).await;
    let page = keeper.follow(done).await;
    let page = press(&mut keeper, &page, "enable", &[]).await;
    assert_eq!(notice(&page), "The user is enabled.");
    let again = post(&mut keeper, "/vestibule/user", &fields, &[]).await;
    let page = keeper.follow(again).await;
    assert_eq!(notice(&page), "This form had been sent before: nothing was done this time.");
    assert!(!is_disabled(&desk).await);
}

#[tokio::test]
async fn a_form_lies_open_for_an_hour_at_most() {
    let desk = Desk::start().await;
    desk.keep(KEPT).await;
    let mut keeper = desk.browser();
    // A session that no provider's token ends.
    let page = keeper.go("/sitecore/login?fbc=1").await;
    desk.type_in(&mut keeper, &page, "admin").await;
    let page = keeper.get(&page_of(KEPT)).await;
    let fields = form_with(&page, "action", "disable");
    for _ in 0..3 {
        desk.chain.clock.advance(std::time::Duration::from_mins(20));
        assert_eq!(keeper.get("/vestibule/users").await.status, 200);
    }
    let answer = post(&mut keeper, "/vestibule/user", &fields, &[]).await;
    assert_eq!(answer.status, 400);
}

/// The link that confirms a sign-in, on the page that asks for it.
fn anew(page: &Answer) -> String {
    assert_eq!(page.status, 403, "{}", page.gist());
    let text = page.text();
    let link = text.split("id=\"sign-in-anew\"").nth(1).expect("the page asks to sign in anew");
    let link = link.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
    link.replace("&#38;", "&").replace("&amp;", "&")
}

#[tokio::test]
async fn a_sign_in_of_a_quarter_of_an_hour_ago_has_to_be_confirmed() {
    let desk = Desk::start().await;
    desk.keep(KEPT).await;
    let mut keeper = desk.keeper().await;
    desk.chain.clock.advance(std::time::Duration::from_secs(15 * 60 - 1));
    let page = keeper.get(&page_of(KEPT)).await;
    let page = press(&mut keeper, &page, "disable", &[]).await;
    assert_eq!(notice(&page), "The user is disabled, and the user's sessions are over.");

    desk.chain.clock.advance(std::time::Duration::from_secs(1));
    let asked = press(&mut keeper, &page, "enable", &[]).await;
    assert!(is_disabled(&desk).await, "nothing is changed yet");
    let sign_in = keeper.go(&anew(&asked)).await;
    assert!(sign_in.text().contains("id=\"sign-in\""), "single sign-on is no fresh sign-in");
    let page = desk.type_in(&mut keeper, &sign_in, "admin").await;
    assert_eq!(notice(&page), "Your sign-in is confirmed. Press the button again.");
    assert_eq!(keeper.url.query_pairs().next().unwrap().1, KEPT, "back on the user's page");
    let page = press(&mut keeper, &page, "enable", &[]).await;
    assert_eq!(notice(&page), "The user is enabled.");
    assert!(!is_disabled(&desk).await);
}

#[tokio::test]
async fn a_new_session_on_an_old_sign_in_is_not_fresh() {
    let desk = Desk::start().await;
    desk.keep(KEPT).await;
    let mut keeper = desk.keeper().await;
    desk.chain.clock.advance(std::time::Duration::from_mins(20));
    // The session of the pages is gone, that of the identity server is not.
    keeper.jar.0.retain(|kept| kept.host != "admin.localhost");
    let page = keeper.go(&page_of(KEPT)).await;
    assert_eq!(page.status, 200, "{}", page.gist());
    let asked = press(&mut keeper, &page, "disable", &[]).await;
    anew(&asked);
    // Whoever comes back without having signed in anew is told so, and is not sent in circles.
    let page = keeper.go(&format!("{}&did=sign-in", page_of(KEPT))).await;
    assert!(notice(&page).starts_with("Your provider let you back in"), "{}", notice(&page));
    assert!(!is_disabled(&desk).await);
}

#[tokio::test]
async fn somebody_else_who_signs_in_anew_is_judged_by_himself() {
    let desk = Desk::start().await;
    desk.keep(KEPT).await;
    let mut keeper = desk.keeper().await;
    desk.chain.clock.advance(std::time::Duration::from_mins(20));
    let page = keeper.get(&page_of(KEPT)).await;
    let asked = press(&mut keeper, &page, "disable", &[]).await;
    let sign_in = keeper.go(&anew(&asked)).await;
    let page = desk.type_in(&mut keeper, &sign_in, "jane").await;
    assert_eq!(page.status, 403, "{}", page.gist());
}
