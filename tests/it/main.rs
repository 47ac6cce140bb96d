//! Scenarios against the gateway in process.

mod pages;
