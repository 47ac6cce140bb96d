//! How a user comes of claims.
