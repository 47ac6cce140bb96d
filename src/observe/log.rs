//! Logs as text or JSON. Values that came from outside go in as fields, which the formatter escapes;
//! tokens, cookies, codes and secrets go in nowhere.

use tracing_subscriber::EnvFilter;

/// The shape of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging to standard error. `filter` is a level or a `tracing` directive list; what cannot
/// be read counts as `info`. A second call changes nothing.
///
/// Other crates' spans and events stay out below `warn` whatever the level: at `trace` HTTP and TLS
/// libraries print headers and key material.
pub fn start(format: Format, filter: &str) {
    let own = filter.parse::<tracing::Level>().map_or_else(
        |_| if filter.is_empty() { "info".to_owned() } else { filter.to_owned() },
        |level| level.to_string().to_ascii_lowercase(),
    );
    let own = if own.contains('=') { own } else { format!("vestibule={own}") };
    let filter = EnvFilter::try_new(format!("warn,{own},hyper=warn,h2=warn,rustls=warn"))
        .unwrap_or_else(|_| EnvFilter::new("warn,vestibule=info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(true)
        .with_ansi(false);
    let started = match format {
        Format::Text => builder.try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging has been started before");
    }
}
