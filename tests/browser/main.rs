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
    reason = "helpers of tests are not tests to clippy, and a helper that fails has to end its test"
)]

mod look;
mod stage;
mod walk;
