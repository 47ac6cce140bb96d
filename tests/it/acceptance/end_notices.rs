//! END-09 to END-12: whom a sign-out is told of, in frames and from server to server.

use std::time::Duration;
use std::time::Instant;

use serde_json::json;

use crate::acceptance::end::OUT;
use crate::acceptance::end::end_session;
use crate::acceptance::end::frames;
use crate::acceptance::end::page;
use crate::acceptance::end::says_done;
use crate::acceptance::end::sign_out;
use crate::acceptance::house;
use crate::acceptance::house::House;
use crate::support::browser::Browser;
use crate::support::cms::EchoCms;
use crate::support::cms::Step;
use crate::support::signing::part;

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
