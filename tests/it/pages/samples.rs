//! One of each page, with a text in every field that comes from outside.

use http::StatusCode;
use vestibule::clock::Timestamp;
use vestibule::config::model::Appearance;
use vestibule::config::model::Color;
use vestibule::error::Problem;
use vestibule::http::RequestId;
use vestibule::http::Response;
use vestibule::pages;
use vestibule::pages::Application;
use vestibule::pages::DeviceState;
use vestibule::pages::Look;
use vestibule::pages::Scope;

/// A page that can be rendered with any text in its fields.
pub(super) struct Page {
    /// The name of its snapshot.
    pub(super) name: &'static str,
    /// Renders it.
    pub(super) render: fn(&str) -> Response,
}

pub(super) const PAGES: [Page; 18] = [
    Page { name: "sign_in", render: sign_in },
    Page { name: "sign_out", render: sign_out },
    Page { name: "signed_out", render: signed_out },
    Page { name: "form_post", render: form_post },
    Page { name: "error", render: error },
    Page { name: "refused", render: refused },
    Page { name: "consent", render: consent },
    Page { name: "device_enter", render: device_enter },
    Page { name: "device_confirm", render: device_confirm },
    Page { name: "device_done", render: device_done },
    Page { name: "device_denied", render: device_denied },
    Page { name: "grants", render: grants },
    Page { name: "question_whose", render: question_whose },
    Page { name: "question_room", render: question_room },
    Page { name: "frames", render: frames },
    Page { name: "password_change", render: password_change },
    Page { name: "password_elsewhere", render: password_elsewhere },
    Page { name: "password_forgot", render: password_forgot },
];

pub(super) fn request() -> RequestId {
    RequestId::accept("00000000000000000000000000000042").unwrap()
}

/// The look of a site with a name of its own.
fn branded(text: &str) -> Look {
    let appearance = Appearance {
        title: Some(format!("Contoso{text}")),
        logo: Some(format!("/logo.svg{text}")),
        color: Color::read("#0a5c36"),
    };
    Look::new(&appearance, None)
}

pub(super) fn buttons(text: &str) -> Vec<pages::Button> {
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

fn question_whose(text: &str) -> Response {
    let (user, provider) = (format!("Jane Doe{text}"), format!("Okta{text}"));
    let identity = format!("Jane Doe, jane@company.test, 00u1{text}");
    question(text, pages::Asked::Whose { user, provider, identity })
}

fn question_room(text: &str) -> Response {
    let provider = format!("Okta{text}");
    question(text, pages::Asked::Room { provider, since: Timestamp(1_795_394_400) })
}

fn question(text: &str, asked: pages::Asked) -> Response {
    let request = request();
    pages::question(&pages::Question {
        look: &branded(text),
        asked,
        action: &format!("/identity/continue{text}"),
        token: &format!("token{text}"),
        answers: (&format!("same{text}"), &format!("own{text}")),
        request: &request,
    })
}

pub(super) fn sign_in(text: &str) -> Response {
    let request = request();
    pages::sign_in(&pages::SignIn {
        look: &branded(text),
        status: StatusCode::OK,
        client: Some(Application {
            name: &format!("Shop{text}"),
            uri: None,
            logo: Some(&format!("https://app.test/logo.png{text}")),
        }),
        form: Some(pages::LocalForm {
            action: &format!("/account/login{text}"),
            return_url: &format!("/sitecore/shell/?a=b&c=d{text}"),
            token: &format!("proof{text}"),
            username: &format!("sitecore\\jane{text}"),
            remember: true,
            recovery: Some(&format!("https://app.test/forgotten{text}")),
        }),
        buttons: &buttons(text),
        cancel: Some(&format!("/connect/authorize/callback?a=b{text}")),
        notice: Some(pages::Notice::WrongPassword),
        request: &request,
    })
}

pub(super) fn sign_out(text: &str) -> Response {
    let request = request();
    pages::sign_out(&pages::SignOut {
        look: &Look::default(),
        action: &format!("/identity/logout{text}"),
        fields: &[("token", &format!("proof{text}")), ("returnUrl", "/")],
        request: &request,
    })
}

pub(super) fn signed_out(text: &str) -> Response {
    let request = request();
    pages::signed_out(&pages::SignedOut {
        look: &Look::default(),
        return_link: Some(&format!("https://app.test/done{text}")),
        client: Some(&format!("Shop{text}")),
        returns_after: None,
        frames: &[
            format!("https://app.test/frontchannel?sid=1&iss=x{text}"),
            "https://app.test/other".to_owned(),
            "https://other.test:8443/frontchannel".to_owned(),
            "javascript:alert(1)".to_owned(),
        ],
        request: &request,
    })
}

pub(super) fn frames(text: &str) -> Response {
    let frames = [
        format!("https://app.test/frontchannel?sid=1&iss=x{text}"),
        "javascript:alert(1)".to_owned(),
    ];
    pages::frames(&pages::Frames { look: &Look::default(), frames: &frames, framed_by: &[] })
}

pub(super) fn form_post(text: &str) -> Response {
    pages::form_post(&pages::FormPost {
        look: &Look::default(),
        action: &format!("https://app.test/signin-oidc?a=b{text}"),
        fields: &[("code", "abc"), ("state", &format!("state{text}")), ("submit", "x")],
    })
}

pub(super) fn failed_sign_in(text: &str) -> Problem {
    Problem::SignInFailed {
        status: StatusCode::BAD_GATEWAY,
        reason: "provider_down",
        detail: "said to programs".to_owned(),
        provider: Some(format!("Azure AD{text}")),
        retry: Some(format!("/identity/login/shell/AzureAD?returnUrl=%2F{text}")),
    }
}

pub(super) fn error(text: &str) -> Response {
    pages::problem(&failed_sign_in(text), Some(&Look::default()), &request())
}

pub(super) fn refused(text: &str) -> Response {
    let request = request();
    pages::refused(&pages::Refused {
        look: &Look::default(),
        client: Some(&format!("Shop{text}")),
        error: &format!("invalid_request{text}"),
        description: &format!("a parameter stands there twice{text}"),
        request: &request,
    })
}

pub(super) fn consent(text: &str) -> Response {
    let request = request();
    let (name, description) = (format!("orders{text}"), format!("Of the last year{text}"));
    pages::consent(&pages::Consent {
        look: &Look::default(),
        client: shop(&format!("Shop{text}"), &format!("https://app.test/about{text}")),
        user: &format!("jane{text}"),
        scopes: &scopes(&name, &description),
        remember: Some(true),
        action: &format!("/consent{text}"),
        fields: &[("token", &format!("proof{text}"))],
        request: &request,
    })
}

fn shop<'a>(name: &'a str, uri: &'a str) -> Application<'a> {
    Application { name, uri: Some(uri), logo: Some("/shop.png") }
}

fn scopes<'a>(name: &'a str, description: &'a str) -> [Scope<'a>; 3] {
    let plain = Scope {
        name: "openid",
        display_name: "",
        description: None,
        required: false,
        emphasised: false,
        ticked: true,
    };
    [
        Scope { required: true, ..plain },
        Scope { name: "email", ticked: false, ..plain },
        Scope {
            name,
            display_name: "Your orders",
            description: Some(description),
            emphasised: true,
            ..plain
        },
    ]
}

