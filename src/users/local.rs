//! Local users: checking a name and a password.
