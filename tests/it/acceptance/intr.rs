//! INTR: introspection.
