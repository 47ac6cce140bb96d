//! END: end of session and signing out.

use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use crate::acceptance::house;
use crate::acceptance::house::End;
use crate::acceptance::house::House;
use crate::support::browser::Browser;
use crate::support::cms::EchoCms;
use crate::support::cms::Step;
use crate::support::html;
use crate::support::signing::part;
use crate::support::wire::Answer;

/// Where `app` wants people to go on to.
const OUT: &str = "https://rp.localhost/app/out";

/// A house with the client `app`, which has a post-logout address, and these `more` keys.
async fn house_with(more: &str) -> House {
    let out = format!("<PostLogoutRedirectUris><P1>{OUT}</P1></PostLogoutRedirectUris>");
    let offline = "<AllowOfflineAccess>true</AllowOfflineAccess>";
    House::with(&house::client("app", "authorization_code", &format!("{out}{offline}{more}")), "")
        .await
}

async fn house() -> House {
    house_with("").await
}

/// Signs Jane in at `app`; its ID token.
async fn sign_in(house: &House, browser: &mut Browser) -> String {
    let tokens = house.tokens(browser, "app", &[]).await;
    tokens["id_token"].as_str().unwrap().to_owned()
}

fn end_session(parameters: &[(&str, &str)]) -> String {
    let query =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("/connect/endsession?{query}")
}

/// Whether Jane is signed in, as a client that may not ask finds out.
async fn knows_her(house: &House, browser: &mut Browser) -> bool {
    let reply = house.ask(browser, "web", &[("prompt", "none")]).await.reply();
    match reply.find("error") {
        None => true,
        Some("login_required") => false,
        Some(other) => panic!("{other}"),
    }
}

/// The page that `answer` leads to.
async fn page(house: &House, browser: &mut Browser, answer: Answer) -> Answer {
    house.onward(browser, answer).await.page()
}

fn asks(page: &Answer) -> bool {
    page.text().contains("<main id=\"sign-out\"")
}

fn says_done(page: &Answer) -> bool {
    page.text().contains("<main id=\"signed-out\"")
}

fn leads_back(page: &Answer) -> bool {
    page.text().contains("return-link")
}

#[tokio::test]
async fn end01_get_and_post_lead_to_the_logout_page() {
    let house = house().await;
    let mut browser = house.browser();
    sign_in(&house, &mut browser).await;
    let get = browser.get("/connect/endsession").await;
    let form = browser.bare("POST", "/connect/endsession").form(&[("state", "x")]);
    let post = browser.send(form).await;
    for answer in [&get, &post] {
        assert_eq!(answer.status, 302);
        let to = answer.header("location").unwrap();
        assert!(to.contains("/account/logout?logoutId="), "{to}");
    }
    let put = house.call("PUT", "/connect/endsession", &[], None).await;
    assert_eq!((put.status, put.header("allow")), (405, Some("GET, HEAD, POST")));
}

#[tokio::test]
async fn end02_a_valid_hint_signs_out_and_goes_on_with_state() {
    let house = house().await;
    let mut browser = house.browser();
    let hint = sign_in(&house, &mut browser).await;
    let state = "a b&c=d+é";
    let path = end_session(&[
        ("id_token_hint", &hint),
        ("post_logout_redirect_uri", OUT),
        ("state", state),
    ]);
    let answer = browser.get(&path).await;
    let reply = house.onward(&mut browser, answer).await.reply();
    assert_eq!((reply.to.as_str(), reply.sent("state")), (OUT, state));
    assert_eq!(reply.fields.len(), 1);
    assert!(!knows_her(&house, &mut browser).await);
}

#[tokio::test]
async fn end03_an_expired_hint_is_a_hint() {
    let house =
        house_with("<IdentityTokenLifetimeInSeconds>60</IdentityTokenLifetimeInSeconds>").await;
    let mut browser = house.browser();
    let hint = sign_in(&house, &mut browser).await;
    house.later(600);
    let path = end_session(&[("id_token_hint", &hint), ("post_logout_redirect_uri", OUT)]);
    assert_eq!(browser.get(&path).await.header("location"), Some(OUT));
    assert!(!knows_her(&house, &mut browser).await);
}

