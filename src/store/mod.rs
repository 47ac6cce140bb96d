//! What is kept outside sessions.

pub mod handles;
pub mod spent;

pub use handles::Handles;
pub use spent::SpentIds;
