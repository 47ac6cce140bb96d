//! `<listeners>` and `<upstreams>`: where requests come in and where they go.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::config::model::Listener;
use crate::config::model::ListenerKind;
use crate::config::model::ServerAddress;
use crate::config::model::UpstreamSettings;
use crate::config::read::gateway::Gateway;
use crate::config::read::gateway::SET_HINT;
use crate::config::read::ours::Ours;
use crate::config::read::report::Report;
use crate::config::read::sites::is_host;
use crate::config::read::values;
use crate::config::tree::Element;
use crate::http::network::Network;

const ATTRIBUTES: [&str; 9] = [
    "name",
    "address",
    "hosts",
    "certificate",
    "key",
    "redirectTo",
    "plain",
    "trustedProxies",
    "proxyProtocol",
];

/// Every listener.
pub(crate) fn listeners(gateway: Gateway<'_>, report: &mut Report) -> Vec<Listener> {
    let Some(list) = gateway.section("listeners", &[], &["listener"], report) else {
        let origin = &gateway.element().origin;
        report.fault(origin, "there are no <listeners>", "declare one with an address");
        return Vec::new();
    };
    let elements: Vec<&Element> = list.children("listener").collect();
    let ports: Vec<(&str, u16)> = elements.iter().filter_map(|e| named_port(e)).collect();
    let mut listeners: Vec<Listener> = Vec::new();
    for element in elements {
        let ours = Ours::new(element, &ATTRIBUTES, &["certificate"], report);
        let Some(listener) = listener(ours, &ports, report) else { continue };
        if listeners.iter().any(|l| l.name == listener.name) {
            let what = format!("two listeners are called `{}`", listener.name);
            report.fault(&listener.origin, what, SET_HINT);
        } else if listeners.iter().any(|l| l.address == listener.address && l.address.port() != 0) {
            let what = format!("two listeners have the address {}", listener.address);
            report.fault(ours.origin_of("address"), what, "give one of them another port");
        }
        listeners.push(listener);
    }
    listeners
}

fn named_port(element: &Element) -> Option<(&str, u16)> {
    let address: SocketAddr = element.value("address")?.trim().parse().ok()?;
    Some((element.value("name")?.trim(), address.port()))
}

fn listener(ours: Ours<'_>, ports: &[(&str, u16)], report: &mut Report) -> Option<Listener> {
    let name = ours.required("name", report);
    ours.required("address", report)?;
    let shape = "an address and a port, such as 0.0.0.0:8443 or [::]:8443";
    let address = ours.parse("address", shape, report, |text| text.parse().ok())?;
    let name = name?;
    let kind = kind(name, ours, ports, report)?;
    Some(Listener {
        name: Arc::from(name),
        address,
        kind,
        hosts: hosts(ours, report),
        trusted_proxies: networks(ours, "trustedProxies", report),
        proxy_protocol: networks(ours, "proxyProtocol", report),
        origin: ours.origin().clone(),
    })
}

fn kind(
    name: &str,
    ours: Ours<'_>,
    ports: &[(&str, u16)],
    report: &mut Report,
) -> Option<ListenerKind> {
    let certificates = certificates(ours, report);
    let plain = ours.boolean("plain", ours.text("plain").is_some(), report);
    match (name, ours.text("redirectTo"), certificates.is_empty()) {
        ("operations", None, true) => Some(ListenerKind::Operations),
        (_, None, false) if !plain => Some(ListenerKind::Tls(certificates)),
        (_, None, true) if plain => Some(ListenerKind::Plain),
        (_, Some(target), true) if !plain => {
            let port = ports.iter().find(|(name, _)| *name == target).map(|(_, port)| *port);
            if port.is_none() {
                let what = format!("redirectTo=\"{target}\" names no listener");
                report.fault(
                    ours.origin_of("redirectTo"),
                    what,
                    "name the listener with the certificate",
                );
            }
            port.map(ListenerKind::RedirectTo)
        }
        _ => {
            let what = format!("nothing clear says what the listener `{name}` serves");
            let instead = "write either certificate and key, or redirectTo, or plain=\"true\" where something in front terminates TLS";
            report.fault(ours.origin(), what, instead);
            None
        }
    }
}