#[tokio::test]
async fn end03_a_hint_that_proves_nothing_is_asked_about() {
    let house = house().await;
    let mut browser = house.browser();
    let hint = sign_in(&house, &mut browser).await;
    let mut bobs = house.browser();
    let reply = house.authorize_as(&mut bobs, "bob", "app", &[]).await;
    let bob = house.redeem("app", reply.sent("code")).await.json();
    let bob = bob["id_token"].as_str().unwrap().to_owned();
    let other = house_with("").await;
    let foreign = sign_in(&other, &mut other.browser()).await;
    let (signed, _) = hint.rsplit_once('.').unwrap();
    let (_, claims) = signed.split_once('.').unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIn0.{claims}.");
    for wrong in [unsigned.as_str(), &foreign, &bob, "x", "a.b.c"] {
        let path = end_session(&[("id_token_hint", wrong), ("post_logout_redirect_uri", OUT)]);
        let answer = browser.get(&path).await;
        let asking = page(&house, &mut browser, answer).await;
        assert!(asks(&asking) && !leads_back(&asking), "{wrong:.40}");
    }
    assert!(knows_her(&house, &mut browser).await);
}

#[tokio::test]
async fn end04_g164_an_address_that_is_not_registered_is_asked_about_and_never_gone_to() {
    let house = house().await;
    let added = format!("{OUT}?foo=bar");
    for wrong in [
        "https://rp.localhost/other/out",
        &added,
        "https://rp.localhost/app/out/",
        "https://RP.localhost/app/out",
        "javascript:alert(1)",
        "https://rp.localhost/web/callback",
    ] {
        let mut browser = house.browser();
        let hint = sign_in(&house, &mut browser).await;
        let path = end_session(&[
            ("id_token_hint", &hint),
            ("post_logout_redirect_uri", wrong),
            ("state", "s"),
        ]);
        let answer = browser.get(&path).await;
        let asking = page(&house, &mut browser, answer).await;
        assert!(asks(&asking), "{wrong}");
        assert!(knows_her(&house, &mut browser).await, "{wrong}: nobody has said yes");
        let answer = browser.get(&path).await;
        let asking = page(&house, &mut browser, answer).await;
        let yes = browser.submit(&asking, &[]).await;
        let done = page(&house, &mut browser, yes).await;
        assert!(says_done(&done) && !leads_back(&done), "{wrong}: {}", done.text());
        assert!(!knows_her(&house, &mut browser).await);
    }
}

#[tokio::test]
async fn end04_a_clients_file_may_allow_a_query_as_the_cms_adds_one() {
    let house = house_with("<AllowPostLogoutQuery>true</AllowPostLogoutQuery>").await;
    let uri = format!("{OUT}?ReturnUrl=%2fsitecore&nonce=n-1");
    let mut browser = house.browser();
    let hint = sign_in(&house, &mut browser).await;
    for wrong in [
        format!("{OUT}/x?ReturnUrl=y"),
        format!("{OUT}?a=b#c"),
        format!("{OUT}?state=y"),
        "https://rp.localhost/other?a=b".to_owned(),
    ] {
        let wrong = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", &wrong)];
        let answer = browser.get(&end_session(&wrong)).await;
        let asking = page(&house, &mut browser, answer).await;
        assert!(asks(&asking), "{wrong:?}");
    }
    let path = end_session(&[
        ("id_token_hint", &hint),
        ("post_logout_redirect_uri", &uri),
        ("state", "s"),
    ]);
    let answer = browser.get(&path).await;
    assert_eq!(answer.header("location"), Some(format!("{uri}&state=s").as_str()));
}

#[tokio::test]
async fn end05_without_a_hint_people_are_asked_and_sent_nowhere() {
    let house = house().await;
    for parameters in
        [vec![("post_logout_redirect_uri", OUT), ("state", "s")], vec![("state", "s")], vec![]]
    {
        let mut browser = house.browser();
        sign_in(&house, &mut browser).await;
        let answer = browser.get(&end_session(&parameters)).await;
        let asking = page(&house, &mut browser, answer).await;
        assert!(asks(&asking), "{parameters:?}");
        let yes = browser.submit(&asking, &[]).await;
        let End::Page(done) = house.onward(&mut browser, yes).await else {
            panic!("{parameters:?} led on");
        };
        assert!(says_done(&done) && !leads_back(&done), "{parameters:?}");
        assert!(!knows_her(&house, &mut browser).await);
    }
}

#[tokio::test]
async fn end06_no_address_is_made_up() {
    let house = house().await;
    let mut browser = house.browser();
    let hint = sign_in(&house, &mut browser).await;
    let answer = browser.get(&end_session(&[("id_token_hint", &hint), ("state", "s")])).await;
    let done = page(&house, &mut browser, answer).await;
    assert!(says_done(&done) && !leads_back(&done), "{}", done.text());
    assert_eq!(done.header("refresh"), None);
    assert!(!knows_her(&house, &mut browser).await);
}

