//! How people may sign in at the identity server for the application that wants them to: which
//! external providers, and whether with a password.
//!
//! The application is the `client_id` of the authorization request that the way back leads to. What
//! stands there can be changed by hand, so this only says what is offered and begun; whether the
//! session that comes of it counts, the authorization endpoint judges again by itself.

use std::sync::Arc;

use crate::config::model::Config;
use crate::config::model::Provider;
use crate::config::model::Site;
use crate::config::model::identity_server::Client;
use crate::http::ReturnPath;
use crate::http::form::Form;
use crate::login::endpoint;
use crate::login::links;
use crate::login::place;
use crate::pages::Application;
use crate::pages::CANCELLED;

/// What one application leaves to choose from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice<'c> {
    client: Option<&'c Client>,
}

impl<'c> Choice<'c> {
    /// The choice of whoever goes back to `return_path` afterwards. On sites of the CMS, and without
    /// an application, everything that is mapped.
    pub(super) fn of(config: &'c Config, site: &Site, return_path: Option<&ReturnPath>) -> Self {
        let identity_server = place::is_identity_server(site);
        let client = return_path.filter(|_| identity_server).and_then(|path| client(config, path));
        Self { client }
    }

    /// Whether people may come from `provider`.
    pub(super) fn admits(self, provider: &Provider) -> bool {
        self.client.is_none_or(|client| {
            let only = &client.identity_provider_restrictions;
            only.is_empty() || only.iter().any(|name| **name == *provider.name)
        })
    }

    /// The application, as people are shown it.
    pub(super) fn application(self) -> Option<Application<'c>> {
        let client = self.client?;
        let (uri, logo) = (client.client_uri.as_deref(), client.logo_uri.as_deref());
        Some(Application { name: &client.name, uri, logo })
    }

    /// Whether people may type a password.
    pub(super) fn passwords(self) -> bool {
        self.client.is_none_or(|client| client.local_login)
    }
}

/// The languages that the request behind `return_path` asks for (`ui_locales`).
pub(super) fn locales(return_path: &ReturnPath) -> Option<String> {
    request(return_path)?.get("ui_locales").map(str::to_owned)
}

/// Whether the request behind `return_path` asks the identity server for a new sign-in, so that the
/// provider must not answer from an old one either.
pub(super) fn wants_anew(site: &Site, return_path: &ReturnPath) -> bool {
    let asked = request(return_path).filter(|_| place::is_identity_server(site));
    asked.is_some_and(|asked| {
        let prompts = asked.get("prompt").unwrap_or_default();
        prompts.split(' ').any(|prompt| prompt == "login") || asked.get("max_age").is_some()
    })
}

/// Where "cancel" leads from the sign-in page of the identity server: back to the application, which
/// is told, or else to where people begin.
pub(super) fn cancel(site: &Site, return_path: &ReturnPath) -> Option<String> {
    if !place::is_identity_server(site) {
        return None;
    }
    Some(match request(return_path) {
        Some(_) => links::with_query(return_path.as_str(), &[(CANCELLED, "true")]),
        None => endpoint::start_page(site).to_string(),
    })
}

/// The authorization request that `return_path` leads back to.
fn request(return_path: &ReturnPath) -> Option<Form> {
    let (path, query) = return_path.as_str().split_once('?')?;
    if !path.to_ascii_lowercase().ends_with("/connect/authorize/callback") {
        return None;
    }
    Form::parse(query.as_bytes()).ok()
}

fn client<'c>(config: &'c Config, return_path: &ReturnPath) -> Option<&'c Client> {
    let form = request(return_path)?;
    let id = form.get("client_id")?;
    config.identity_server.clients.iter().map(Arc::as_ref).find(|client| client.id == id)
}
