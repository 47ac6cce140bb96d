//! The clients, resources and the site of these tests.

use std::sync::Arc;

use crate::config::model::Destination;
use crate::config::model::Site;
use crate::config::model::SiteProviders;
use crate::config::model::identity_server::Client;
use crate::config::model::identity_server::ClientSecret;
use crate::config::model::identity_server::Resource;
use crate::http::Connection;
use crate::http::connection::Purpose;
use crate::users::testing;

use super::CALLBACK;
use super::CMS_CALLBACK;
use super::SIGNED_OUT;

pub(super) fn clients() -> Vec<Client> {
    let app = client("app", "authorization_code", &["openid", "profile", "email", "orders"]);
    let mut other = app.clone();
    (other.id, other.secrets) = ("other".to_owned(), vec![ClientSecret::shared("other-secret")]);
    let mut plain = app.clone();
    (plain.id, plain.require_pkce) = ("plain".to_owned(), false);
    plain.redirect_uris.push(format!("{CALLBACK}?dummy1=lorem&dummy2=ipsum"));
    let mut cms = client("Sitecore", "hybrid", &["openid", "sitecore.profile"]);
    cms.redirect_uris = vec![CMS_CALLBACK.to_owned()];
    (cms.require_secret, cms.require_pkce, cms.user_claims_in_id_token) = (false, false, true);
    cms.secrets.clear();
    let mut robot =
        client("robot", "client_credentials", &["openid", "sitecore.profile.api", "orders"]);
    robot.offline_access = false;
    vec![app, other, plain, cms, robot]
}

/// A confidential client with the secret `app-secret`.
fn client(id: &str, grant: &str, scopes: &[&str]) -> Client {
    Client {
        name: format!("The {id}"),
        grant_types: vec![grant.to_owned()],
        redirect_uris: vec![CALLBACK.to_owned()],
        post_logout_redirect_uris: vec![SIGNED_OUT.to_owned()],
        cors_origins: vec!["https://app.test".to_owned()],
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        secrets: vec![ClientSecret::shared("app-secret")],
        offline_access: true,
        ..Client::named(id, testing::origin())
    }
}

pub(super) fn identity_resources() -> Vec<Resource> {
    vec![
        resource("openid", &["sub"]),
        resource("profile", &["name", "given_name", "preferred_username"]),
        resource("email", &["email", "email_verified"]),
        resource(
            "sitecore.profile",
            &[
                "name",
                "email",
                "role",
                "http://www.sitecore.net/identity/claims/isAdmin",
                "http://www.sitecore.net/identity/claims/originalIssuer",
            ],
        ),
    ]
}

pub(super) fn resource(name: &str, claims: &[&str]) -> Resource {
    Resource {
        user_claims: claims.iter().map(|&claim| claim.to_owned()).collect(),
        scopes: vec![name.to_owned()],
        ..Resource::named(name)
    }
}

pub(super) fn site() -> Site {
    Site {
        name: "identity".into(),
        host_names: Vec::new(),
        target_host_name: None,
        port: None,
        virtual_folder: String::new(),
        domain: None,
        require_login: false,
        roles: Vec::new(),
        login_page: None,
        destination: Destination::IdentityServer,
        providers: SiteProviders::default(),
        sources: Vec::new(),
        assertion_as_bearer: false,
        sign_ins: crate::config::model::SignInRules::default(),
        pass_authorization: false,
        origins: Vec::new(),
        origin: testing::origin(),
    }
}

pub(super) fn connection() -> Connection {
    Connection {
        peer: ([192, 0, 2, 1], 1).into(),
        port: 443,
        secure: true,
        server_name: None,
        http2: false,
        purpose: Purpose::Sites,
        listener: "https".into(),
        trusted_proxies: Arc::default(),
    }
}