#[tokio::test]
async fn end07_k242_a_post_that_is_not_from_our_page_is_400_and_signs_nobody_out() {
    let house = house().await;
    let mut browser = house.browser();
    sign_in(&house, &mut browser).await;
    for form in [vec![], vec![("token", "x")], vec![("logoutId", "x")]] {
        let request = browser.bare("POST", "/account/logout").form(&form);
        assert_eq!(browser.send(request).await.status, 400, "{form:?}");
    }
    let asking = browser.get("/account/logout").await;
    let fields = html::forms(&asking.text()).remove(0).fields;
    let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let elsewhere =
        browser.bare("POST", "/account/logout").header("Origin", "https://evil.test").form(&fields);
    assert_eq!(browser.send(elsewhere).await.status, 400);
    assert!(knows_her(&house, &mut browser).await);
}

#[tokio::test]
async fn end08_j227_the_cookie_is_dead_also_when_it_is_replayed() {
    let house = house().await;
    let mut browser = house.browser();
    let hint = sign_in(&house, &mut browser).await;
    let mut thief = browser.clone();
    browser.get(&end_session(&[("id_token_hint", &hint)])).await;
    assert!(!knows_her(&house, &mut browser).await);
    assert!(thief.cookie("idsrv").is_some() && !knows_her(&house, &mut thief).await);
}

/// Front-channel clients on origins of their own: `framed` wants the session's name, `plain` does not.
async fn framing_house() -> House {
    let front = |id: &str, more: &str| {
        let uris = format!(
            "<FrontChannelLogoutUris><F1>https://{id}.localhost/gone?a=b</F1></FrontChannelLogoutUris>"
        );
        house::client(id, "authorization_code", &format!("{uris}{more}"))
    };
    let not = "<FrontChannelLogoutSessionRequired>false</FrontChannelLogoutSessionRequired>";
    let clients = [
        front(
            "framed",
            "<PostLogoutRedirectUris><P1>https://rp.localhost/app/out</P1></PostLogoutRedirectUris>",
        ),
        front("plain", not),
        front("unvisited", ""),
    ];
    House::with(&clients.concat(), "").await
}

/// The addresses of the frames on a page.
fn frames(page: &Answer) -> Vec<String> {
    let text = page.text();
    let parts = text.split("<iframe ").skip(1);
    let source = |part: &str| {
        let (_, after) = part.split_once("src=\"").unwrap();
        after.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&")
    };
    parts.map(source).collect()
}

#[tokio::test]
async fn end09_a_missing_or_foreign_end_session_id_is_400() {
    let house = framing_house().await;
    let other = framing_house().await;
    let foreign = signed_out_frame(&other, &mut other.browser()).await;
    let foreign = foreign.split_once("endSessionId=").unwrap().1.to_owned();
    let callback = "/connect/endsession/callback";
    for query in ["", "?endSessionId=", "?endSessionId=x", &format!("?endSessionId={foreign}")] {
        assert_eq!(house.get(&format!("{callback}{query}"), &[]).await.status, 400, "{query:.30}");
    }
    let frame = signed_out_frame(&house, &mut house.browser()).await;
    assert_eq!(house.get(&frame, &[]).await.status, 200);
    house.later(3600);
    assert_eq!(house.get(&frame, &[]).await.status, 400, "it is too old");
    assert_eq!(house.call("POST", callback, &[], Some(&[])).await.status, 405);
}

/// Signs Jane in at the clients `framed` and `plain` and out again; the frame of the page that says so.
async fn signed_out_frame(house: &House, browser: &mut Browser) -> String {
    house.tokens(browser, "plain", &[]).await;
    let tokens = house.tokens(browser, "framed", &[]).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let answer = browser.get(&end_session(&[("id_token_hint", hint)])).await;
    let done = page(house, browser, answer).await;
    frames(&done).remove(0)
}

