//! Presets of the well-known providers of plain OAuth 2.0: endpoints, quirks, and the claim types
//! that ASP.NET's handlers make of what they tell.

use crate::config::model::ClientAuthentication;
use crate::config::read::presets::Preset;

/// What is known of one.
#[derive(Debug)]
pub(crate) struct Plain {
    /// Where people are sent.
    pub(crate) authorization_endpoint: &'static str,
    /// Where codes are redeemed.
    pub(crate) token_endpoint: &'static str,
    /// Where people are described.
    pub(crate) userinfo_endpoint: &'static str,
    /// What follows the userinfo endpoint for their e-mail addresses.
    pub(crate) emails: Option<&'static str>,
    /// Query parameters of the userinfo endpoint.
    pub(crate) parameters: &'static [(&'static str, &'static str)],
    /// Whether the access token travels in the query with a proof.
    pub(crate) app_secret_proof: bool,
    /// Scopes asked for.
    pub(crate) scopes: &'static [&'static str],
    /// What stands between them.
    pub(crate) scope_separator: char,
    /// How the secret is sent.
    pub(crate) client_authentication: ClientAuthentication,
    /// Whether PKCE is used.
    pub(crate) pkce: bool,
    /// Path of the redirect URI, as the handler has it.
    pub(crate) callback_path: &'static str,
    /// The member that names the person.
    pub(crate) subject: &'static str,
    /// Further members and their claims.
    pub(crate) claims: &'static [(&'static str, &'static str)],
}

impl Plain {
    /// What is known of the provider of `preset`; `None` for one of OpenID Connect.
    pub(crate) const fn of(preset: Preset) -> Option<&'static Self> {
        match preset {
            Preset::Facebook => Some(&FACEBOOK),
            Preset::X => Some(&X),
            Preset::GitHub => Some(&GITHUB),
            Preset::LinkedIn => Some(&LINKEDIN),
            Preset::Entra
            | Preset::Google
            | Preset::Okta
            | Preset::Auth0
            | Preset::AdFs
            | Preset::Keycloak => None,
        }
    }
}

const NAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";
const EMAIL: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
const GIVEN_NAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname";
const SURNAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname";

const FACEBOOK: Plain = Plain {
    authorization_endpoint: "https://www.facebook.com/v21.0/dialog/oauth",
    token_endpoint: "https://graph.facebook.com/v21.0/oauth/access_token",
    userinfo_endpoint: "https://graph.facebook.com/v21.0/me",
    emails: None,
    parameters: &[("fields", "id,name,email,first_name,last_name")],
    app_secret_proof: true,
    scopes: &["public_profile", "email"],
    scope_separator: ',',
    client_authentication: ClientAuthentication::Post,
    pkce: true,
    callback_path: "/signin-facebook",
    subject: "id",
    claims: &[
        ("name", NAME),
        ("email", EMAIL),
        ("first_name", GIVEN_NAME),
        ("middle_name", "urn:facebook:middle_name"),
        ("last_name", SURNAME),
        ("gender", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/gender"),
        ("birthday", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/dateofbirth"),
        ("locale", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/locality"),
        ("age_range.min", "urn:facebook:age_range_min"),
        ("age_range.max", "urn:facebook:age_range_max"),
        ("link", "urn:facebook:link"),
        ("location.name", "urn:facebook:location"),
        ("timezone", "urn:facebook:timezone"),
    ],
};

/// Wraps its answers in `data`, demands PKCE, and wants confidential clients to use Basic.
const X: Plain = Plain {
    authorization_endpoint: "https://x.com/i/oauth2/authorize",
    token_endpoint: "https://api.x.com/2/oauth2/token",
    userinfo_endpoint: "https://api.x.com/2/users/me",
    emails: None,
    parameters: &[],
    app_secret_proof: false,
    scopes: &["users.read", "tweet.read"],
    scope_separator: ' ',
    client_authentication: ClientAuthentication::Basic,
    pkce: true,
    callback_path: "/signin-twitter",
    subject: "data.id",
    claims: &[
        ("data.username", NAME),
        ("data.name", "urn:twitter:name"),
        ("data.username", "urn:twitter:screenname"),
        ("data.confirmed_email", EMAIL),
    ],
};

/// Its names are numbers and its mail addresses are elsewhere; `/user` shows only what is public.
const GITHUB: Plain = Plain {
    authorization_endpoint: "https://github.com/login/oauth/authorize",
    token_endpoint: "https://github.com/login/oauth/access_token",
    userinfo_endpoint: "https://api.github.com/user",
    emails: Some("/emails"),
    parameters: &[],
    app_secret_proof: false,
    scopes: &["read:user", "user:email"],
    scope_separator: ' ',
    client_authentication: ClientAuthentication::Post,
    pkce: true,
    callback_path: "/signin-github",
    subject: "id",
    claims: &[
        ("login", NAME),
        ("login", "urn:github:login"),
        ("name", "urn:github:name"),
        ("html_url", "urn:github:url"),
        ("avatar_url", "urn:github:avatar"),
        ("company", "urn:github:company"),
    ],
};

/// Speaks a little OpenID Connect, but repeats no nonce, and refuses PKCE from web applications.
const LINKEDIN: Plain = Plain {
    authorization_endpoint: "https://www.linkedin.com/oauth/v2/authorization",
    token_endpoint: "https://www.linkedin.com/oauth/v2/accessToken",
    userinfo_endpoint: "https://api.linkedin.com/v2/userinfo",
    emails: None,
    parameters: &[],
    app_secret_proof: false,
    scopes: &["openid", "profile", "email"],
    scope_separator: ' ',
    client_authentication: ClientAuthentication::Post,
    pkce: false,
    callback_path: "/signin-linkedin",
    subject: "sub",
    claims: &[
        ("name", NAME),
        ("given_name", GIVEN_NAME),
        ("family_name", SURNAME),
        ("email", EMAIL),
        ("picture", "urn:linkedin:pictureurl"),
    ],
};
