//! REV: revocation.
