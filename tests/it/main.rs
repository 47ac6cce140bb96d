//! Scenarios against the gateway in process.
mod patch_engine;
