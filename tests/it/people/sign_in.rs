//! Signing in as a local user of the store.

use serde_json::json;
use vestibule::crypto::password;
use vestibule::crypto::secret::Secret;

use crate::acceptance::house::House;
use crate::acceptance::house::PASSWORD;
use crate::people::accounts;
use crate::people::add;
use crate::people::type_in;
use crate::support::clients::settings;

/// Made with Python's hashlib and hmac, the keys filled up as .NET fills them.
const OLD_PASSWORD: &str = "b – correct horse é";
const HASHES: [&str; 10] = [
    "SHA1:AAECAwQFBgcICQoLDA0ODw==:oY2R0/XMozLlEEUOU3TaTrY2m2A=",
    "SHA256:AAECAwQFBgcICQoLDA0ODw==:J+29o7SFKMZ3s2J1cotRD4jup+q2R6XVV8tyHhuVzok=",
    "SHA384:AAECAwQFBgcICQoLDA0ODw==:l4zMPP58XeJkbRD2i4LKIgez4E1kwGusYQwwNXazR6uiWJoYhEZBuCsLA3ptF5j5",
    "SHA512:AAECAwQFBgcICQoLDA0ODw==:sbVt8K16PoJajgOfeUIDQA8Y8J4EbkfJoeHRGyoY1rZS94hJW5QPcQjylbyvObVl6Y2VdZKu1Rgg0btybGq+ag==",
    "HMACSHA1:AAECAwQFBgcICQoLDA0ODw==:vSrvHOT5qUgluX3X+tijD6fC9B0=",
    "HMACSHA256:AAECAwQFBgcICQoLDA0ODw==:Z5udHhCzp3fbFC/zKiFqPXCdgW4LKXYL9/1UXtUAKUA=",
    "HMACSHA384:AAECAwQFBgcICQoLDA0ODw==:mZkL901hMfyg/jWuPXIOdMpLfkAKQ8JZYnAZPGRqFxxREgxaN7QfIUGp012XxiXu",
    "HMACSHA512:AAECAwQFBgcICQoLDA0ODw==:6uoyfHZG09l3x0K6vCHHN4Os087drBTWAQann3B50OD3Sj6P6/IAoVCpunN0EjMZ3ss9+yzUAbAh60DXtEsAJA==",
    "MD5:AAECAwQFBgcICQoLDA0ODw==:rZmHowtr6Emw+SJyrgUL7A==",
    "HMACMD5:AAECAwQFBgcICQoLDA0ODw==:cqjZ7wljXA6xqeT9fhzBvA==",
];

