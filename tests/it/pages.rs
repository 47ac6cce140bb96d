//! What people see: snapshots of the pages, their headers, and hostile input in every field.

use http::HeaderName;
use http::StatusCode;
use http_body_util::BodyExt;
use vestibule::error::Problem;
use vestibule::http::RequestId;
use vestibule::http::Response;
use vestibule::pages;

fn request() -> RequestId {
    RequestId::accept("00000000000000000000000000000042").unwrap()
}

fn body(response: Response) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let bytes = runtime.block_on(response.into_body().collect()).unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The page without its stylesheet, so that a change of colour is no change of a snapshot.
fn markup(response: Response) -> String {
    let text = body(response);
    let (head, rest) = text.split_once("<style>").unwrap();
    let (_, tail) = rest.split_once("</style>").unwrap();
    format!("{head}<style></style>{tail}")
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let name: HeaderName = name.parse().unwrap();
    let mut values = response.headers().get_all(&name).iter();
    let value = values.next().unwrap_or_else(|| panic!("no {name}"));
    assert!(values.next().is_none(), "{name} twice");
    value.to_str().unwrap()
}

fn buttons(text: &str) -> Vec<pages::Button> {
    vec![
        pages::Button {
            caption: format!("Azure AD {text}"),
            icon: Some(format!("/sitecore/icon.png{text}")),
            action: format!("/identity/externallogin?authenticationType=AzureAD{text}"),
        },
        pages::Button {
            caption: "Partner".to_owned(),
            icon: None,
            action: "/identity/externallogin?authenticationType=Partner".to_owned(),
        },
    ]
}

fn sign_in(text: &str) -> Response {
    let request = request();
    pages::sign_in(&pages::SignIn {
        status: StatusCode::UNAUTHORIZED,
        form: Some(pages::LocalForm {
            action: &format!("/account/login{text}"),
            return_url: &format!("/sitecore/shell/?a=b&c=d{text}"),
            token: &format!("proof{text}"),
            username: &format!("sitecore\\jane{text}"),
            remember: true,
        }),
        buttons: &buttons(text),
        message: Some(&format!("The name or the password is wrong.{text}")),
        request: &request,
    })
}

fn sign_out(text: &str) -> Response {
    let request = request();
    pages::sign_out(&pages::SignOut {
        action: &format!("/identity/logout{text}"),
        fields: &[("token", &format!("proof{text}")), ("returnUrl", "/")],
        request: &request,
    })
}

fn signed_out(text: &str) -> Response {
    let request = request();
    pages::signed_out(&pages::SignedOut {
        return_link: Some(&format!("https://app.test/done{text}")),
        frames: &[
            format!("https://app.test/frontchannel?sid=1&iss=x{text}"),
            "https://app.test/other".to_owned(),
            "https://other.test:8443/frontchannel".to_owned(),
            "javascript:alert(1)".to_owned(),
        ],
        request: &request,
    })
}

fn form_post(text: &str) -> Response {
    pages::form_post(&pages::FormPost {
        action: &format!("https://app.test/signin-oidc?a=b{text}"),
        fields: &[("code", "abc"), ("state", &format!("state{text}")), ("submit", "x")],
    })
}

fn failed_sign_in(text: &str) -> Problem {
    Problem::SignInFailed {
        status: StatusCode::BAD_GATEWAY,
        reason: "provider_down",
        detail: format!("Azure AD did not answer.{text}"),
        retry: Some(format!("/identity/login/shell/AzureAD?returnUrl=%2F{text}")),
    }
}

fn error(text: &str) -> Response {
    pages::problem(&failed_sign_in(text), true, &request())
}

struct Page {
    name: &'static str,
    render: fn(&str) -> Response,
}

const PAGES: [Page; 5] = [
    Page { name: "sign_in", render: sign_in },
    Page { name: "sign_out", render: sign_out },
    Page { name: "signed_out", render: signed_out },
    Page { name: "form_post", render: form_post },
    Page { name: "error", render: error },
];

#[test]
fn pages_look_like_their_snapshots() {
    for Page { name, render } in PAGES {
        insta::assert_snapshot!(name, markup(render("")));
    }
}

#[test]
fn h326_h328_hostile_input_stays_text() {
    let hostile = "\"'></script><svg/onload=alert(1)><!--{{7*7}}{%x%}&lt;\u{2028}é";
    for Page { name, render } in PAGES {
        let (calm, attacked) = (markup(render("")), markup(render(hostile)));
        assert!(!attacked.contains("<svg/onload"), "{name}");
        assert!(attacked.contains("{{7*7}}"), "{name}: templates are not read twice");
        for delimiter in ['<', '>', '"', '\''] {
            let count = |text: &str| text.matches(delimiter).count();
            assert_eq!(count(&calm), count(&attacked), "{name} lets {delimiter} through");
        }
    }
}

#[test]
fn h326_links_that_run_instead_of_leading_are_left_out() {
    let request = request();
    let page = pages::signed_out(&pages::SignedOut {
        return_link: Some("javascript:alert(1)"),
        frames: &[],
        request: &request,
    });
    let text = markup(page);
    assert!(!text.contains("return-link") && !text.contains("javascript:"), "{text}");

    let problem = Problem::SignInRequired { sign_in: "//evil.test".to_owned() };
    assert!(!markup(pages::problem(&problem, true, &request)).contains("evil.test"));
}

