//! FED: signing in by way of an external provider.
