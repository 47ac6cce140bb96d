//! Prometheus metrics: names begin with `vestibule_`, times are seconds, labels come from closed
//! sets.

use prometheus::Encoder;
use prometheus::Histogram;
use prometheus::HistogramOpts;
use prometheus::HistogramVec;
use prometheus::IntCounter;
use prometheus::IntCounterVec;
use prometheus::IntGauge;
use prometheus::IntGaugeVec;
use prometheus::Opts;
use prometheus::Registry;
use prometheus::TextEncoder;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;

use crate::clock::Timestamp;
use crate::observe::funnel::Stage;
use crate::observe::funnel::Way;
use crate::observe::recent::Recent;

/// Every metric. One per process; outlives reloads.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// `vestibule_configuration_generation`: counts the configurations taken.
    pub generation: IntGauge,
    /// `vestibule_configuration_last_reload_success_timestamp_seconds`.
    pub last_reload: IntGauge,
    /// `vestibule_configuration_reloads_total{outcome}`: `taken`, `refused`.
    pub reloads: IntCounterVec,
    /// `vestibule_configuration_notices{kind}`: `lint`, `disable`.
    pub notices: IntGaugeVec,
    /// `vestibule_connections{listener}`: open connections.
    pub connections: IntGaugeVec,
    /// `vestibule_connections_total{listener}`: accepted connections.
    pub accepted: IntCounterVec,
    /// `vestibule_tls_handshakes_total{outcome}`: `tls1.2`, `tls1.3`, `failed`, `timeout`.
    pub handshakes: IntCounterVec,
    /// `vestibule_requests_total{site,class,outcome}`: `class` is `2xx` ….
    pub requests: IntCounterVec,
    /// `vestibule_request_duration_seconds{site}`: until the head of the answer.
    pub durations: HistogramVec,
    /// `vestibule_upstream_requests_total{upstream,outcome}`: `answered`, `failed`, `timeout`.
    pub upstream_requests: IntCounterVec,
    /// `vestibule_upstream_duration_seconds{upstream}`: until the head of the answer.
    pub upstream_durations: HistogramVec,
    /// `vestibule_upstream_server_up{upstream,server}`: passive health.
    pub upstream_up: IntGaugeVec,
    /// `vestibule_tunnels`: open upgraded connections.
    pub tunnels: IntGauge,
    /// `vestibule_logins_total{site,provider,outcome,reason}`: `outcome` is `started`, `succeeded`
    /// or `failed`; `reason` is from a closed set, empty unless failed.
    pub logins: IntCounterVec,
    /// `vestibule_logouts_total{site,kind}`: `local`, `external`, `returned`, and by a provider
    /// `back_channel`, `front_channel`, `renewal`, `identity_server`.
    pub logouts: IntCounterVec,
    /// `vestibule_logout_notices_total{outcome}`: clients told by back-channel: `delivered`,
    /// `refused`, `failed`, `dropped`.
    pub logout_notices: IntCounterVec,
    /// `vestibule_sessions`: live sessions.
    pub sessions: IntGauge,
    /// `vestibule_session_ends_total{reason}`: `expired`, `signed_out`, `evicted`, `replaced`.
    pub session_ends: IntCounterVec,
    /// `vestibule_cookie_contradictions_total`: requests with two values under one of our names.
    pub cookie_contradictions: IntCounter,
    /// `vestibule_limits_hit_total{limit}`: `connections`, `connections_per_address`, `header_bytes` ….
    pub limits: IntCounterVec,
    /// `vestibule_signing_keys{algorithm,state}`.
    pub signing_keys: IntGaugeVec,
    /// `vestibule_signing_key_ends_timestamp_seconds{algorithm,kid}`: when a key signs no more, or its
    /// certificate ends.
    pub signing_key_ends: IntGaugeVec,
    /// `vestibule_certificate_expiry_timestamp_seconds{certificate}`.
    pub certificate_expiry: IntGaugeVec,
    /// `vestibule_jwks_age_seconds{provider}`: since the keys were last fetched.
    pub jwks_age: IntGaugeVec,
    /// `vestibule_provider_requests_total{provider,endpoint,outcome}`: calls of ours to providers.
    pub provider_requests: IntCounterVec,
    /// Access tokens brought to a CMS site, each time one is checked, by outcome.
    pub bearer_tokens: IntCounterVec,
    /// `vestibule_tokens_total{grant,outcome}`: what the identity server's token endpoint answered.
    pub tokens: IntCounterVec,
    /// `vestibule_password_checks_total{outcome}`: `right`, `wrong`, `throttled`.
    pub password_checks: IntCounterVec,
    /// `vestibule_sign_in_funnel_total{site,provider,stage}`: how far sign-ins got: `started`,
    /// `at_provider`, `back`, `session`, `first_page`.
    pub funnel: IntCounterVec,
    /// What the pages for administrators tell of the last day.
    pub recent: Recent,
}

