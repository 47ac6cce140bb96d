//! DISC: discovery and keys.
