//! How a provider that is somebody else's is reached, whichever of the two protocols it speaks.

use crate::config::model::OAuth2;
use crate::config::model::OpenIdConnect;
use crate::config::model::Protocol;
use crate::config::model::Provider;

/// The connection to another party.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way<'a> {
    /// By OpenID Connect.
    OpenIdConnect(&'a OpenIdConnect),
    /// By plain OAuth 2.0.
    OAuth2(&'a OAuth2),
}

impl<'a> Way<'a> {
    /// The way to `provider`; `None` when it is not another party.
    pub(super) fn to(provider: &'a Provider) -> Option<Self> {
        match &provider.protocol {
            Protocol::OpenIdConnect(connection) => Some(Self::OpenIdConnect(connection)),
            Protocol::OAuth2(connection) => Some(Self::OAuth2(connection)),
            Protocol::LocalUsers | Protocol::None => None,
        }
    }

    /// Who is asked: keys and endpoints are its alone.
    pub(super) fn issuer(self) -> &'a str {
        match self {
            Self::OpenIdConnect(connection) => &connection.issuer,
            Self::OAuth2(connection) => &connection.issuer,
        }
    }

    /// Path of our redirect URI.
    pub(super) fn callback_path(self) -> &'a str {
        match self {
            Self::OpenIdConnect(connection) => &connection.callback_path,
            Self::OAuth2(connection) => &connection.callback_path,
        }
    }

    /// Path of our post-logout redirect URI; plain OAuth 2.0 knows none.
    pub(super) fn post_logout_path(self) -> Option<&'a str> {
        match self {
            Self::OpenIdConnect(connection) => Some(&connection.post_logout_path),
            Self::OAuth2(_) => None,
        }
    }
}
