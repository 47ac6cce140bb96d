//! The demo in a real Chromium, as a person walks through it. Needs Debian's `chromium` and
//! `chromium-driver`; without them the tests say so and pass, unless `CI` is set.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unwrap_in_result,
    clippy::allow_attributes,
    clippy::wildcard_enum_match_arm,
    clippy::large_futures,
    reason = "helpers of tests are not tests to clippy, and a helper that fails has to end its test"
)]

mod access;
mod admin;
mod admin_insight;
#[path = "../it/acceptance/house.rs"]
#[allow(dead_code, reason = "these tests take what they need of the house")]
mod house;
mod kept;
mod look;
mod passwords;
mod questions;
mod rooms;
mod stage;
#[path = "../it/support/mod.rs"]
#[allow(dead_code, reason = "these tests take what they need of it")]
mod support;
mod walk;
