//! Which connections of one room share a callback path: there an answer can be mixed up with
//! another provider's (RFC 9700 §4.4).

use std::sync::Arc;

use crate::config::model::OpenIdConnect;
use crate::config::model::Protocol;
use crate::config::model::Provider;

/// Marks every enabled connection among the `providers` of one room that shares its callback path
/// with one to another issuer: several clients of one issuer have nobody to be mixed up with. A
/// subprovider has its gateway's connection, so the two of them share nothing.
pub(crate) fn mark(providers: &mut [Arc<Provider>]) {
    let enabled = |p: &&Arc<Provider>| p.is_enabled() && p.subprovider.is_none();
    let known: Vec<(String, String)> = providers
        .iter()
        .filter(enabled)
        .filter_map(|p| open_id_connect(p))
        .map(|connection| (connection.callback_path.clone(), connection.issuer.clone()))
        .collect();
    for provider in providers.iter_mut().filter(|p| p.is_enabled()) {
        let provider = Arc::make_mut(provider);
        let Protocol::OpenIdConnect(connection) = &mut provider.protocol else { continue };
        connection.shares_callback = known.iter().any(|(path, issuer)| {
            path.eq_ignore_ascii_case(&connection.callback_path) && *issuer != connection.issuer
        });
    }
}

/// The connection of a provider that speaks OpenID Connect.
pub(crate) fn open_id_connect(provider: &Provider) -> Option<&OpenIdConnect> {
    match &provider.protocol {
        Protocol::OpenIdConnect(connection) => Some(connection),
        Protocol::LocalUsers | Protocol::None => None,
    }
}
