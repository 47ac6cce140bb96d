//! TLS 1.2 and 1.3 as every listener speaks it.

use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::UnixTime;
use rustls::server::NoServerSessionStorage;
use rustls::time_provider::TimeProvider;
use rustls::version::TLS12;
use rustls::version::TLS13;
use tokio_rustls::TlsAcceptor;

use crate::clock::Clock;
use crate::listen::certificates::Certificates;
use crate::listen::certificates::Resolver;
use crate::listen::certificates::provider;

/// Accepts handshakes at the listener of that name. Sessions are resumed by tickets that every
/// worker can open; there is no early data, which could be replayed (RFC 8446 §8).
///
/// # Errors
///
/// The cryptography refuses its own defaults, or has no randomness.
pub(super) fn acceptor(
    listener: &Arc<str>,
    certificates: &Arc<Certificates>,
    clock: &Clock,
) -> Result<TlsAcceptor, rustls::Error> {
    let resolver =
        Resolver { listener: Arc::clone(listener), certificates: Arc::clone(certificates) };
    let time = Arc::new(Time(clock.clone()));
    let mut config = ServerConfig::builder_with_details(Arc::new(provider()), time)
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![HTTP2.to_vec(), b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
    config.max_early_data_size = 0;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// HTTP/2 in ALPN (RFC 9113 §3.2).
pub(super) const HTTP2: &[u8] = b"h2";

/// Our clock, as rustls asks it.
struct Time(Clock);

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().0).ok()?;
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Time")
    }
}
