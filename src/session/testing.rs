//! For the tests of this module: a small table and whoever is in it.

use std::sync::Arc;
use std::time::Duration;

use crate::claims::ClaimSet;
use crate::clock::Clock;
use crate::clock::Timestamp;
use crate::config::model::SessionSettings;
use crate::observe::Metrics;
use crate::session::Identity;
use crate::session::Sessions;
use crate::users::User;

pub(super) const MINUTE: Duration = Duration::from_mins(1);

pub(super) fn settings() -> SessionSettings {
    SessionSettings {
        authentication_type: "Cookies".to_owned(),
        cookie_prefix: String::new(),
        expire_time_span: 30 * MINUTE,
        sliding: true,
        absolute_lifetime: 12 * 60 * MINUTE,
        remembered_lifetime: 180 * 24 * 60 * MINUTE,
        capacity: 3,
        per_user: None,
    }
}

pub(super) fn identity() -> Identity {
    Identity {
        user: User {
            name: r"sitecore\jane".to_owned(),
            properties: std::collections::BTreeMap::default(),
            roles: Vec::new(),
            is_administrator: false,
        },
        provider: "p".into(),
        issuer: None,
        subject: "1".to_owned(),
        site: "shell".into(),
        claims: ClaimSet::default(),
        id_token: None,
        provider_session: None,
        authenticated_at: Timestamp(0),
        time_assumed: false,
        remembered: false,
        ends_at: None,
        refresh: None,
        given_roles: Vec::new(),
        persistent: false,
    }
}

pub(super) fn sessions() -> (Sessions, Clock) {
    let clock = Clock::manual(Timestamp(1_000_000));
    (Sessions::new(clock.clone(), Arc::new(Metrics::new())), clock)
}