fn certificates(ours: Ours<'_>, report: &mut Report) -> Vec<(PathBuf, PathBuf)> {
    let mut pairs = Vec::new();
    match (ours.path("certificate"), ours.path("key")) {
        (Some(certificate), Some(key)) => pairs.push((certificate, key)),
        (None, None) => {}
        (Some(_), None) | (None, Some(_)) => {
            report.fault(
                ours.origin(),
                "a certificate needs its key",
                "write certificate=\"…\" and key=\"…\"",
            );
        }
    }
    for element in ours.children("certificate") {
        let more = Ours::new(element, &["file", "key"], &[], report);
        let (file, key) = (more.required("file", report), more.required("key", report));
        pairs.extend(file.zip(key).map(|(file, key)| (PathBuf::from(file), PathBuf::from(key))));
    }
    pairs
}

fn hosts(ours: Ours<'_>, report: &mut Report) -> Vec<String> {
    let hosts = values::list(ours.text("hosts").unwrap_or_default());
    for host in hosts.iter().filter(|host| !is_host(host, *host == "*")) {
        let what = format!("`{host}` is not a host name");
        report.fault(
            ours.origin_of("hosts"),
            what,
            "write names separated by |, without ports, or * alone",
        );
    }
    hosts.iter().map(|host| host.to_ascii_lowercase()).collect()
}

fn networks(ours: Ours<'_>, attribute: &str, report: &mut Report) -> Vec<Network> {
    let mut networks = Vec::new();
    for text in values::words(&ours.text(attribute).unwrap_or_default().replace('|', " ")) {
        match text.parse() {
            Ok(network) => networks.push(network),
            Err(why) => {
                report.fault(ours.origin_of(attribute), why, "write ranges such as 10.0.0.0/8");
            }
        }
    }
    networks
}

/// Every upstream.
pub(crate) fn upstreams(gateway: Gateway<'_>, report: &mut Report) -> Vec<UpstreamSettings> {
    let Some(list) = gateway.section("upstreams", &[], &["upstream"], report) else {
        return Vec::new();
    };
    let mut upstreams: Vec<UpstreamSettings> = Vec::new();
    for element in list.children("upstream") {
        let Some(upstream) = upstream(element, report) else { continue };
        if upstreams.iter().any(|u| u.name == upstream.name) {
            let what = format!("two upstreams are called `{}`", upstream.name);
            report.fault(&upstream.origin, what, SET_HINT);
        }
        upstreams.push(upstream);
    }
    upstreams
}

fn upstream(element: &Element, report: &mut Report) -> Option<UpstreamSettings> {
    let attributes = ["name", "audience", "ca", "connectTimeout", "responseTimeout", "idleTimeout"];
    let ours = Ours::new(element, &attributes, &["server"], report);
    let name = ours.required("name", report)?;
    if name == "none" {
        report.fault(ours.origin(), "an upstream cannot be called `none`", "choose another name");
    }
    let servers: Vec<ServerAddress> =
        ours.children("server").filter_map(|e| server(e, report)).collect();
    if servers.is_empty() {
        let what = format!("the upstream `{name}` has no server");
        report.fault(ours.origin(), what, "write <server url=\"http://host:port\" />");
    }
    Some(UpstreamSettings {
        name: Arc::from(name),
        servers,
        certificate_authority: ours.path("ca"),
        connect_timeout: ours.duration("connectTimeout", Duration::from_secs(5), report),
        response_timeout: ours.duration("responseTimeout", Duration::from_mins(2), report),
        idle_timeout: ours.duration("idleTimeout", Duration::from_mins(5), report),
        audience: ours.text("audience").filter(|a| !a.is_empty()).unwrap_or(name).to_owned(),
        origin: ours.origin().clone(),
    })
}

fn server(element: &Element, report: &mut Report) -> Option<ServerAddress> {
    let ours = Ours::new(element, &["url"], &[], report);
    ours.required("url", report)?;
    let read = |text: &str| {
        Url::parse(text).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        })
    };
    let shape = "http:// or https:// with a host and a port, and no path";
    ours.parse("url", shape, report, read).map(|url| ServerAddress { url })
}
