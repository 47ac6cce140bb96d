//! Scenarios against the gateway in process.
