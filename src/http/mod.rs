//! Requests and responses as the gateway sees them: one reading of each, bounded, and the client
//! for calls of our own.

pub mod body;
pub mod client;
pub mod connection;
pub mod cookies;
pub mod exchange;
pub mod form;
pub mod network;
pub mod path;
pub mod response;
pub mod target;

pub use body::Body;
pub use connection::Connection;
pub use exchange::Exchange;
pub use exchange::RequestId;
pub use path::CanonicalPath;
pub use path::ReturnPath;
pub use target::Target;

/// A response with our body.
pub type Response = http::Response<Body>;
