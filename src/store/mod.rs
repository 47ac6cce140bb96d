//! What is kept outside sessions.

pub mod spent;

pub use spent::SpentIds;
