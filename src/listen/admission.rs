//! How many connections may be open, in all and from one address.

use std::net::IpAddr;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use dashmap::DashMap;
use prometheus::IntGauge;

/// The open connections of every worker.
#[derive(Debug, Default)]
pub(super) struct Admission {
    sites: AtomicUsize,
    operations: AtomicUsize,
    by_address: DashMap<IpAddr, usize>,
}

/// Which count a connection belongs to. Operations have their own, so that a crowd at the door does
/// not keep the operator out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crowd {
    /// Everybody.
    Sites,
    /// The operations listener.
    Operations,
}

/// Open connections of the operations listener.
const MOST_OPERATIONS: usize = 256;

impl Admission {
    /// A place for one more connection, while fewer than `most` are open; `open` counts it too.
    pub(super) fn admit(
        self: &Arc<Self>,
        crowd: Crowd,
        most: usize,
        open: &IntGauge,
    ) -> Option<Ticket> {
        let most = if crowd == Crowd::Operations { MOST_OPERATIONS } else { most };
        if self.count(crowd).fetch_add(1, Relaxed) >= most {
            self.count(crowd).fetch_sub(1, Relaxed);
            return None;
        }
        open.inc();
        let admission = Arc::clone(self);
        Some(Ticket { admission, crowd, open: open.clone(), address: None })
    }

    fn count(&self, crowd: Crowd) -> &AtomicUsize {
        match crowd {
            Crowd::Sites => &self.sites,
            Crowd::Operations => &self.operations,
        }
    }
}

/// An open connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    admission: Arc<Admission>,
    crowd: Crowd,
    open: IntGauge,
    address: Option<IpAddr>,
}

impl Ticket {
    /// Counts the connection as one of `client`'s; false when that would be more than `most`.
    pub(super) fn charge(&mut self, client: IpAddr, most: usize) -> bool {
        let address = subscriber(client);
        let mut count = self.admission.by_address.entry(address).or_default();
        if *count >= most {
            return false;
        }
        *count += 1;
        drop(count);
        self.address = Some(address);
        true
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.open.dec();
        self.admission.count(self.crowd).fetch_sub(1, Relaxed);
        if let Some(address) = self.address {
            self.admission.by_address.remove_if_mut(&address, |_, count| {
                *count = count.saturating_sub(1);
                *count == 0
            });
        }
    }
}

/// What one subscriber has: an IPv4 address, or the /64 of an IPv6 address.
fn subscriber(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gauge() -> IntGauge {
        IntGauge::new("open", "Open.").unwrap()
    }

    #[test]
    fn a_place_is_given_back_and_the_gauge_follows() {
        let admission = Arc::new(Admission::default());
        let open = gauge();
        let one = admission.admit(Crowd::Sites, 1, &open).unwrap();
        assert!(admission.admit(Crowd::Sites, 1, &open).is_none());
        assert!(admission.admit(Crowd::Operations, 1, &open).is_some());
        assert_eq!(open.get(), 1);
        drop(one);
        assert_eq!(open.get(), 0);
        assert!(admission.admit(Crowd::Sites, 1, &open).is_some());
    }

    #[test]
    fn one_subscriber_is_an_ipv4_address_or_an_ipv6_64() {
        let admission = Arc::new(Admission::default());
        let open = gauge();
        let place = || admission.admit(Crowd::Sites, 100, &open).unwrap();
        let (mut a, mut b, mut c, mut d) = (place(), place(), place(), place());
        assert!(a.charge("2001:db8::1".parse().unwrap(), 1));
        assert!(!b.charge("2001:db8::ffff:2".parse().unwrap(), 1));
        assert!(c.charge("2001:db8:0:1::1".parse().unwrap(), 1));
        assert!(b.charge("192.0.2.1".parse().unwrap(), 1));
        assert!(!d.charge("::ffff:192.0.2.1".parse().unwrap(), 1));
        drop(b);
        assert!(d.charge("192.0.2.1".parse().unwrap(), 1));
        drop((a, c, d));
        assert!(admission.by_address.is_empty());
    }
}
