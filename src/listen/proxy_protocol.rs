//! The PROXY protocol (`HAProxy`'s proxy-protocol.txt, versions 1 and 2): what a listed load balancer
//! says of the client before anything else. Read strictly and bounded; who is not listed never gets
//! here.

use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// A header that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The client, when the sender speaks for one: `UNKNOWN`, `LOCAL` and `UNSPEC` do not.
    pub client: Option<SocketAddr>,
    /// Bytes of the header.
    pub length: usize,
}

/// Not a PROXY protocol header, or one of a kind that no TCP connection has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed PROXY protocol header")]
pub struct Malformed;

/// Longest header: version 1 ends within 107 bytes, version 2 may carry extensions.
pub const LONGEST: usize = 536;

const LONGEST_V1: usize = 107;
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// Reads the header from a connection: the client, when one is named, and what came behind the
/// header. The caller limits the time.
///
/// # Errors
///
/// `InvalidData` for anything that is no header, and whatever the socket says.
pub(super) async fn read(socket: &mut TcpStream) -> io::Result<(Option<SocketAddr>, Bytes)> {
    let mut bytes = Vec::with_capacity(LONGEST);
    loop {
        match parse(&bytes) {
            Ok(Some(header)) => {
                let rest = bytes.get(header.length..).unwrap_or_default();
                return Ok((header.client, Bytes::copy_from_slice(rest)));
            }
            Ok(None) if bytes.len() < LONGEST => {}
            Ok(None) | Err(Malformed) => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, Malformed));
            }
        }
        let room = LONGEST.saturating_sub(bytes.len());
        if (&mut *socket).take(room as u64).read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Reads a header at the start of `bytes`; `None` while it may still become one.
///
/// # Errors
///
/// [`Malformed`] as soon as it cannot.
pub fn parse(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let seen = bytes.len().min(SIGNATURE.len());
    if bytes.get(..seen) == SIGNATURE.get(..seen) {
        return if seen < SIGNATURE.len() { Ok(None) } else { parse_v2(bytes) };
    }
    let seen = bytes.len().min(PREFIX.len());
    if bytes.get(..seen) != PREFIX.get(..seen) {
        return Err(Malformed);
    }
    parse_v1(bytes)
}

const PREFIX: &[u8] = b"PROXY ";

fn parse_v1(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let head = bytes.get(..LONGEST_V1).unwrap_or(bytes);
    let Some(end) = head.windows(2).position(|pair| pair == b"\r\n") else {
        return if bytes.len() < LONGEST_V1 { Ok(None) } else { Err(Malformed) };
    };
    let line = head.get(PREFIX.len()..end).ok_or(Malformed)?;
    let line = std::str::from_utf8(line).map_err(|_| Malformed)?;
    let length = end + 2;
    if line == "UNKNOWN" || line.starts_with("UNKNOWN ") {
        return Ok(Some(Header { client: None, length }));
    }
    let fields: Vec<&str> = line.split(' ').collect();
    let [family, source, destination, source_port, destination_port] = fields[..] else {
        return Err(Malformed);
    };
    let port = port(source_port)?;
    let client = match family {
        "TCP4" => IpAddr::V4(pair::<Ipv4Addr>(source, destination)?),
        "TCP6" => IpAddr::V6(pair::<Ipv6Addr>(source, destination)?),
        _ => return Err(Malformed),
    };
    self::port(destination_port)?;
    Ok(Some(Header { client: Some(SocketAddr::new(client, port)), length }))
}

fn pair<A: std::str::FromStr>(source: &str, destination: &str) -> Result<A, Malformed> {
    destination.parse::<A>().map_err(|_| Malformed)?;
    source.parse().map_err(|_| Malformed)
}

/// A decimal number from 0 to 65535 without sign or leading zeros.
fn port(text: &str) -> Result<u16, Malformed> {
    let plain = text == "0" || text.starts_with(|c: char| ('1'..='9').contains(&c));
    text.parse().ok().filter(|_| plain).ok_or(Malformed)
}

fn parse_v2(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let Some((head, rest)) = bytes.get(SIGNATURE.len()..).and_then(<[u8]>::split_first_chunk::<4>)
    else {
        return Ok(None);
    };
    let [version_command, family, high, low] = *head;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let total = SIGNATURE.len() + head.len() + length;
    if total > LONGEST || version_command >> 4 != 2 {
        return Err(Malformed);
    }
    let Some(addresses) = rest.get(..length) else {
        return Ok(None);
    };
    let client = match (version_command & 0xf, family) {
        (0x0, _) | (0x1, 0x00) => None,
        (0x1, 0x11) => Some(client_v4(addresses).ok_or(Malformed)?),
        (0x1, 0x21) => Some(client_v6(addresses).ok_or(Malformed)?),
        _ => return Err(Malformed),
    };
    Ok(Some(Header { client, length: total }))
}

