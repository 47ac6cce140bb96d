//! Listeners, upstreams and headers of `<gateway>`.

use vestibule::config::model::HeaderSource;

use super::faults;
use super::refused;
use super::with;

#[test]
fn a_patch_of_the_gateway_may_write_its_attributes_plainly() {
    let config = with(
        "<gateway data=\"elsewhere\"><listeners><listener name=\"https\" address=\"127.0.0.1:443\" hosts=\"a.test|b.test\" /></listeners><identityHeaders preset=\"remote-user\" /></gateway>",
    );
    let https = &config.listeners[0];
    assert_eq!(https.address.to_string(), "127.0.0.1:443");
    assert_eq!(https.hosts, ["a.test", "b.test"]);
    assert_eq!(config.listeners.len(), 3);
    assert_eq!(config.identity_headers.headers[0].name, "remote-user");
    assert_eq!(config.identity_headers.assertion.as_ref().unwrap(), "x-vestibule-assertion");
    assert_eq!(config.data.to_str(), Some("elsewhere"));
}

#[test]
fn listeners_and_upstreams_are_checked() {
    let listener = |text: &str| {
        format!("<gateway><listeners><listener name=\"x\" {text} /></listeners></gateway>")
    };
    refused(
        &listener("address=\"localhost:80\" plain=\"true\""),
        "3: address=\"localhost:80\" cannot be read",
    );
    refused(
        &listener("address=\"0.0.0.0:9443\""),
        "3: nothing clear says what the listener `x` serves",
    );
    refused(
        &listener("address=\"0.0.0.0:9443\" certificate=\"a.pem\" plain=\"true\""),
        "3: a certificate needs its key",
    );
    refused(
        &listener("address=\"0.0.0.0:9443\" redirectTo=\"htps\""),
        "3: redirectTo=\"htps\" names no listener",
    );
    refused(
        &listener("address=\"0.0.0.0:8443\" plain=\"true\""),
        "3: two listeners have the address 0.0.0.0:8443",
    );
    refused(
        &listener("address=\"0.0.0.0:9443\" plain=\"true\" hosts=\"https://a\""),
        "3: `https://a` is not a host name",
    );
    refused(
        &listener("address=\"0.0.0.0:9443\" plain=\"true\" trustedProxies=\"10.0.0.0/40\""),
        "3: `10.0.0.0/40` has a prefix length outside 0 to 32",
    );
    refused(
        &listener("address=\"0.0.0.0:9443\" plain=\"yes\""),
        "3: plain=\"yes\" cannot be read; write true or false",
    );
    let upstream = |text: &str| {
        format!("<gateway><upstreams><upstream name=\"x\">{text}</upstream></upstreams></gateway>")
    };
    refused(&upstream(""), "3: the upstream `x` has no server");
    let faults = faults(&upstream("<server url=\"http://host/path\" />"));
    assert!(faults[1].starts_with("3: url=\"http://host/path\" cannot be read"), "{faults:#?}");
}

#[test]
fn n311_header_names_are_legal_and_tell_themselves_apart() {
    let header = |text: &str| {
        format!("<gateway><identityHeaders><header {text} /></identityHeaders></gateway>")
    };
    refused(
        &header("name=\"X-Forwarded_User\" claim=\"a\""),
        "3: the header `X-Forwarded_User` holds an underscore",
    );
    refused(
        &header("name=\"XForwarded-User\" claim=\"a\""),
        "3: two headers are `xforwarded-user` once letters and digits alone are kept",
    );
    refused(&header("name=\"X User\" claim=\"a\""), "3: `X User` is not a header name");
    refused(&header("name=\"Host\" claim=\"a\""), "3: the header `host` has a meaning of its own");
    refused(
        &header("name=\"X-Forwarded-For\" claim=\"a\""),
        "3: the header `x-forwarded-for` has a meaning of its own",
    );
    refused(&header("name=\"X-Tenant\""), "3: the header `X-Tenant` needs exactly one source");
    refused(
        &header("name=\"X-Tenant\" claim=\"a\" property=\"b\""),
        "3: the header `X-Tenant` needs exactly one source",
    );
    let config = with(&header("name=\"X-Tenant\" claim=\"tid\""));
    assert_eq!(config.identity_headers.headers[4].source, HeaderSource::Claim("tid".to_owned()));
}
