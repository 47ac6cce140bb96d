//! What an operator sees: logs, metrics, the audit trail.

pub mod audit;
pub mod lines;
pub mod log;
pub mod metrics;

pub use lines::Moment;
pub use lines::civil_date;
pub use metrics::Metrics;
