//! The operations listener: `/metrics`, `/healthz/live`, `/healthz/ready`, and never a site.
//!
//! It answers to addresses and `localhost` alone: any other name could be a web page's own, pointed
//! here so that its scripts may read the answer (DNS rebinding).

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header;

use crate::error::Problem;
use crate::http::Response;
use crate::http::Target;
use crate::http::response;
use crate::proxy::gateway::House;

/// Answers a request on the operations listener: exact paths, GET and HEAD alone.
///
/// # Errors
///
/// [`Problem::UnknownHost`], [`Problem::NotFound`] or [`Problem::MethodNotAllowed`].
pub fn answer(
    house: &House,
    method: &Method,
    target: &Target,
    peer: IpAddr,
) -> Result<Response, Problem> {
    // A web page on this machine could otherwise reach it under a name of its own (DNS rebinding);
    // whoever comes from elsewhere may know this listener by a service name.
    if peer.to_canonical().is_loopback() && !is_address(&target.host) {
        return Err(Problem::UnknownHost(target.host.clone()));
    }
    if method != Method::GET && method != Method::HEAD {
        return Err(Problem::MethodNotAllowed { allow: "GET, HEAD" });
    }
    let mut response = match target.path.as_str() {
        "/metrics" => {
            house.login.observe();
            response::typed(StatusCode::OK, METRICS_TYPE, house.metrics.render())
        }
        "/healthz/live" => response::typed(StatusCode::OK, TEXT, "Healthy"),
        "/healthz/ready" if house.ready.load(Ordering::Relaxed) => {
            response::typed(StatusCode::OK, TEXT, "Healthy")
        }
        "/healthz/ready" => response::typed(StatusCode::SERVICE_UNAVAILABLE, TEXT, "Unhealthy"),
        _ => {
            return Err(Problem::NotFound(
                "The operations listener has /metrics, /healthz/live and /healthz/ready.".into(),
            ));
        }
    };
    no_store(response.headers_mut());
    Ok(response)
}

/// Whether `host` is an IP literal or `localhost`. [`Target`] lets brackets stand around IPv6 alone.
fn is_address(host: &str) -> bool {
    host == "localhost" || host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok()
}

fn no_store(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c73_only_addresses_and_localhost_are_answered() {
        for host in ["127.0.0.1", "[::1]", "10.0.0.7", "localhost"] {
            assert!(is_address(host), "{host}");
        }
        for host in ["evil.test", "127.0.0.1.evil.test", "localhost.evil.test", "2130706433"] {
            assert!(!is_address(host), "{host}");
        }
    }
}