/// Source, destination, source port, destination port.
fn client_v4(addresses: &[u8]) -> Option<SocketAddr> {
    let (source, rest) = addresses.split_first_chunk::<4>()?;
    let (_, rest) = rest.split_first_chunk::<4>()?;
    let (port, rest) = rest.split_first_chunk::<2>()?;
    rest.first_chunk::<2>()?;
    Some(SocketAddr::new(Ipv4Addr::from(*source).into(), u16::from_be_bytes(*port)))
}

fn client_v6(addresses: &[u8]) -> Option<SocketAddr> {
    let (source, rest) = addresses.split_first_chunk::<16>()?;
    let (_, rest) = rest.split_first_chunk::<16>()?;
    let (port, rest) = rest.split_first_chunk::<2>()?;
    rest.first_chunk::<2>()?;
    Some(SocketAddr::new(Ipv6Addr::from(*source).into(), u16::from_be_bytes(*port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    fn header(text: &str) -> Header {
        parse(text.as_bytes()).unwrap().unwrap()
    }

    fn v2(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([command, family]);
        bytes.extend(u16::try_from(addresses.len()).unwrap().to_be_bytes());
        bytes.extend(addresses);
        bytes
    }

    #[test]
    fn version_1_names_the_client() {
        let text = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET /";
        let read = header(text);
        assert_eq!(read.client, Some("192.0.2.7:56324".parse().unwrap()));
        assert_eq!(&text[read.length..], "GET /");
        assert_eq!(
            header("PROXY TCP6 2001:db8::1 2001:db8::2 1 443\r\n").client,
            Some("[2001:db8::1]:1".parse().unwrap())
        );
        assert_eq!(header("PROXY UNKNOWN\r\n").client, None);
        assert_eq!(header("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n").client, None);
    }

    #[test]
    fn version_1_is_read_strictly() {
        for text in [
            "PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443 \r\n",
            "PROXY TCP4  192.0.2.7 198.51.100.1 56324 443\r\n",
            "PROXY TCP4 192.0.2.07 198.51.100.1 56324 443\r\n",
            "PROXY TCP4 2001:db8::1 198.51.100.1 56324 443\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 +56324 443\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 056324 443\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 56324 x\r\n",
            "PROXY UDP4 192.0.2.7 198.51.100.1 56324 443\r\n",
            "PROXY UNKNOWNX\r\n",
            "PROXY \r\n",
            "proxy TCP4 192.0.2.7 198.51.100.1 56324 443\r\n",
            "GET / HTTP/1.1\r\n",
            "\u{16}\u{3}\u{1}",
        ] {
            assert_eq!(parse(text.as_bytes()), Err(Malformed), "{text:?}");
        }
        let endless = format!("PROXY UNKNOWN {}", "a".repeat(93));
        assert_eq!(parse(endless.as_bytes()), Err(Malformed));
    }

    #[test]
    fn version_2_names_the_client_and_skips_extensions() {
        let addresses = [192, 0, 2, 7, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb];
        let mut bytes = v2(0x21, 0x11, &[&addresses[..], &[0x04, 0, 1, 0]].concat());
        bytes.extend(b"rest");
        let header = parse(&bytes).unwrap().unwrap();
        assert_eq!(header.client, Some("192.0.2.7:56324".parse().unwrap()));
        assert_eq!(&bytes[header.length..], b"rest");
        let mut six = [0; 36];
        six[15] = 1;
        six[33] = 9;
        let header = parse(&v2(0x21, 0x21, &six)).unwrap().unwrap();
        assert_eq!(header.client, Some("[::1]:9".parse().unwrap()));
    }

    #[test]
    fn version_2_local_and_unspecified_keep_the_peer() {
        assert_eq!(parse(&v2(0x20, 0x00, &[])).unwrap().unwrap().client, None);
        assert_eq!(parse(&v2(0x21, 0x00, b"xy")).unwrap().unwrap().client, None);
    }

    #[test]
    fn version_2_is_read_strictly() {
        for bytes in [
            v2(0x11, 0x11, &[0; 12]),
            v2(0x22, 0x11, &[0; 12]),
            v2(0x21, 0x11, &[0; 11]),
            v2(0x21, 0x21, &[0; 12]),
            v2(0x21, 0x12, &[0; 12]),
            v2(0x21, 0x31, &[0; 216]),
            v2(0x21, 0x11, &[0; 521]),
        ] {
            assert_eq!(parse(&bytes), Err(Malformed), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_no_prefix_of_a_header_is_another(bytes in proptest::collection::vec(any::<u8>(), 0..64), cut in 0_usize..200) {
            prop_assert!(parse(&bytes).is_ok_and(|header| header.is_none()) || !bytes.is_empty());
            let whole = [v2(0x21, 0x11, &[1; 12]), b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n".to_vec()];
            for header in whole {
                let part = &header[..cut.min(header.len() - 1)];
                prop_assert_eq!(parse(part), Ok(None));
            }
        }
    }
}