#[tokio::test]
async fn a_hash_of_any_kind_lets_in_once_and_is_one_of_todays_afterwards() {
    let house = House::start().await;
    let accounts = accounts(&house).await;
    for (number, hash) in HASHES.into_iter().enumerate() {
        let name = format!("old{number}");
        add(&house, &name, &format!("membership:{hash}")).await;
        let wrong = type_in(&house, &mut house.browser(), &name, "b – correct horse e").await;
        assert!(wrong.text().contains("The name or the password is not right."), "{hash}");
        let kept = accounts.find(&format!("sitecore\\{name}")).await.unwrap().unwrap();
        assert!(kept.password_hash.unwrap().expose().starts_with("membership:"), "{hash}");
        for time in 0..2 {
            let answer = type_in(&house, &mut house.browser(), &name, OLD_PASSWORD).await;
            assert!(answer.is_redirect(), "{hash} {time}: {}", answer.gist());
            let kept = accounts.find(&format!("sitecore\\{name}")).await.unwrap().unwrap();
            assert!(password::is_current(kept.password_hash.unwrap().expose()), "{hash}");
            assert_eq!(kept.history.len(), time + 1);
            let last = kept.last_sign_in.unwrap();
            assert_eq!((last.provider.as_str(), last.at), ("local", house.clock.now()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_upgrade_one_hash_at_once_all_get_in() {
    let house = House::start().await;
    add(&house, "old", &format!("membership:{}", HASHES[0])).await;
    let tries = (0..8).map(|_| async {
        let mut browser = house.browser();
        let page = browser.get(&format!("{}/account/login", house.issuer())).await;
        let fields = [("username", "old"), ("password", OLD_PASSWORD)];
        browser.submit(&page, &fields).await.is_redirect()
    });
    let entered: Vec<bool> = futures_util::future::join_all(tries).await;
    assert!(entered.iter().all(|entered| *entered), "{entered:?}");
}

#[tokio::test]
async fn clients_are_told_of_a_user_of_the_store_as_of_one_of_the_configuration() {
    let house = House::start().await;
    let hash = password::hash(&Secret::new(PASSWORD)).unwrap();
    add(&house, "ann", &hash).await;
    let accounts = accounts(&house).await;
    let mut ann = accounts.find("sitecore\\ann").await.unwrap().unwrap();
    ann.set_property("given_name", "Ann");
    ann.set_property("email_verified", "true");
    ann.set_property("IsAdministrator", "true");
    accounts.save(&ann, false).await.unwrap();

    let mut browser = house.browser();
    let scope = [("scope", "openid profile email offline_access")];
    let reply = house.authorize_as(&mut browser, "ann", "web", &scope).await;
    let tokens = house.redeem("web", reply.sent("code")).await.json();
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let told = house.get("/connect/userinfo", &[("Authorization", &bearer)]).await.json();
    assert_eq!(told["email"], "ann@example.test");
    assert_eq!(told["given_name"], "Ann");
    assert_eq!(told["preferred_username"], "ann");
    assert_eq!(told.get("email_verified"), None);

    // What happens to the user meanwhile is seen at the next question.
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let renewed = house.token("web", &form).await;
    assert_eq!(renewed.status, 200, "{}", renewed.text());
    let mut ann = accounts.find("sitecore\\ann").await.unwrap().unwrap();
    ann.disabled = true;
    accounts.save(&ann, false).await.unwrap();
    let next = renewed.json()["refresh_token"].as_str().unwrap_or(refresh).to_owned();
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*next)];
    let refused = house.token("web", &form).await;
    assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_grant")));
    let gone = house.get("/connect/userinfo", &[("Authorization", &bearer)]).await;
    assert_eq!(gone.status, 401);
    let form = [("grant_type", "password"), ("username", "ann"), ("password", PASSWORD)];
    let refused = house.token("password", &form).await;
    assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_grant")));
}

#[tokio::test]
async fn that_a_user_is_disabled_or_locked_is_told_to_who_knows_the_password() {
    let house = House::start().await;
    let hash = password::hash(&Secret::new(PASSWORD)).unwrap();
    let accounts = accounts(&house).await;
    for (name, disabled) in [("off", true), ("shut", false)] {
        add(&house, name, &hash).await;
        let mut account = accounts.find(&format!("sitecore\\{name}")).await.unwrap().unwrap();
        (account.disabled, account.locked) = (disabled, !disabled);
        accounts.save(&account, false).await.unwrap();
        let wrong = type_in(&house, &mut house.browser(), name, "guess").await;
        assert_eq!(wrong.status, 200);
        assert!(wrong.text().contains("The name or the password is not right."));
        let right = type_in(&house, &mut house.browser(), name, PASSWORD).await;
        let words = if disabled { "has been switched off" } else { "is locked" };
        assert_eq!(right.status, 403);
        assert!(right.text().contains(words), "{}", right.gist());
        let kept = accounts.find(&format!("sitecore\\{name}")).await.unwrap().unwrap();
        assert_eq!(kept.last_sign_in, None);
    }
}

#[tokio::test]
async fn s350_five_wrong_passwords_close_the_account_to_that_network_for_ten_minutes() {
    let house = House::start().await;
    let hash = password::hash(&Secret::new(PASSWORD)).unwrap();
    add(&house, "ann", &hash).await;
    let spellings = ["ann", "ANN", "sitecore\\ann", " Sitecore\\Ann ", "ann"];
    for name in spellings {
        let wrong = type_in(&house, &mut house.browser(), name, "guess").await;
        assert_eq!(wrong.status, 200, "{name}");
    }
    house.later(590);
    for name in ["Ann", "sitecore\\ANN"] {
        let closed = type_in(&house, &mut house.browser(), name, PASSWORD).await;
        assert_eq!((closed.status, closed.header("retry-after")), (429, Some("10")), "{name}");
    }
    // Others come in, and it is the form alone that is closed.
    assert!(type_in(&house, &mut house.browser(), "jane", PASSWORD).await.is_redirect());
    house.later(10);
    for _ in 0..3 {
        for _ in 0..4 {
            type_in(&house, &mut house.browser(), "ann", "guess").await;
        }
        let open = type_in(&house, &mut house.browser(), "ann", PASSWORD).await;
        assert!(open.is_redirect(), "a right one resets: {}", open.gist());
    }
}

#[tokio::test]
async fn the_window_is_as_the_identity_file_says() {
    let options = "<SitecoreMembershipOptions><MaxInvalidPasswordAttempts>2</MaxInvalidPasswordAttempts><PasswordAttemptWindow>1</PasswordAttemptWindow></SitecoreMembershipOptions>";
    let document = settings("").replace("<IdentityServer>", &format!("<IdentityServer>{options}"));
    let house = House::settings(&document, "").await;
    for status in [200, 200, 429] {
        let wrong = type_in(&house, &mut house.browser(), "jane", "guess").await;
        assert_eq!(wrong.status, status);
    }
    house.later(60);
    assert!(type_in(&house, &mut house.browser(), "jane", PASSWORD).await.is_redirect());
}
