//! Sites for the tests of this room.

use std::sync::Arc;

use crate::config::model::Destination;
use crate::config::model::HostPattern;
use crate::config::model::Site;
use crate::config::model::SiteProviders;
use crate::users::testing::origin;

/// A site without login, on every known host.
pub(crate) fn site(name: &str, virtual_folder: &str) -> Site {
    Site {
        name: name.into(),
        host_names: Vec::new(),
        target_host_name: None,
        port: None,
        virtual_folder: virtual_folder.to_owned(),
        domain: Some("sitecore".to_owned()),
        require_login: false,
        roles: Vec::new(),
        login_page: None,
        destination: Destination::Upstream("cms".into()),
        providers: SiteProviders::default(),
        sources: Vec::new(),
        assertion_as_bearer: false,
        sign_ins: crate::config::model::SignInRules::default(),
        pass_authorization: false,
        origins: Vec::new(),
        origin: origin(),
    }
}

/// The same site on the hosts of the given masks.
pub(crate) fn on(hosts: &[&str], site: Site) -> Arc<Site> {
    let masks = hosts.iter().map(|host| HostPattern((*host).to_owned()));
    Arc::new(Site { host_names: masks.collect(), ..site })
}