impl Metrics {
    /// Registers everything.
    #[expect(clippy::too_many_lines, reason = "a list of metrics, one after the other")]
    pub fn new() -> Self {
        let registry = Registry::new();
        let r = &registry;
        let build = gauges(r, "build_info", "Version of this program.", &["version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Self {
            generation: gauge(r, "configuration_generation", "Configurations taken so far."),
            last_reload: gauge(
                r,
                "configuration_last_reload_success_timestamp_seconds",
                "When the present configuration was taken.",
            ),
            reloads: counters(r, "configuration_reloads_total", "Reloads.", &["outcome"]),
            notices: gauges(r, "configuration_notices", "Notices of the configuration.", &["kind"]),
            connections: gauges(r, "connections", "Open connections.", &["listener"]),
            accepted: counters(r, "connections_total", "Accepted connections.", &["listener"]),
            handshakes: counters(r, "tls_handshakes_total", "TLS handshakes.", &["outcome"]),
            requests: counters(r, "requests_total", "Requests.", &["site", "class", "outcome"]),
            durations: histograms(
                r,
                "request_duration_seconds",
                "Until the answer's head.",
                "site",
            ),
            upstream_requests: counters(
                r,
                "upstream_requests_total",
                "Requests sent upstream.",
                &["upstream", "outcome"],
            ),
            upstream_durations: histograms(
                r,
                "upstream_duration_seconds",
                "Until the upstream's head.",
                "upstream",
            ),
            upstream_up: gauges(
                r,
                "upstream_server_up",
                "Whether a server is believed to be up.",
                &["upstream", "server"],
            ),
            tunnels: gauge(r, "tunnels", "Open upgraded connections."),
            logins: counters(
                r,
                "logins_total",
                "Sign-ins.",
                &["site", "provider", "outcome", "reason"],
            ),
            logouts: counters(r, "logouts_total", "Sign-outs.", &["site", "kind"]),
            logout_notices: counters(
                r,
                "logout_notices_total",
                "Clients told of a sign-out by back-channel.",
                &["outcome"],
            ),
            sessions: gauge(r, "sessions", "Live sessions."),
            session_ends: counters(r, "session_ends_total", "Ended sessions.", &["reason"]),
            cookie_contradictions: counter(
                r,
                "cookie_contradictions_total",
                "Requests with two values under one cookie name of ours.",
            ),
            limits: counters(r, "limits_hit_total", "Limits hit.", &["limit"]),
            signing_keys: gauges(
                r,
                "signing_keys",
                "Signing keys that are published.",
                &["algorithm", "state"],
            ),
            signing_key_ends: gauges(
                r,
                "signing_key_ends_timestamp_seconds",
                "When a signing key signs no more, or its certificate ends.",
                &["algorithm", "kid"],
            ),
            certificate_expiry: gauges(
                r,
                "certificate_expiry_timestamp_seconds",
                "When a certificate expires.",
                &["certificate"],
            ),
            jwks_age: gauges(r, "jwks_age_seconds", "Age of a provider's keys.", &["provider"]),
            provider_requests: counters(
                r,
                "provider_requests_total",
                "Calls to providers.",
                &["provider", "endpoint", "outcome"],
            ),
            bearer_tokens: counters(
                r,
                "bearer_tokens_total",
                "Access tokens checked that callers of the CMS brought.",
                &["outcome"],
            ),
            tokens: counters(r, "tokens_total", "Token requests.", &["grant", "outcome"]),
            password_checks: counters(
                r,
                "password_checks_total",
                "Passwords checked.",
                &["outcome"],
            ),
            funnel: counters(
                r,
                "sign_in_funnel_total",
                "How far sign-ins got.",
                &["site", "provider", "stage"],
            ),
            recent: Recent::default(),
            registry,
        }
    }

    /// Counts that a sign-in got to `stage`.
    pub fn reached(&self, way: Way<'_>, stage: Stage, now: Timestamp) {
        let labels = [way.site, way.provider, stage.label()];
        self.funnel.with_label_values(&labels).inc();
        self.recent.funnel.reached(way, stage, now);
        if stage == Stage::Session {
            self.recent.health.succeeded(way, now);
        }
    }

    /// Counts, for the pages, that a sign-in failed for a `reason` out of a closed set.
    pub fn sign_in_failed(&self, way: Way<'_>, reason: &'static str, now: Timestamp) {
        self.recent.funnel.failed(way, reason, now);
        self.recent.health.failed(way, reason, now);
    }

    /// The text exposition format, version 0.0.4.
    pub fn render(&self) -> Vec<u8> {
        let mut text = Vec::new();
        let families = self.registry.gather();
        match TextEncoder::new().encode(&families, &mut text) {
            Ok(()) => text,
            Err(_) => Vec::new(),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Upper bounds of the duration histograms, in seconds.
const BUCKETS: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0];

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("vestibule")
}

fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    register(registry, IntGauge::with_opts(opts(name, help)))
}

fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    register(registry, IntGaugeVec::new(opts(name, help), labels))
}