#[tokio::test]
async fn end10_authr18_one_hidden_frame_for_each_front_channel_client_that_was_signed_in_to() {
    let house = framing_house().await;
    let mut browser = house.browser();
    house.tokens(&mut browser, "plain", &[]).await;
    house.tokens(&mut browser, "framed", &[]).await;
    let tokens = house.tokens(&mut browser, "framed", &[]).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let sid = part(hint, 1)["sid"].as_str().unwrap().to_owned();
    let path =
        end_session(&[("id_token_hint", hint), ("post_logout_redirect_uri", OUT), ("state", "s")]);
    let answer = browser.get(&path).await;
    let done = page(&house, &mut browser, answer).await;
    assert!(says_done(&done), "{}", done.text());
    let back = format!("{OUT}?state=s");
    assert_eq!(done.header("refresh"), Some(format!("0;url={back}").as_str()));
    assert!(done.text().contains(&format!("id=\"return-link\" href=\"{back}\"")));
    let frame = frames(&done).remove(0);
    let own = done.header("content-security-policy").unwrap();
    assert!(own.contains(&format!("frame-src {}", house.issuer())), "{own}");

    let inner = browser.get(&frame).await;
    let mut issuer =
        url::form_urlencoded::byte_serialize(house.issuer().as_bytes()).collect::<String>();
    issuer.insert_str(0, "iss=");
    assert_eq!(
        frames(&inner),
        [
            "https://plain.localhost/gone?a=b".to_owned(),
            format!("https://framed.localhost/gone?a=b&{issuer}&sid={sid}"),
        ]
    );
    assert_eq!(inner.text().matches(" hidden").count(), 2);
    let policy = inner.header("content-security-policy").unwrap();
    assert!(
        policy.ends_with("frame-src https://framed.localhost https://plain.localhost"),
        "{policy}"
    );
    assert!(policy.contains("frame-ancestors 'self';"), "{policy}");
    assert_eq!(inner.header("x-frame-options"), None);
}

/// A house with these back-channel clients, each listening at a server of its own.
async fn told_house(clients: &[(&str, &EchoCms, &str)]) -> House {
    let client = |(id, server, more): &(&str, &EchoCms, &str)| {
        let uri =
            format!("<BackChannelLogoutUri>http://{}/out</BackChannelLogoutUri>", server.address);
        house::client(id, "authorization_code", &format!("{uri}{more}"))
    };
    House::with(&clients.iter().map(client).collect::<Vec<_>>().concat(), "").await
}

/// Answers every request with `status`.
fn answers(server: &EchoCms, status: &'static str) {
    server.script(move |_| vec![Step::answer(status, &[], "")]);
}

