//! Which connections of one room share a callback path: there an answer can be mixed up with
//! another provider's (RFC 9700 §4.4).

use std::sync::Arc;

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
        .filter_map(|p| Some((p.callback_path()?.to_owned(), p.issuer()?.to_owned())))
        .collect();
    for provider in providers.iter_mut().filter(|p| p.is_enabled()) {
        let provider = Arc::make_mut(provider);
        let shared = |own_path: &str, own_issuer: &str| {
            let mut others = known.iter().filter(|(_, issuer)| issuer != own_issuer);
            others.any(|(path, _)| path.eq_ignore_ascii_case(own_path))
        };
        match &mut provider.protocol {
            Protocol::OpenIdConnect(connection) => {
                connection.shares_callback = shared(&connection.callback_path, &connection.issuer);
            }
            Protocol::OAuth2(connection) => {
                connection.shares_callback = shared(&connection.callback_path, &connection.issuer);
            }
            Protocol::LocalUsers | Protocol::None => {}
        }
    }
}
