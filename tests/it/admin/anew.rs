//! A fresh sign-in with a provider of one's own in front of the pages: what it is asked for, and that
//! one that answers from an old sign-in, or does not say, leads nowhere and not in circles.

use serde_json::json;
use vestibule::store::accounts::Account;

use crate::acceptance::house::House;
use crate::admin::desk::notice;
use crate::admin::desk::page_of;
use crate::admin::desk::press;
use crate::support::browser::Browser;
use crate::support::provider;
use crate::support::provider::lie;
use crate::support::signing::Token;
use crate::support::wire::Answer;
use crate::support::world::World;
use crate::support::world::mapping;

/// Partner's bosses are administrators, and sign in to the pages with Partner.
const BOSSES: &str = r#"<sites><site name="vestibule" set:loginPage="/identity/login/vestibule/Partner" /></sites>
<federatedAuthentication><identityProviders><identityProvider id="Partner" type="Sitecore.Owin.Authentication.Configuration.DefaultIdentityProvider, Sitecore.Owin.Authentication"><transformations hint="list:AddTransformation">
  <transformation name="bosses" type="Sitecore.Owin.Authentication.Services.DefaultTransformation, Sitecore.Owin.Authentication">
    <sources hint="raw:AddSource"><claim name="groups" value="bosses" /></sources>
    <targets hint="raw:AddTarget"><claim name="http://www.sitecore.net/identity/claims/isAdmin" value="true" /></targets>
    <keepSource>true</keepSource>
  </transformation>
</transformations></identityProvider></identityProviders></federatedAuthentication>"#;

async fn world() -> World {
    let world = World::with(&format!("{BOSSES}{}", mapping("Partner", &["vestibule"]))).await;
    let mut boss = provider::jane();
    boss["groups"] = json!(["bosses"]);
    world.idp.person(boss);
    let account = Account { name: KEPT.to_owned(), ..Account::default() };
    world.gateway.app.accounts().add(&account, None, false).await.unwrap();
    world
}

const KEPT: &str = "sitecore\\kept";

fn browser(world: &World) -> Browser {
    Browser::new(&format!("https://admin.localhost:{}/", world.gateway.port))
}

async fn enter(world: &World) -> (Browser, Answer) {
    let mut keeper = browser(world);
    let page = keeper.go(&page_of(KEPT)).await;
    assert_eq!(page.status, 200, "{}", page.gist());
    (keeper, page)
}

fn anew(page: &Answer) -> String {
    assert_eq!(page.status, 403, "{}", page.gist());
    let text = page.text();
    let link = text.split("id=\"sign-in-anew\"").nth(1).expect("the page asks to sign in anew");
    let link = link.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
    link.replace("&#38;", "&").replace("&amp;", "&")
}

fn says(world: &World, auth_time: Option<i64>) {
    world.idp.lie(|lies| {
        lies.id_token = lie(move |token: &mut Token| match auth_time {
            Some(at) => token.claims["auth_time"] = json!(at),
            None => drop(token.claims.as_object_mut().unwrap().remove("auth_time")),
        });
    });
}

#[tokio::test]
async fn the_provider_is_asked_to_ask_and_its_word_counts() {
    let world = world().await;
    says(&world, Some(world.clock.now().0));
    let (mut keeper, page) = enter(&world).await;
    let asked = world.idp.asked();
    assert!(!asked.contains_key("prompt") && !asked.contains_key("max_age"), "{asked:?}");
    let page = press(&mut keeper, &page, "disable", &[]).await;
    assert!(notice(&page).starts_with("The user is disabled"));

    world.later(1000);
    let stale = press(&mut keeper, &page, "enable", &[]).await;
    says(&world, Some(world.clock.now().0));
    let page = keeper.go(&anew(&stale)).await;
    let asked = world.idp.asked();
    assert_eq!(asked.get("prompt").map(String::as_str), Some("login"), "{asked:?}");
    assert_eq!(asked.get("max_age").map(String::as_str), Some("0"), "{asked:?}");
    assert_eq!(notice(&page), "Your sign-in is confirmed. Press the button again.");
    let page = press(&mut keeper, &page, "enable", &[]).await;
    assert_eq!(notice(&page), "The user is enabled.");
}

#[tokio::test]
async fn a_provider_that_answers_from_an_old_sign_in_or_says_nothing_leads_nowhere() {
    let world = world().await;
    for said in [Some(world.clock.now().0 - 3600), None] {
        says(&world, said);
        let (mut keeper, page) = enter(&world).await;
        let stale = press(&mut keeper, &page, "disable", &[]).await;
        let page = keeper.go(&anew(&stale)).await;
        assert!(notice(&page).starts_with("Your provider let you back in"), "{}", notice(&page));
        let stale = press(&mut keeper, &page, "disable", &[]).await;
        anew(&stale);
        let kept = world.gateway.app.accounts().find(KEPT).await.unwrap();
        assert!(!kept.unwrap().disabled, "{said:?}");
    }
}

#[tokio::test]
async fn a_new_sign_in_at_the_identity_server_is_a_new_one_at_the_provider_behind_it() {
    let house = House::start().await;
    for (more, prompt) in [
        (&[][..], None),
        (&[("prompt", "login")][..], Some("login")),
        (&[("max_age", "60")][..], Some("login")),
    ] {
        let mut browser = house.browser();
        let page = house.ask(&mut browser, "web", more).await.page();
        let answer = browser.press(&page, "Our partner").await;
        house.onward(&mut browser, answer).await.reply();
        let asked = house.idp.asked();
        assert_eq!(asked.get("prompt").map(String::as_str), prompt, "{more:?}");
        assert_eq!(asked.get("max_age").map(String::as_str), prompt.map(|_| "0"), "{more:?}");
    }
}