fn device(state: DeviceState<'_>) -> Response {
    pages::device(&pages::Device { look: &Look::default(), state, request: &request() })
}

pub(super) fn device_enter(text: &str) -> Response {
    device(DeviceState::Enter {
        action: &format!("/device{text}"),
        fields: &[("token", &format!("proof{text}"))],
        code: &format!("123 456 789{text}"),
        fault: Some(pages::CodeFault::NotValid),
    })
}

pub(super) fn device_confirm(text: &str) -> Response {
    let (name, description) = (format!("orders{text}"), format!("Of the last year{text}"));
    device(DeviceState::Confirm {
        client: shop(&format!("Television{text}"), &format!("https://app.test/about{text}")),
        code: &format!("123 456 789{text}"),
        scopes: &scopes(&name, &description),
        action: &format!("/device{text}"),
        fields: &[("token", &format!("proof{text}"))],
    })
}

pub(super) fn device_done(text: &str) -> Response {
    device(DeviceState::Done { client: &format!("Television{text}") })
}

pub(super) fn device_denied(text: &str) -> Response {
    device(DeviceState::Denied { client: &format!("Television{text}") })
}

pub(super) fn grants(text: &str) -> Response {
    let request = request();
    let (name, about) = (format!("Shop{text}"), format!("https://app.test/about{text}"));
    let (first, second) = (format!("grant{text}"), "another".to_owned());
    let held = [
        pages::Held {
            client: shop(&name, &about),
            name: &first,
            scopes: vec!["Your e-mail address".to_owned(), format!("Your orders{text}")],
            since: Timestamp(1_795_348_800),
            ends: Some(Timestamp(1_797_940_800)),
        },
        pages::Held {
            client: Application { name: "Clock", uri: Some("javascript:alert(1)"), logo: None },
            name: &second,
            scopes: Vec::new(),
            since: Timestamp(0),
            ends: None,
        },
    ];
    pages::grants(&pages::Grants {
        look: &Look::default(),
        user: &format!("jane{text}"),
        held: &held,
        action: &format!("/grants{text}"),
        fields: &[("token", &format!("proof{text}"))],
        password: Some(&format!("/account/password{text}")),
        sign_out: Some(&format!("/account/logout{text}")),
        request: &request,
    })
}

fn password(state: pages::PasswordState<'_>, text: &str) -> Response {
    let request = request();
    pages::password(&pages::Password {
        look: &Look::default(),
        status: StatusCode::OK,
        state,
        fault: Some(pages::PasswordFault::Short),
        action: &format!("/account/password{text}"),
        fields: &[("token", &format!("proof{text}"))],
        request: &request,
    })
}

pub(super) fn password_change(text: &str) -> Response {
    password(pages::PasswordState::Change { user: &format!("jane{text}") }, text)
}

pub(super) fn password_elsewhere(text: &str) -> Response {
    let (user, provider) = (format!("jane{text}"), format!("Okta{text}"));
    password(pages::PasswordState::Elsewhere { user: &user, provider: Some(&provider) }, text)
}

pub(super) fn password_forgot(text: &str) -> Response {
    password(pages::PasswordState::Forgot, text)
}
