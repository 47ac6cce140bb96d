//! What is fuzzed: each function takes any bytes and panics when a promise is broken. `cargo fuzz`
//! drives them, and `cargo test` replays the corpora through them.

use std::collections::HashSet;
use std::net::SocketAddr;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;
use vestibule::config::Environment;
use vestibule::config::merge::merge_texts;
use vestibule::config::tree::Element;
use vestibule::crypto::seal::SealKeys;
use vestibule::gate::forwarding;
use vestibule::http::CanonicalPath;
use vestibule::http::Connection;
use vestibule::http::RequestId;
use vestibule::http::ReturnPath;
use vestibule::http::Target;
use vestibule::http::connection::Purpose;
use vestibule::http::cookies::Cookies;
use vestibule::http::cookies::Named;
use vestibule::http::form::Form;

/// A small base that patches find something to change in.
const BASE: &str = r#"<configuration xmlns:patch="http://www.sitecore.net/xmlconfig/">
<appSettings><add key="role:define" value="Standalone" /></appSettings>
<sitecore><sc.variable name="v" value="1" /><settings><setting name="A" value="$(v)" /></settings>
<sites><site name="shell" virtualFolder="/sitecore/shell" /><site name="website" /></sites></sitecore>
</configuration>"#;

/// A patch file over the base: never a crash or a hang, the same tree each time, and every element
/// knows which of the two files it came from.
pub fn xml_patch(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let merge = || merge_texts(BASE, &[("patch.config", &text)], &Environment::default());
    match (merge(), merge()) {
        (Ok(first), Ok(second)) => {
            assert_eq!(first.root, second.root);
            check_origins(&first.root);
        }
        (Err(first), Err(second)) => {
            assert_eq!(first, second);
            assert!(!first.is_empty(), "refused without a fault");
        }
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => panic!("one file, two outcomes"),
    }
}

fn check_origins(element: &Element) {
    let file = element.origin.file.to_string_lossy();
    assert!(file.ends_with("vestibule.config") || file == "patch.config", "{file}");
    assert!(element.origin.line > 0);
    element.elements().for_each(check_origins);
}

/// `Cookie` lines, one a line of input: a name has one value, none, or is a contradiction.
pub fn cookie(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|&byte| byte == b'\n').take(50) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(header::COOKIE, value);
        }
    }
    let cookies = Cookies::of(&headers);
    for (name, _) in cookies.iter() {
        let values: HashSet<&str> =
            cookies.iter().filter(|(known, _)| *known == name).map(|(_, value)| value).collect();
        match cookies.named(name) {
            Named::Absent => panic!("{name} is there"),
            Named::One(value) => assert_eq!(values, HashSet::from([value])),
            Named::Contradiction => assert!(values.len() > 1),
        }
    }
}

/// Forwarding headers, a `name: value` a line: only a trusted proxy is believed, and what goes
/// upstream is one line of ours a header.
pub fn forwarded(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|&byte| byte == b'\n').take(100) {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let (name, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or_default().trim_ascii();
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    }
    for trusted in [false, true] {
        let connection = connection(trusted);
        let caller = forwarding::caller(&connection, &headers);
        if !trusted {
            assert_eq!(caller.address, connection.peer.ip());
            assert!(caller.secure);
        }
        let mut headers = headers.clone();
        let target = target();
        headers.insert(header::HOST, HeaderValue::from_static("cms.test"));
        forwarding::write(&mut headers, &connection, caller, &target, &RequestId::fresh());
        for name in ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded"] {
            assert_eq!(headers.get_all(name).iter().count(), 1, "{name}");
        }
        assert_eq!(
            headers.get("x-forwarded-host").map(HeaderValue::as_bytes),
            Some(&b"cms.test"[..])
        );
    }
}

fn connection(trusted: bool) -> Connection {
    let networks = if trusted { vec!["192.0.2.0/24".parse().expect("a network")] } else { vec![] };
    Connection {
        peer: SocketAddr::from(([192, 0, 2, 7], 50_000)),
        port: 443,
        secure: true,
        server_name: None,
        http2: false,
        purpose: Purpose::Sites,
        listener: "https".into(),
        trusted_proxies: networks.into(),
    }
}

fn target() -> Target {
    Target {
        host: "cms.test".to_owned(),
        port: None,
        path: CanonicalPath::read("/").expect("a path"),
        query: None,
    }
}

/// Paths of requests and ways back: what is accepted is canonical, stays on this host, and is read
/// again as the same.
pub fn path(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(path) = CanonicalPath::read(&text) {
        assert_eq!(CanonicalPath::read(path.as_str()).as_ref(), Ok(&path));
        assert!(path.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
        let decoded = path.decoded();
        assert!(decoded.starts_with('/') && !decoded.contains("//") && !decoded.contains('\\'));
        assert!(!decoded.split('/').any(|segment| segment == ".." || segment == "."));
        assert!(!decoded.contains(char::is_control));
    }
    if let Some(back) = ReturnPath::read(&text) {
        assert!(back.as_str().starts_with('/') && !back.as_str().starts_with("//"));
        assert!(back.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
        assert_eq!(ReturnPath::read(back.as_str()).as_ref(), Some(&back));
    }
}

/// The query or body of a callback: no parameter twice, and no state that we have not sealed opens.
pub fn callback_query(data: &[u8]) {
    let Ok(form) = Form::parse(data) else { return };
    let names: Vec<&str> = form.iter().map(|(name, _)| name).collect();
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    if let Some(state) = form.get("state") {
        assert_eq!(SealKeys::ephemeral().open_sealed("state", state), None);
    }
    for (_, value) in form.iter() {
        path(value.as_bytes());
    }
}
