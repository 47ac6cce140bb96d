//! The demo CMS by itself: what it echoes, what it shows, its WebSocket.

use std::net::SocketAddr;

use futures_util::SinkExt;
use futures_util::StreamExt;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use vestibule::demo;

async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn document(answer: &str) -> Value {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: application/json"), "{head}");
    serde_json::from_str(body).unwrap()
}

#[tokio::test]
async fn echo_shows_every_line_as_it_came() {
    let cms = demo::start().await.unwrap();
    let answer = exchange(
        cms,
        "PUT /Sitecore/Shell/ECHO?id={GUID}&a=%2F HTTP/1.1\r\nHost: cms.test\r\nx-B: 1\r\nX-A: 2\r\n\
         x-B: 3\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    )
    .await;
    let expected = json!({
        "method": "PUT",
        "target": "/Sitecore/Shell/ECHO?id={GUID}&a=%2F",
        "version": "HTTP/1.1",
        "headers": [
            ["Host", "cms.test"], ["x-B", "1"], ["X-A", "2"], ["x-B", "3"],
            ["Transfer-Encoding", "chunked"], ["Connection", "close"],
        ],
        "body_bytes": 5,
    });
    assert_eq!(document(&answer), expected);
}

#[tokio::test]
async fn one_connection_serves_request_after_request() {
    let cms = demo::start().await.unwrap();
    let mut stream = TcpStream::connect(cms).await.unwrap();
    for number in 1..=3 {
        let body = "x".repeat(number * 100_000);
        let length = body.len();
        let head = format!("POST /echo HTTP/1.1\r\nHost: x\r\nN: {number}\r\n");
        let request = format!("{head}Content-Length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        while !answer.ends_with('}') {
            let mut piece = [0; 4096];
            let read = stream.read(&mut piece).await.unwrap();
            assert!(read > 0, "closed after {answer}");
            answer.push_str(std::str::from_utf8(&piece[..read]).unwrap());
        }
        let echo = document(&answer);
        assert_eq!(echo["headers"][1], json!(["N", number.to_string()]));
        assert_eq!(echo["body_bytes"], json!(number * 100_000));
    }
}

#[tokio::test]
async fn a_page_shows_whom_the_headers_name() {
    let cms = demo::start().await.unwrap();
    let page = exchange(
        cms,
        "GET /sitecore/shell/?sc=1 HTTP/1.1\r\nHost: x\r\nX-Forwarded-User: sitecore\\jane\r\n\
         X-Forwarded-Email: jane@example.test\r\n\
         X-Forwarded-Groups: sitecore\\Author,a%2Cb%25,<i>\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(page.contains("<dd id=\"user\">sitecore\\jane</dd>"), "{page}");
    assert!(page.contains("<li>sitecore\\Author</li><li>a,b%</li><li>&#60;i&#62;</li>"), "{page}");
    assert!(page.contains("cache-control: no-store"), "{page}");
    assert!(page.contains("href=\"/identity/logout\""), "{page}");
    assert!(!page.contains("<i>"), "{page}");
}

#[tokio::test]
async fn an_anonymous_visitor_is_offered_the_way_in_and_back() {
    let cms = demo::start().await.unwrap();
    let request = "GET /news?a=b&c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let page = exchange(cms, request).await;
    let link = "/identity/login/website/SitecoreIdentityServer?returnUrl=%2Fnews%3Fa%3Db%26c";
    assert!(page.contains(&format!("href=\"{link}\"")), "{page}");
    assert!(page.contains("<main id=\"demo\">"), "{page}");
    assert!(!page.contains("id=\"socket\""), "the website has no socket panel");
}

#[tokio::test]
async fn the_web_socket_sends_back_what_it_is_sent() {
    let cms = demo::start().await.unwrap();
    let stream = TcpStream::connect(cms).await.unwrap();
    let address = "ws://cms.test/sitecore/shell/ws";
    let (mut socket, _) = tokio_tungstenite::client_async(address, stream).await.unwrap();
    for message in [Message::text("grüß"), Message::binary(vec![0, 255])] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket.close(None).await.unwrap();

    let refused = exchange(cms, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(refused.starts_with("HTTP/1.1 426 "), "{refused}");
}
