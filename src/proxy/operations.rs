//! The operations listener: `/metrics`, `/healthz/live`, `/healthz/ready`, and never a site.

use std::sync::atomic::Ordering;

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header;

use crate::error::Problem;
use crate::http::Response;
use crate::http::response;
use crate::proxy::gateway::House;

/// Answers a request on the operations listener: exact paths, GET and HEAD alone.
///
/// # Errors
///
/// [`Problem::NotFound`] or [`Problem::MethodNotAllowed`].
pub fn answer(house: &House, method: &Method, path: &str) -> Result<Response, Problem> {
    if method != Method::GET && method != Method::HEAD {
        return Err(Problem::MethodNotAllowed { allow: "GET, HEAD" });
    }
    let mut response = match path {
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

fn no_store(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