fn counter(registry: &Registry, name: &str, help: &str) -> IntCounter {
    register(registry, IntCounter::with_opts(opts(name, help)))
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    register(registry, IntCounterVec::new(opts(name, help), labels))
}

fn histograms(registry: &Registry, name: &str, help: &str, label: &str) -> HistogramVec {
    let opts = HistogramOpts::from(opts(name, help)).buckets(BUCKETS.to_vec());
    register(registry, HistogramVec::new(opts, &[label]))
}

/// What a gauge says for each set of its label values, which come in the order of the labels' names.
pub fn readings(gauges: &IntGaugeVec) -> Vec<(Vec<String>, i64)> {
    let families = gauges.collect();
    let readings = families.iter().flat_map(MetricFamily::get_metric).map(|metric| {
        let labels = metric.get_label().iter().map(|label| label.value().to_owned());
        #[expect(clippy::cast_possible_truncation, reason = "it was set from an i64")]
        let value = metric.get_gauge().get_value() as i64;
        (labels.collect(), value)
    });
    readings.collect()
}

/// A histogram's handle for one label value, to be kept where it is used often.
pub fn handle(histograms: &HistogramVec, label: &str) -> Histogram {
    histograms.with_label_values(&[label])
}

#[expect(clippy::expect_used, reason = "names and labels are constants that a test registers")]
fn register<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let collector = made.expect("a metric's name and labels are legal");
    registry.register(Box::new(collector.clone())).expect("a metric's name is used once");
    collector
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_registers_and_names_itself_after_us() {
        let metrics = Metrics::new();
        metrics.requests.with_label_values(&["shell", "2xx", "forwarded"]).inc();
        let text = String::from_utf8(metrics.render()).unwrap();
        assert!(text.contains("vestibule_requests_total{class=\"2xx\""));
        let names = text.lines().filter(|line| !line.starts_with('#'));
        assert!(names.into_iter().all(|line| line.starts_with("vestibule_")));
    }

    #[test]
    fn what_a_gauge_says_can_be_read_back() {
        let metrics = Metrics::new();
        metrics.upstream_up.with_label_values(&["cms", "http://a/"]).set(1);
        let labels = vec!["http://a/".to_owned(), "cms".to_owned()];
        assert_eq!(readings(&metrics.upstream_up), [(labels, 1)]);
    }
}
