//! LOGIN: signing in with a name and a password.
