//! What people see: snapshots of the pages, their headers, and hostile input in every field.

mod samples;

use http::HeaderName;
use http::StatusCode;
use http_body_util::BodyExt;
use vestibule::config::model::Appearance;
use vestibule::error::Problem;
use vestibule::http::Response;
use vestibule::pages;
use vestibule::pages::Language;
use vestibule::pages::Look;

use crate::pages::samples::PAGES;
use crate::pages::samples::Page;
use crate::pages::samples::error;
use crate::pages::samples::form_post;
use crate::pages::samples::request;
use crate::pages::samples::sign_in;
use crate::pages::samples::sign_out;
use crate::pages::samples::signed_out;

fn body(response: Response) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let bytes = runtime.block_on(response.into_body().collect()).unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The page without its stylesheets, so that a change of colour is no change of a snapshot.
fn markup(response: Response) -> String {
    let text = body(response);
    let mut pieces = text.split("<style>");
    let mut markup = pieces.next().unwrap().to_owned();
    for piece in pieces {
        markup.push_str(piece.split_once("</style>").unwrap().1);
    }
    markup
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let name: HeaderName = name.parse().unwrap();
    let mut values = response.headers().get_all(&name).iter();
    let value = values.next().unwrap_or_else(|| panic!("no {name}"));
    assert!(values.next().is_none(), "{name} twice");
    value.to_str().unwrap()
}

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
        look: &Look::default(),
        return_link: Some("javascript:alert(1)"),
        client: None,
        returns_after: Some(3),
        frames: &[],
        request: &request,
    });
    let text = markup(page);
    assert!(!text.contains("return-link") && !text.contains("javascript:"), "{text}");

    let problem = Problem::SignInRequired { sign_in: "//evil.test".to_owned() };
    assert!(
        !markup(pages::problem(&problem, Some(&Look::default()), &request)).contains("evil.test")
    );
}

