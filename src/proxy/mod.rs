//! The whole story of a request.
