//! Class A, the forwarding family: who says where a request comes from.

use crate::headers::with_session;
use crate::support::world::World;

#[tokio::test]
async fn a26_an_untrusted_peer_does_not_say_where_it_comes_from() {
    let many = "X-Forwarded-For: 10.0.0.1\r\n".repeat(60);
    for line in [
        "X-Forwarded-For: 127.0.0.2\r\n",
        "X-Forwarded-For: a\r\n",
        "X-Forwarded-For: 10.0.0.1, \r\n",
        "X-Forwarded-For: ::1%eth0\r\n",
        &many,
    ] {
        let seen = with_session(line).await;
        assert_eq!(seen.values("x-forwarded-for"), ["127.0.0.1"], "{line}");
        assert!(seen.header("forwarded").unwrap().contains("127.0.0.1"));
        assert!(!seen.text().contains("10.0.0.1") && !seen.text().contains("127.0.0.2"));
    }
}

#[tokio::test]
async fn a28_a_forwarded_host_poisons_no_address() {
    let world = World::start().await;
    let lines = "X-Forwarded-Host: evil.test\r\nForwarded: host=evil.test;proto=http\r\nX-Original-Host: evil.test\r\nAccept: text/html\r\n";
    let answer = world.raw_get("/identity/login/shell/Partner", lines).await;
    let redirect_uri = format!("redirect_uri={}", "https%3A%2F%2Fcms.localhost");
    assert!(answer.location().contains(&redirect_uri), "{}", answer.location());
    assert!(!answer.location().contains("evil.test"));
}

#[tokio::test]
async fn a29_the_long_tail_of_forwarding_headers_is_cut() {
    let names = [
        "X-Forwarded-Uri",
        "X-Forwarded-Method",
        "X-Forwarded-Prefix",
        "X-Forwarded-Port",
        "X-Forwarded-Server",
        "X-Forwarded-Path",
        "X-Forwarded-Scheme",
        "X-Forwarded-Ssl",
        "X-Forwarded-Access-Token",
        "X-Original-URL",
        "X-Original-URI",
        "X-Original-Method",
        "X-Original-Host",
        "X-Rewrite-URL",
        "X-Real-IP",
        "X-Client-IP",
        "True-Client-IP",
        "CF-Connecting-IP",
        "X-Envoy-Original-Path",
        "X-Envoy-External-Address",
        "X-ARR-ClientCert",
        "X-ARR-LOG-ID",
        "X-ProxyUser-Ip",
        "X-MS-CLIENT-PRINCIPAL",
        "X-MS-CLIENT-PRINCIPAL-NAME",
        "X-SSL-Client-Cert",
        "X-SSL-Client-S-DN",
        "X-HTTP-Method-Override",
        "X-Accel-Redirect",
        "SC-User",
        "X_Real_IP",
        "X_Original_URL",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "Forwarded",
        "Proxy",
    ];
    let lines =
        names.iter().map(|name| format!("{name}: evil-value\r\n")).collect::<Vec<_>>().concat();
    let seen = with_session(&lines).await;
    assert!(!seen.text().contains("evil-value"), "{}", seen.text());
    assert_eq!(seen.target, "/sitecore/shell/page");
    assert_eq!(seen.method, "GET");
}

#[tokio::test]
async fn a31_a_listed_peer_is_believed_and_the_address_appended() {
    let trusted = r#"<gateway><listeners><listener name="https" set:trustedProxies="127.0.0.0/8" /></listeners></gateway>"#;
    let world = World::with(trusted).await;
    world.raw_get("/public/", "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-User: admin\r\n").await;
    let seen = world.cms.last();
    assert_eq!(seen.values("x-forwarded-for").join(", "), "203.0.113.7, 127.0.0.1");
    assert!(!seen.text().contains("admin"), "even a trusted proxy does not say who somebody is");
}

#[tokio::test]
async fn a31_a_list_without_the_peer_trusts_nobody() {
    let others = r#"<gateway><listeners><listener name="https" set:trustedProxies="10.0.0.0/8" /></listeners></gateway>"#;
    let world = World::with(others).await;
    world.raw_get("/public/", "X-Forwarded-For: 203.0.113.7\r\n").await;
    assert_eq!(world.cms.last().values("x-forwarded-for"), ["127.0.0.1"]);
}

#[tokio::test]
async fn a32_a_user_agent_opens_nothing() {
    let world = World::start().await;
    for agent in ["GoogleHC/1.0", "kube-probe/1.30", "ELB-HealthChecker/2.0"] {
        let answer = world.raw_get("/sitecore/shell/", &format!("User-Agent: {agent}\r\n")).await;
        assert_eq!(answer.status, 401, "{agent}");
    }
    assert_eq!(world.cms.count(), 0);
}
