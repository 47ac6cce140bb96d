//! What the log and the metrics are told of a request: one line each, whatever became of it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::Method;
use http::Request;

use crate::gate::forwarding::X_REQUEST_ID;
use crate::http::Body;
use crate::http::Connection;
use crate::http::RequestId;
use crate::http::Response;
use crate::http::Target;
use crate::http::connection::Purpose;
use crate::proxy::gateway::Gateway;
use crate::session::Session;

/// One request, as it is told.
#[derive(Debug)]
pub struct Record {
    /// Its id.
    pub id: RequestId,
    /// The index and name of its site, once known.
    pub site: Option<(usize, Arc<str>)>,
    /// Who it is, once known.
    pub user: Option<Arc<Session>>,
    /// How it ended: from a closed set.
    pub outcome: &'static str,
    method: Method,
    /// The caller's address: the peer's, until a trusted proxy has been heard.
    pub client: IpAddr,
    peer: IpAddr,
    host: String,
    path: String,
    is_operations: bool,
}

impl Record {
    /// Begins with what the connection and the request line say.
    pub fn begin(connection: &Connection, request: &Request<Body>) -> Self {
        let peer = connection.peer.ip().to_canonical();
        Self {
            id: RequestId::fresh(),
            site: None,
            user: None,
            outcome: "answered",
            method: request.method().clone(),
            client: peer,
            peer,
            host: String::new(),
            path: String::new(),
            is_operations: connection.purpose == Purpose::Operations,
        }
    }

    /// Notes the target in its canonical form. The query stays out: codes and tokens stand there.
    pub fn saw(&mut self, target: &Target) {
        cut(&target.host).clone_into(&mut self.host);
        cut(target.path.as_str()).clone_into(&mut self.path);
    }

    /// Takes over the id that a trusted proxy gave the request.
    pub fn accept_id(&mut self, headers: &HeaderMap, trusted: bool) {
        let given = headers.get(X_REQUEST_ID).filter(|_| trusted).and_then(|v| v.to_str().ok());
        if let Some(id) = given.and_then(RequestId::accept) {
            self.id = id;
        }
    }

    /// Counts the request and writes its line.
    pub fn end(self, gateway: &Gateway, response: &Response, took: Duration) {
        if self.is_operations {
            return;
        }
        let status = response.status();
        let meters = gateway.meters(self.site.as_ref().map(|(index, _)| *index));
        meters.count(&gateway.house.metrics, status, self.outcome, took);
        tracing::info!(
            target: "vestibule::request",
            method = self.method.as_str(),
            host = self.host.as_str(),
            path = self.path.as_str(),
            status = status.as_u16(),
            outcome = self.outcome,
            site = self.site.as_ref().map_or("", |(_, name)| name),
            user = self.user.as_ref().map_or("", |session| session.identity.user.name.as_str()),
            client = %self.client,
            peer = (self.peer != self.client).then(|| tracing::field::display(self.peer)),
            duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            request.id = self.id.as_str(),
            "request"
        );
    }
}

/// The beginning of `text`, so that long requests cannot fill the log.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST)).unwrap_or_default()
}

/// Longest host or path in a log line, in bytes.
const LONGEST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_on_a_character() {
        assert_eq!(cut("/short"), "/short");
        assert_eq!(cut(&"a".repeat(5000)).len(), 1024);
        assert_eq!(cut(&"\u{20ac}".repeat(500)).len(), 1023);
    }
}
