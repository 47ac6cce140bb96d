//! Local users: checking a name and a password.

/// The provider's name in sessions of local users.
pub const PROVIDER: &str = "local";
