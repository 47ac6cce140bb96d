//! Users: how an account comes of claims, which of them are kept, and the local users, of the
//! configuration and of the store.

mod attempts;
pub mod builder;
mod entrance;
pub mod hashing;
pub mod local;
mod local_identity;
mod name;
pub mod new_password;
pub mod password_change;
pub mod persistent;
mod places;
pub mod profile;
mod properties;
pub mod reset;
pub mod subject;
#[cfg(test)]
pub(crate) mod testing;
pub mod throttle;
mod window;

use std::collections::BTreeMap;

pub use name::is_legal;
use serde::Serialize;

use crate::store::accounts::same;

/// The account that comes of a sign-in. Virtual: it lives as long as its session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// `domain\name`.
    pub name: String,
    /// Profile properties by name as first written; built-in names in their usual spelling
    /// (`Email`, `FullName`, `Name`, `Comment`, `Portrait`, `IsAdministrator`).
    pub properties: BTreeMap<String, String>,
    /// Roles, `domain\role`, each once (compared without regard to case), in claim order.
    pub roles: Vec<String>,
    /// Whether the `IsAdministrator` property is true.
    pub is_administrator: bool,
}

impl User {
    /// A property's value, the name compared without regard to case.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The name without its domain.
    pub fn local_name(&self) -> &str {
        self.name.split_once('\\').map_or(self.name.as_str(), |(_, local)| local)
    }

    /// Whether this user holds `role`, compared without regard to case as in Sitecore.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|held| same(held, role))
    }
}