/// The logout tokens that came to `server`, once there are `count` or time is up.
async fn told(server: &EchoCms, count: usize) -> Vec<String> {
    for _ in 0..100 {
        if server.count() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let token = |seen: crate::support::cms::Seen| {
        assert!(seen.target == "/out" && seen.text().starts_with("POST "), "{}", seen.text());
        assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
        let mut form = url::form_urlencoded::parse(&seen.body).into_owned();
        form.find(|(name, _)| name == "logout_token").unwrap().1
    };
    server.seen().into_iter().map(token).collect()
}

async fn sign_out(house: &House, browser: &mut Browser) {
    let asking = browser.get("/account/logout").await;
    let yes = browser.submit(&asking, &[]).await;
    assert!(says_done(&page(house, browser, yes).await));
}

#[tokio::test]
async fn authr18_end11_every_client_that_was_signed_in_to_is_told_once_and_only_those() {
    let (one, two, three) =
        (EchoCms::start().await, EchoCms::start().await, EchoCms::start().await);
    for server in [&one, &two, &three] {
        answers(server, "200 OK");
    }
    let not = "<BackChannelLogoutSessionRequired>false</BackChannelLogoutSessionRequired>";
    let house = told_house(&[("one", &one, ""), ("two", &two, not), ("three", &three, "")]).await;
    let mut browser = house.browser();
    house.tokens(&mut browser, "two", &[]).await;
    house.tokens(&mut browser, "web", &[]).await;
    house.tokens(&mut browser, "one", &[]).await;
    let tokens = house.tokens(&mut browser, "one", &[]).await;
    let id_token = part(tokens["id_token"].as_str().unwrap(), 1);
    sign_out(&house, &mut browser).await;

    let now = house.clock.now().0;
    let (to_one, to_two) = (told(&one, 1).await, told(&two, 1).await);
    assert_eq!((to_one.len(), to_two.len(), three.count()), (1, 1, 0));
    for (token, client, sid) in [(&to_one[0], "one", true), (&to_two[0], "two", false)] {
        let (header, claims) = house.verified(token).await;
        assert_eq!(header["typ"], "logout+jwt");
        assert_eq!(claims["iss"], json!(house.issuer()));
        assert_eq!(claims["sub"], id_token["sub"]);
        assert_eq!(claims["aud"], client);
        assert_eq!(claims["iat"], now);
        let lives = claims["exp"].as_i64().unwrap() - now;
        assert!((120..=300).contains(&lives), "{lives}");
        assert!(claims["jti"].as_str().is_some_and(|id| id.len() >= 16), "{claims}");
        let event = "http://schemas.openid.net/event/backchannel-logout";
        assert_eq!(claims["events"], json!({ event: {} }));
        assert_eq!(claims.get("sid"), sid.then_some(&id_token["sid"]));
        assert_eq!(claims.get("nonce"), None);
    }
    let counted = ["outcome=\"delivered\""];
    assert_eq!(house.gateway.metric("vestibule_logout_notices_total", &counted).await, 2);
}

#[tokio::test]
async fn end12_o325_a_slow_or_dead_client_keeps_nobody_waiting() {
    let (slow, quick) = (EchoCms::start().await, EchoCms::start().await);
    let mut dead = EchoCms::start().await;
    slow.script(|_| vec![Step::Wait(Duration::from_secs(20)), Step::answer("200 OK", &[], "")]);
    answers(&quick, "204 No Content");
    let house =
        told_house(&[("slow", &slow, ""), ("dead", &dead, ""), ("quick", &quick, "")]).await;
    dead.kill().await;
    let mut browser = house.browser();
    for client in ["slow", "dead", "quick"] {
        house.tokens(&mut browser, client, &[]).await;
    }
    let since = Instant::now();
    sign_out(&house, &mut browser).await;
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    assert_eq!(quick.count(), 1);
}

#[tokio::test]
async fn end12_a_client_that_fails_is_told_again_and_one_that_refuses_is_not() {
    let (failing, refusing) = (EchoCms::start().await, EchoCms::start().await);
    answers(&failing, "503 Service Unavailable");
    answers(&refusing, "400 Bad Request");
    let house = told_house(&[("failing", &failing, ""), ("refusing", &refusing, "")]).await;
    let mut browser = house.browser();
    house.tokens(&mut browser, "failing", &[]).await;
    house.tokens(&mut browser, "refusing", &[]).await;
    sign_out(&house, &mut browser).await;
    answers(&failing, "200 OK");
    assert_eq!(told(&failing, 2).await.len(), 2);
    assert_eq!(refusing.count(), 1);
    let counted = ["outcome=\"refused\""];
    assert_eq!(house.gateway.metric("vestibule_logout_notices_total", &counted).await, 1);
}

#[tokio::test]
async fn end13_who_is_not_signed_in_is_told_so_at_once() {
    let house = framing_house().await;
    let mut browser = house.browser();
    for path in ["/account/logout", "/connect/endsession"] {
        let answer = browser.get(path).await;
        let done = page(&house, &mut browser, answer).await;
        assert!(says_done(&done) && frames(&done).is_empty() && !leads_back(&done), "{path}");
    }
}

#[tokio::test]
async fn end14_what_was_granted_ends_with_the_session_but_where_a_file_says_otherwise() {
    let lasting = house::client(
        "lasting",
        "authorization_code",
        "<AllowOfflineAccess>true</AllowOfflineAccess><CoordinateLifetimeWithUserSession>false</CoordinateLifetimeWithUserSession>",
    );
    let house = House::with(&lasting, "").await;
    let mut browser = house.browser();
    let scope = [("scope", "openid offline_access")];
    let mortal = house.tokens(&mut browser, "web", &scope).await;
    let lasting = house.tokens(&mut browser, "lasting", &scope).await;
    sign_out(&house, &mut browser).await;
    let access = |tokens: &Value| tokens["access_token"].as_str().unwrap().to_owned();
    assert_eq!(house.userinfo(&access(&mortal)).await.status, 401);
    assert_eq!(house.userinfo(&access(&lasting)).await.status, 200);
    for (client, tokens, status) in [("web", &mortal, 400), ("lasting", &lasting, 200)] {
        let token = tokens["refresh_token"].as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        assert_eq!(house.token(client, &form).await.status, status, "{client}");
    }
}

#[tokio::test]
async fn k254_a_sign_out_holds_at_every_instance_over_one_store() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shared.db");
    let shared = format!("<gateway><users set:store=\"sqlite:{}\" /></gateway>", file.display());
    let (here, there) = (House::with("", &shared).await, House::with("", &shared).await);
    let refresh = async |house: &House, tokens: &Value| {
        let token = tokens["refresh_token"].as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        house.token("web", &form).await
    };
    let mut browser = here.browser();
    let first = here.tokens(&mut browser, "web", &[("scope", "openid offline_access")]).await;
    let second = refresh(&there, &first).await;
    assert_eq!(second.status, 200, "{}", second.text());
    sign_out(&here, &mut browser).await;
    assert_eq!(refresh(&there, &second.json()).await.status, 400);
    drop(there);
    let again = House::with("", &shared).await;
    assert_eq!(refresh(&again, &second.json()).await.status, 400, "nor after a restart");
}
