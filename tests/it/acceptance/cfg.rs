//! CFG: configuration.