#[test]
fn h329_every_page_carries_the_security_headers_once() {
    for Page { name, render } in PAGES {
        let response = render("");
        let policy = header(&response, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{name}: {policy}");
        let ancestors = if name == "frames" { "'self'" } else { "'none'" };
        let framing = format!("base-uri 'none'; frame-ancestors {ancestors}");
        assert!(policy.contains(&framing), "{name}: {policy}");
        assert!(!policy.contains("unsafe"), "{name}: {policy}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        assert_eq!(header(&response, "strict-transport-security"), "max-age=31536000");
        assert_eq!(header(&response, "cross-origin-opener-policy"), "same-origin");
        assert!(header(&response, "permissions-policy").contains("camera=()"));
        assert_eq!(header(&response, "cache-control"), "no-store");
        assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8");
        assert_eq!(response.headers().contains_key("x-frame-options"), name != "frames");
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

    let nowhere =
        pages::FormPost { look: &Look::default(), action: "javascript:alert(1)", fields: &[] };
    assert_eq!(pages::form_post(&nowhere).status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn a_failed_sign_in_ties_its_message_to_the_fields() {
    let text = markup(sign_in(""));
    assert!(text.contains("<title>Error: Sign in – Contoso</title>"));
    assert!(text.contains("role=\"alert\" id=\"message\""));
    assert_eq!(text.matches("aria-invalid=\"true\" aria-describedby=\"message\"").count(), 2);
}

#[test]
fn a_page_without_any_way_to_sign_in_says_so() {
    let request = request();
    let page = pages::SignIn {
        look: &Look::default(),
        client: None,
        cancel: None,
        notice: None,
        status: StatusCode::OK,
        form: None,
        buttons: &[],
        request: &request,
    };
    let text = markup(pages::sign_in(&page));
    assert!(text.contains("No way to sign in"), "{text}");
    assert!(!text.contains("<form"));
}

#[test]
fn programs_get_a_problem_document() {
    let problem = Problem::SignInRequired { sign_in: "/identity/login/shell/Azure AD".to_owned() };
    let response = pages::problem(&problem, None, &request());
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
    let response = pages::problem(&Problem::UnknownHost(hostile.clone()), None, &request());
    let document: serde_json::Value = serde_json::from_str(&body(response)).unwrap();
    assert!(document["detail"].as_str().unwrap().contains(&hostile));
}

#[test]
fn answers_say_what_to_do_next() {
    let answer = |problem: Problem| pages::problem(&problem, Some(&Look::default()), &request());
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
    let text = markup(pages::problem(&Problem::Internal, Some(&Look::default()), &request()));
    assert!(text.contains("<main id=\"error\""));
    assert!(text.contains("<code id=\"request-id\">00000000000000000000000000000042</code>"));
    for inner in ["vestibule", "hyper", "src/", "panicked"] {
        assert!(!text.contains(inner), "{text}");
    }
}

#[test]
fn the_owners_colour_is_let_through_and_nothing_else() {
    let response = sign_in("");
    let policy = header(&response, "content-security-policy").to_owned();
    let (_, sources) = policy.split_once("style-src ").unwrap();
    let (sources, _) = sources.split_once(';').unwrap();
    assert_eq!(sources.split(' ').filter(|source| source.starts_with("'sha256-")).count(), 2);
    let text = body(response);
    assert!(text.contains("--fill:#0a5c36;--on-fill:#ffffff"), "{text}");
}

#[test]
fn every_page_speaks_each_language() {
    for language in Language::ALL {
        let wishes = language.tag().parse().unwrap();
        let look = Look::new(&Appearance::default(), Some(&wishes));
        let (open, lang) = (request(), format!("<html lang=\"{}\">", language.tag()));
        let page = pages::sign_out(&pages::SignOut {
            look: &look,
            action: "/identity/logout",
            fields: &[],
            request: &open,
        });
        let text = markup(page);
        assert!(text.contains(&lang), "{text}");
        let english = text.contains(">Sign out</button>");
        assert_eq!(english, language == Language::English, "{text}");
        let problem = pages::problem(&Problem::Internal, Some(&look), &open);
        let text = markup(problem);
        let english = text.contains("Something went wrong here");
        assert_eq!(english, language == Language::English, "{text}");
    }
}

#[test]
fn words_that_are_english_on_a_page_that_is_not_say_so() {
    let look = Look::default().speaking(Some("da"));
    let problem = Problem::NotFound("No such site.".into());
    let text = markup(pages::problem(&problem, Some(&look), &request()));
    assert!(text.contains("<p role=\"alert\" lang=\"en\">No such site.</p>"), "{text}");
    assert!(text.contains("Her er ikke noget"), "{text}");
}

#[test]
fn the_way_back_is_taken_by_itself_where_that_is_wanted() {
    let page = |link| {
        let request = request();
        pages::signed_out(&pages::SignedOut {
            look: &Look::default(),
            return_link: Some(link),
            client: None,
            returns_after: Some(3),
            frames: &[],
            request: &request,
        })
    };
    let response = page("https://app.test/done?state=x");
    assert_eq!(header(&response, "refresh"), "3;url=https://app.test/done?state=x");
    for hostile in ["javascript:alert(1)", "https://app.test/\r\nx: y"] {
        assert!(!page(hostile).headers().contains_key("refresh"), "{hostile:?}");
    }
}

/// A key that a template or a page names and no catalogue has would stand on the page as itself.
#[test]
fn every_text_that_a_page_asks_for_is_in_the_catalogue() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages");
    let catalogue = std::fs::read_to_string(root.join("catalogue/en.ftl")).unwrap();
    let mut asked = 0;
    for folder in [root.clone(), root.join("templates")] {
        for file in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap_or_default();
            for call in [".say(\"", ".with(\""] {
                for rest in text.split(call).skip(1) {
                    let (key, _) = rest.split_once('"').unwrap();
                    assert!(catalogue.contains(&format!("\n{key} = ")), "{key}");
                    asked += 1;
                }
            }
        }
    }
    assert!(asked > 40, "{asked}");
}
