//! UI: the userinfo endpoint.
