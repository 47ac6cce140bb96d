//! What an operator sees: logs, metrics, the audit trail.

pub mod audit;
pub mod funnel;
pub mod lines;
pub mod log;
pub mod metrics;
pub mod provider_health;
pub mod recent;
mod visible;

pub use lines::Moment;
pub use lines::civil_date;
pub use metrics::Metrics;
pub use visible::Visible;
