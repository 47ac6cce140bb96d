//! A sign-in step by step, for scenarios that change one of the steps.

use crate::support::browser::Browser;
use crate::support::wire::Answer;
use crate::support::world::SESSION;
use crate::support::world::World;

/// Where a sign-in at shell starts.
pub(crate) const START: &str = "/identity/login/shell/Partner";

/// Starts a sign-in that is to end at `target`; the address at the provider.
pub(crate) async fn start(browser: &mut Browser, target: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("returnUrl", target);
    let answer = browser.get(&format!("{START}?{}", query.finish())).await;
    answer.location().to_owned()
}

/// Starts a sign-in and goes through the provider; the callback address with its code and state,
/// which has not been opened yet.
pub(crate) async fn callback(browser: &mut Browser, target: &str) -> String {
    let provider = start(browser, target).await;
    browser.get(&provider).await.location().to_owned()
}

/// `address` with its query parameter `name` set to `value`, or taken out.
pub(crate) fn changed(address: &str, name: &str, value: Option<&str>) -> String {
    let mut url = url::Url::parse(address).unwrap();
    let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    pairs.retain(|(known, _)| known != name);
    pairs.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    url.query_pairs_mut().clear().extend_pairs(pairs);
    url.into()
}

/// A query parameter of `address`.
pub(crate) fn parameter(address: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(address).unwrap();
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// Whether `answer` leads a person on: a redirect on this host, to the provider, or a page.
pub(crate) fn leads_on(world: &World, answer: &Answer) -> bool {
    if answer.is_redirect() {
        let to = answer.location();
        let own = to.starts_with('/') && !to.starts_with("//");
        return own || to.starts_with(&world.url("/")) || to.starts_with(&world.idp.issuer);
    }
    (200..504).contains(&answer.status) && answer.text().contains("<main")
}

/// Signs in with whatever lies the provider tells: nobody must get a session, the CMS must see
/// nobody, and the person must get a page.
pub(crate) async fn fails(world: &World, why: &str) {
    let mut browser = world.browser();
    let answer = browser.go("/sitecore/shell/").await;
    assert_eq!(browser.cookie(SESSION), None, "{why}: a session came of it");
    assert!(answer.status >= 400, "{why}: {}", answer.status);
    assert!(answer.text().contains("<main"), "{why}: no page: {}", answer.gist());
    assert_eq!(world.cms.count(), 0, "{why}");
}
