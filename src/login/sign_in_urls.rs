//! `/identity/sign-in-urls?site=&returnUrl=`: what `GetSignInUrlInfo` answers (spec §2.3), for pages
//! of the CMS that draw their own buttons.

use http::StatusCode;
use serde::Serialize;

use crate::error::Problem;
use crate::http::Response;
use crate::http::response;
use crate::login::links;
use crate::login::place;
use crate::login::start::way_back;
use crate::login::way::Way;
use crate::session::Visit;

/// One way to sign in.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SignInUrl<'a> {
    identity_provider: &'a str,
    caption: &'a str,
    icon: Option<&'a str>,
    /// To be posted.
    href: String,
}

/// Lists the providers of the site, in the order of its buttons.
pub(super) fn answer(visit: &Visit) -> Result<Response, Problem> {
    let query = visit.exchange.query()?;
    let name = query.get_any_case("site").unwrap_or(&visit.site.name);
    let site = place::reachable(visit, name)
        .ok_or_else(|| Problem::NotFound("No such site is reachable on this host.".into()))?;
    let return_path = way_back(visit, site, &query);
    let urls: Vec<SignInUrl<'_>> = place::providers(&visit.config, site)
        .filter(|provider| Way::to(provider).is_some())
        .map(|provider| SignInUrl {
            identity_provider: &provider.name,
            caption: &provider.caption,
            icon: provider.icon.as_deref(),
            href: links::external_login(&visit.config, site, &provider.name, &return_path),
        })
        .collect();
    Ok(response::json(StatusCode::OK, &urls))
}
