//! A small configuration for the tests of this room.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::config::fault::Origin;
use crate::config::model::Config;
use crate::config::model::IdentityHeaders;
use crate::config::model::Limits;
use crate::config::model::LocalUser;
use crate::config::model::Logging;
use crate::config::model::Protocol;
use crate::config::model::Provider;
use crate::config::model::ProviderState;
use crate::config::model::SessionSettings;
use crate::config::model::SigningSettings;
use crate::config::model::StoreAddress;
use crate::config::model::Timeouts;
use crate::config::model::identity_server::IdentityServerSettings;
use crate::config::tree::Element;
use crate::crypto::password;
use crate::crypto::secret::Secret;

const HOUR: Duration = Duration::from_hours(1);

pub(crate) fn origin() -> Origin {
    Origin { file: Path::new("vestibule.config").into(), line: 1, column: 1 }
}

/// Domains `sitecore` and `extranet`, and nothing else.
pub(crate) fn config() -> Config {
    Config {
        tree: Arc::new(Element {
            name: "sitecore".to_owned(),
            namespace: None,
            attributes: Vec::new(),
            children: Vec::new(),
            origin: origin(),
        }),
        listeners: Vec::new(),
        upstreams: Vec::new(),
        sites: Vec::new(),
        providers: Vec::new(),
        property_maps: Vec::new(),
        domains: vec!["sitecore".to_owned(), "extranet".to_owned()],
        identity_headers: IdentityHeaders {
            headers: Vec::new(),
            assertion: None,
            assertion_lifetime: HOUR,
        },
        access: Vec::new(),
        site_neutral_paths: Vec::new(),
        default_source_paths: Vec::new(),
        bearer: None,
        local_users: Vec::new(),
        user_name_template: None,
        requires_unique_email: false,
        reset_command: Vec::new(),
        store: StoreAddress::Memory,
        signing: SigningSettings::default(),
        sessions: sessions(),
        identity_prefix: "/identity/".to_owned(),
        appearance: crate::config::model::Appearances::default(),
        legacy_login_page: "/sitecore/login".to_owned(),
        identity_server: IdentityServerSettings {
            account_prefix: "sitecore\\".to_owned(),
            ..IdentityServerSettings::default()
        },
        limits: limits(),
        timeouts: Timeouts { handshake: HOUR, head: HOUR, body: HOUR, idle: HOUR, drain: HOUR },
        logging: Logging { json: false, level: "info".to_owned() },
        data: "data".into(),
        notices: Vec::new(),
        settings: BTreeMap::new(),
        secrets: Vec::new(),
        files: Vec::new(),
    }
}

fn sessions() -> SessionSettings {
    SessionSettings {
        authentication_type: "Cookies".to_owned(),
        cookie_prefix: String::new(),
        expire_time_span: HOUR,
        sliding: true,
        absolute_lifetime: HOUR,
        remembered_lifetime: HOUR,
        capacity: 10,
        per_user: None,
    }
}

fn limits() -> Limits {
    Limits {
        header_bytes: 32 * 1024,
        header_lines: 100,
        own_body_bytes: 64 * 1024,
        streams: 100,
        connections: 100,
        connections_per_address: 100,
        sign_ins_per_minute: 60,
    }
}

/// A provider of domain `sitecore` without transformations.
pub(crate) fn provider(name: &str) -> Provider {
    Provider {
        name: name.into(),
        caption: name.to_owned(),
        icon: None,
        domain: Some("sitecore".to_owned()),
        state: ProviderState::Enabled,
        trigger_external_sign_out: false,
        clear_roles_when_sign_in: false,
        transformations: Vec::new(),
        map_inbound_claims: true,
        authoritative_for: Vec::new(),
        former_issuers: Vec::new(),
        subprovider: name.split_once('/').map(|(g, s)| (g.into(), s.to_owned())),
        protocol: Protocol::None,
        origin: origin(),
    }
}

/// `sitecore\jane`, an administrator and author, password `correct horse`.
pub(crate) fn jane() -> LocalUser {
    LocalUser {
        name: "sitecore\\jane".to_owned(),
        email: Some("jane@example.test".to_owned()),
        full_name: None,
        password_hash: Secret::new(password::hash(&Secret::new("correct horse")).unwrap()),
        roles: vec!["sitecore\\Author".to_owned()],
        administrator: true,
        claims: vec![("given_name".to_owned(), "Jane".to_owned())],
        origin: origin(),
    }
}
