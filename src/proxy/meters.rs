//! A site's metrics, their handles resolved when the configuration is taken.

use std::time::Duration;

use http::StatusCode;
use prometheus::Histogram;
use prometheus::IntCounter;

use crate::observe::Metrics;
use crate::observe::metrics;

/// Handles of one site's request metrics.
#[derive(Debug)]
pub struct SiteMeters {
    site: String,
    forwarded: [IntCounter; 5],
    duration: Histogram,
}

/// The classes of status codes, as labels.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The outcome of a request that an upstream answered.
pub const FORWARDED: &str = "forwarded";

impl SiteMeters {
    /// Resolves the handles of `site`; the empty name stands for requests that belong to none.
    pub fn new(counted: &Metrics, site: &str) -> Self {
        let of = |class| counted.requests.with_label_values(&[site, class, FORWARDED]);
        Self {
            site: site.to_owned(),
            forwarded: CLASSES.map(of),
            duration: metrics::handle(&counted.durations, site),
        }
    }

    /// Counts one answered request.
    pub fn count(&self, counted: &Metrics, status: StatusCode, outcome: &str, took: Duration) {
        self.duration.observe(took.as_secs_f64());
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        match self.forwarded.get(class) {
            Some(meter) if outcome == FORWARDED => meter.inc(),
            Some(_) | None => {
                let class = CLASSES.get(class).copied().unwrap_or("5xx");
                counted.requests.with_label_values(&[&self.site, class, outcome]).inc();
            }
        }
    }
}
