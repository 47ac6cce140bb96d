//! HTTP/2 with everything that a client may choose: authority and host apart, trailers.

use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::client::conn::http2;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;

use crate::support::tls;
use crate::support::wire::Answer;

/// Sends `request` with `body` and `trailers` over HTTP/2, naming `cms.localhost` in the handshake.
/// `None` when the connection or stream ends without an answer.
pub(crate) async fn send(
    port: u16,
    request: http::request::Builder,
    body: &str,
    trailers: HeaderMap,
) -> Option<Answer> {
    let stream = tls::connect(port, "cms.localhost", &["h2"]).await;
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let body = Full::new(Bytes::from(body.to_owned()));
    let body = body.with_trailers(async move { Some(Ok(trailers)) }).boxed();
    let request: Request<_> = request.body(body).unwrap();
    let answer = sender.send_request(request).await.ok()?;
    let status = answer.status().as_u16();
    let headers = answer
        .headers()
        .iter()
        .map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let body = answer.into_body().collect().await.ok()?.to_bytes().to_vec();
    Some(Answer { status, headers, body })
}
