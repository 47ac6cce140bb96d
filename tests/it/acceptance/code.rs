//! CODE: the grant `authorization_code`.

use crate::acceptance::house::House;

#[tokio::test]
async fn code01_the_happy_path_returns_every_token() {
    let house = House::start().await;
    let mut browser = house.browser();
    let tokens = house.tokens(&mut browser, "web", &[("scope", "openid profile")]).await;
    let (header, claims) = house.verified(tokens["id_token"].as_str().unwrap()).await;
    assert_eq!((&header["typ"], &claims["nonce"]), (&"JWT".into(), &"the nonce".into()));
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&"Bearer".into(), &3600.into()));
    assert_eq!(tokens["scope"], "openid profile");
    assert!(tokens.get("refresh_token").is_none());
    let answer = house.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(answer.json()["given_name"], "Jane");
    let tokens = house.tokens(&mut browser, "web", &[("scope", "openid offline_access")]).await;
    assert!(tokens["refresh_token"].is_string());
}
