//! Redirects of the proxy's own: to https, and to where people sign in.

use http::HeaderValue;
use http::Method;
use http::Request;
use http::StatusCode;
use http::header;

use crate::error::Problem;
use crate::gate::site;
use crate::http::Body;
use crate::http::Response;
use crate::http::Target;
use crate::http::exchange;
use crate::http::response;
use crate::proxy::gateway::Gateway;
use crate::proxy::story::Story;

/// The plain listener's answer: the same address over https, for hosts that are declared here.
///
/// # Errors
///
/// [`Problem::UnknownHost`], so that nobody is redirected to a host of the sender's choice.
pub fn answer(
    gateway: &Gateway,
    target: &Target,
    method: &Method,
    port: u16,
) -> Result<Response, Problem> {
    if !gateway.sites.knows(&target.host) {
        return Err(Problem::UnknownHost(target.host.clone()));
    }
    let authority =
        if port == 443 { target.host.clone() } else { format!("{}:{port}", target.host) };
    let location = format!("https://{authority}{}", target.path_and_query());
    let mut redirect = response::found(&location);
    // 308 keeps a POST a POST; a GET may be remembered by no cache, since the port can change.
    if method != Method::GET && method != Method::HEAD {
        *redirect.status_mut() = StatusCode::PERMANENT_REDIRECT;
    }
    Ok(redirect)
}

/// The way to the site's login page for a person's browser; for anything else a 401 that names it.
///
/// # Errors
///
/// [`Problem::SignInRequired`] for everything that is not a navigation.
pub fn to_login(
    story: &Story<'_>,
    request: &Request<Body>,
    upgrade: bool,
) -> Result<Response, Problem> {
    let Some(address) = site::login_address(story.site, story.target) else {
        return Err(Problem::SignInRequired { sign_in: String::new() });
    };
    if upgrade || !exchange::is_navigation(request.method(), request.headers()) {
        return Err(Problem::SignInRequired { sign_in: address });
    }
    Ok(vary_by_cookie(response::found(&address)))
}

/// An upstream's 401 to an anonymous navigation becomes the way to the site's login page; any other
/// stays (`applyRedirect`, spec §1.9).
pub fn instead_of_401(story: &Story<'_>, answer: Response, navigation: bool) -> Response {
    let anonymous = story.session.is_none();
    if answer.status() != StatusCode::UNAUTHORIZED
        || !navigation
        || !anonymous
        || is_login_page(story)
    {
        return answer;
    }
    match site::login_address(story.site, story.target) {
        Some(address) => vary_by_cookie(response::found(&address)),
        None => answer,
    }
}

/// Whether the request is for the login page itself: the way to it would lead in a circle.
fn is_login_page(story: &Story<'_>) -> bool {
    let page = story.site.login_page.as_deref().and_then(|page| page.split('?').next());
    page.is_some_and(|page| story.target.path.is(page))
}

fn vary_by_cookie(mut redirect: Response) -> Response {
    redirect.headers_mut().insert(header::VARY, HeaderValue::from_static("Cookie"));
    redirect
}
