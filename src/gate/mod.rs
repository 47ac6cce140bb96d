//! Decides and does nothing: which site, what is stripped and added, who may pass. Serves requests
//! and `vestibule explain` alike.

pub mod access;
pub mod assertion;
pub mod encoding;
pub mod explain;
pub mod forwarding;
pub mod headers;
pub mod names;
pub mod sessions;
pub mod site;
#[cfg(test)]
pub(crate) mod testing;

pub use access::Decision;
pub use names::Names;
pub use site::Sites;
