//! Listening, tested with raw bytes against a trivial service: timeouts of a few hundred
//! milliseconds, ports of its own.

mod drain;
mod http2;
mod limits;
mod proxy_protocol;
mod raw;
mod service;
mod timeouts;
mod tls;