#[test]
fn h329_every_page_carries_the_security_headers_once() {
    for Page { name, render } in PAGES {
        let response = render("");
        let policy = header(&response, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{name}: {policy}");
        assert!(policy.contains("base-uri 'none'; frame-ancestors 'none'"), "{name}: {policy}");
        assert!(!policy.contains("unsafe"), "{name}: {policy}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        assert_eq!(header(&response, "strict-transport-security"), "max-age=31536000");
        assert_eq!(header(&response, "cross-origin-opener-policy"), "same-origin");
        assert!(header(&response, "permissions-policy").contains("camera=()"));
        assert_eq!(header(&response, "cache-control"), "no-store");
        assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8");
    }
}

#[test]
fn forms_whose_post_is_redirected_elsewhere_are_not_held_back() {
    assert!(!header(&sign_in(""), "content-security-policy").contains("form-action"));
    assert!(!header(&sign_out(""), "content-security-policy").contains("form-action"));
    assert!(header(&error(""), "content-security-policy").contains("form-action 'none'"));
}

#[test]
fn front_channel_frames_are_allowed_by_origin_and_nothing_else_is() {
    let response = signed_out("");
    let policy = header(&response, "content-security-policy").to_owned();
    assert!(policy.ends_with("; frame-src https://app.test https://other.test:8443"), "{policy}");
    let text = markup(response);
    assert_eq!(text.matches("<iframe").count(), 3);
    assert!(text.contains("src=\"https://app.test/frontchannel?sid=1&#38;iss=x\""), "{text}");
}

#[test]
fn h328_a_self_posting_form_may_reach_its_target_alone() {
    let response = form_post("");
    let policy = header(&response, "content-security-policy").to_owned();
    assert!(policy.ends_with("; form-action https://app.test"), "{policy}");
    let text = markup(response);
    let (_, script) = text.split_once("<script>").unwrap();
    let (script, _) = script.split_once("</script>").unwrap();
    // printf %s "$script" | openssl dgst -sha256 -binary | base64
    assert_eq!(script, "HTMLFormElement.prototype.submit.call(document.forms[0])");
    assert!(policy.contains("script-src 'sha256-ox4bri+xTrW3kuLTyRoak73QX8KZGuyP3JlQYusbSlA='"));

    let nowhere = pages::FormPost { action: "javascript:alert(1)", fields: &[] };
    assert_eq!(pages::form_post(&nowhere).status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn a_failed_sign_in_ties_its_message_to_the_fields() {
    let text = markup(sign_in(""));
    assert!(text.contains("<title>Error: Sign in</title>"));
    assert!(text.contains("role=\"alert\" id=\"message\""));
    assert_eq!(text.matches("aria-invalid=\"true\" aria-describedby=\"message\"").count(), 2);
}

#[test]
fn a_page_without_any_way_to_sign_in_says_so() {
    let request = request();
    let page = pages::SignIn {
        status: StatusCode::OK,
        form: None,
        buttons: &[],
        message: None,
        request: &request,
    };
    let text = markup(pages::sign_in(&page));
    assert!(text.contains("No way to sign in"), "{text}");
    assert!(!text.contains("<form"));
}

#[test]
fn programs_get_a_problem_document() {
    let problem = Problem::SignInRequired { sign_in: "/identity/login/shell/Azure AD".to_owned() };
    let response = pages::problem(&problem, false, &request());
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(header(&response, "content-type"), "application/problem+json");
    assert_eq!(header(&response, "cache-control"), "no-store");
    assert_eq!(header(&response, "vary"), "Accept, Cookie");
    assert_eq!(header(&response, "www-authenticate"), "Cookie realm=\"Vestibule\"");
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    let document: serde_json::Value = serde_json::from_str(&body(response)).unwrap();
    let expected = serde_json::json!({
        "type": "urn:vestibule:problem:sign_in_required",
        "title": "Sign in first",
        "status": 401,
        "detail": "Your session has ended or you have not signed in.",
        "request_id": "00000000000000000000000000000042",
        "sign_in": "/identity/login/shell/Azure AD",
    });
    assert_eq!(document, expected);
}

#[test]
fn h332_a_problem_document_is_json_whatever_it_quotes() {
    let hostile = "\u{0}\"\\</script>\u{1f}\u{7f}\r\n\u{2028}\u{1f600}".to_owned();
    let response = pages::problem(&Problem::UnknownHost(hostile.clone()), false, &request());
    let document: serde_json::Value = serde_json::from_str(&body(response)).unwrap();
    assert!(document["detail"].as_str().unwrap().contains(&hostile));
}

#[test]
fn answers_say_what_to_do_next() {
    let answer = |problem: Problem| pages::problem(&problem, true, &request());
    let allowed = answer(Problem::MethodNotAllowed { allow: "GET, HEAD" });
    assert_eq!(header(&allowed, "allow"), "GET, HEAD");
    let limited = answer(Problem::TooManyRequests { retry_after: 7 });
    assert_eq!(header(&limited, "retry-after"), "7");
    let missing = answer(Problem::Unavailable("The keys are not ready.".into()));
    assert_eq!(header(&missing, "retry-after"), "10");
    let sign_in = answer(Problem::SignInRequired { sign_in: "/sitecore/login".to_owned() });
    assert!(markup(sign_in).contains("href=\"/sitecore/login\">Sign in</a>"));
}

#[test]
fn h344_error_pages_name_the_request_and_nothing_inside() {
    let text = markup(pages::problem(&Problem::Internal, true, &request()));
    assert!(text.contains("<main id=\"error\""));
    assert!(text.contains("<code id=\"request-id\">00000000000000000000000000000042</code>"));
    for inner in ["vestibule", "hyper", "src/", "panicked"] {
        assert!(!text.contains(inner), "{text}");
    }
}
