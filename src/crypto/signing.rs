//! Signing keys: ES256 and RS256, kept parsed, their private parts at mode 0600.
