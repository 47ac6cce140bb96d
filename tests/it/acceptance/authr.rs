//! AUTHR: what happens on the way to the authorization response, and what it holds.
