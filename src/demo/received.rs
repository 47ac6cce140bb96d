//! What the demo CMS received: request line, every header line, and how long the body was.

use std::io;

use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use tokio::time::timeout;

use crate::demo::PATIENCE;
use crate::demo::reel::Head;
use crate::demo::reel::Reel;

/// A request, as `/echo` prints it.
#[derive(Debug, Serialize)]
pub(super) struct Received {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) version: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body_bytes: u64,
}

impl Received {
    /// Reads `request` to its end. The body is counted and not kept.
    ///
    /// # Errors
    ///
    /// When the body breaks off or pauses for too long.
    pub(super) async fn read(request: Request<Incoming>, reel: &Reel) -> io::Result<Self> {
        let head = reel.take().unwrap_or_else(|| parsed_head(&request));
        let method = request.method().to_string();
        let version = format!("{:?}", request.version());
        let body_bytes = drain(request.into_body()).await?;
        reel.rewind();
        Ok(Self { method, target: head.target, version, headers: head.lines, body_bytes })
    }

    /// The first value of that header; names are compared without regard to case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// The value of an identity header, its escapes undone.
    pub(super) fn identity(&self, name: &str) -> Option<String> {
        self.header(name).map(decoded)
    }

    /// The values of an identity header that holds a list.
    pub(super) fn identities(&self, name: &str) -> Vec<String> {
        let list = self.header(name).unwrap_or_default().split(',');
        list.filter(|item| !item.is_empty()).map(decoded).collect()
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The head without the order and case of its lines.
fn parsed_head(request: &Request<Incoming>) -> Head {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let lines = request.headers().iter().map(|(n, v)| (n.to_string(), text(v.as_bytes())));
    Head { target: request.uri().to_string(), lines: lines.collect() }
}

async fn drain(mut body: Incoming) -> io::Result<u64> {
    let mut bytes = 0;
    while let Some(frame) = timeout(PATIENCE, body.frame()).await? {
        let frame = frame.map_err(io::Error::other)?;
        bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
    Ok(bytes)
}
