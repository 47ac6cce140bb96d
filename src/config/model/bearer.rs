//! Access tokens that callers of the CMS may bring (`JwtBearerAuthentication`, spec §6.3).

use std::sync::Arc;

use crate::config::fault::Origin;

/// Which access tokens the sites of a provider take.
#[derive(Clone, Debug)]
pub struct BearerRules {
    /// `identityProviderName`: the provider whose keys, transformations and sites count.
    pub provider: Arc<str>,
    /// `audiences`: one of these must be among the token's.
    pub audiences: Vec<String>,
    /// `issuers`: one of these must be the token's; the provider's own when none is written.
    pub issuers: Vec<String>,
    /// Where it is declared.
    pub origin: Origin,
}
