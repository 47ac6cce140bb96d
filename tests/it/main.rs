//! The scenario tests: the gateway in process, an echoing CMS behind it, a signing fake provider
//! beside it and browsers in front of it, all on ports of their own.
//!
//! A test whose name begins with a letter and a number tests that entry of the security catalogue.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_in_result,
    clippy::wildcard_enum_match_arm,
    clippy::too_many_lines,
    clippy::large_futures,
    clippy::print_stderr,
    clippy::allow_attributes,
    reason = "helpers of tests are not tests to clippy, and a helper that fails has to end its test"
)]

mod support;

mod acceptance;
mod access;
mod admin;
mod admin_insight;
mod bearer;
mod caching;
mod callbacks;
mod config_reload;
mod configuration;
mod corpus;
mod demo;
mod demo_command;
mod fixtures;
mod forwarded;
mod forwarding;
mod framing;
mod headers;
mod hosts;
mod identity_server;
mod listen;
mod login_chain;
mod logs_and_metrics;
mod outages;
mod pages;
mod patch_engine;
mod paths;
mod people;
mod persistent;
mod properties;
mod provider_logout;
mod redirects;
mod relay;
mod renewal;
mod sessions;
mod sign_in;
mod stores;
mod tokens;
mod tunnels;
