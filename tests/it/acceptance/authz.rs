//! AUTHZ: what makes an authorization request valid.

use crate::acceptance::house::House;

#[tokio::test]
async fn authz13_the_words_of_a_response_type_have_no_order() {
    let house = House::start().await;
    let mut browser = house.browser();
    for words in ["code id_token", "id_token code"] {
        let reply = house.authorize(&mut browser, "hybrid", &[("response_type", words)]).await;
        assert_eq!(reply.mode, "fragment", "{words}");
        let (_, claims) = house.verified(reply.sent("id_token")).await;
        assert_eq!(claims["aud"], "hybrid");
        assert!(!reply.sent("code").is_empty());
    }
}
