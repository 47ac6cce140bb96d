//! A WebSocket that sends back what it is sent (RFC 6455).

use std::sync::Arc;
use std::time::Duration;

use futures_util::SinkExt;
use futures_util::StreamExt;
use http::HeaderMap;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use hyper::Request;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::http::Response;
use crate::http::response;

/// The longest message that comes back.
const MESSAGE: usize = 64 * 1024;

/// A WebSocket that is silent for this long is closed.
const SILENCE: Duration = Duration::from_mins(10);

/// Accepts the opening handshake (§4.2.2), or says what is missing. `place` is given back when the
/// socket closes.
pub(super) fn accept(
    request: &mut Request<Incoming>,
    place: Arc<OwnedSemaphorePermit>,
) -> Response {
    let Some(key) = key(request.headers()) else {
        let mut refusal = response::empty(StatusCode::UPGRADE_REQUIRED);
        let headers = refusal.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, VERSION);
        return refusal;
    };
    let Ok(accept) = HeaderValue::try_from(derive_accept_key(key.as_bytes())) else {
        return response::empty(StatusCode::BAD_REQUEST);
    };
    tokio::spawn(echo(hyper::upgrade::on(request), place));
    let mut acceptance = response::empty(StatusCode::SWITCHING_PROTOCOLS);
    let headers = acceptance.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    acceptance
}

const VERSION: HeaderValue = HeaderValue::from_static("13");

fn key(headers: &HeaderMap) -> Option<&HeaderValue> {
    let upgrade = headers.get(header::UPGRADE)?.to_str().ok()?;
    let wanted = upgrade.eq_ignore_ascii_case("websocket")
        && headers.get(header::SEC_WEBSOCKET_VERSION) == Some(&VERSION);
    wanted.then(|| headers.get(header::SEC_WEBSOCKET_KEY)).flatten()
}

async fn echo(upgrade: OnUpgrade, place: Arc<OwnedSemaphorePermit>) {
    let Ok(upgraded) = upgrade.await else { return };
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE))
        .max_frame_size(Some(MESSAGE))
        .max_write_buffer_size(4 * MESSAGE);
    let io = TokioIo::new(upgraded);
    let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(limits)).await;
    while let Ok(Some(Ok(message))) = timeout(SILENCE, socket.next()).await {
        let answer = message.is_text() || message.is_binary();
        if answer && !matches!(timeout(SILENCE, socket.send(message)).await, Ok(Ok(()))) {
            break;
        }
    }
    drop(place);
}
