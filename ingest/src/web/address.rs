//! Which addresses a crawler may reach. A link is outside input: it must not lead into our own network, whether it names
//! an address there, a name that resolves to one, or an address that wraps one (mapped, translated, tunnelled).

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::{Host, Url};

/// Whether an address is one of the public Internet.
#[must_use]
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        // "This network", carrier-grade NAT, protocol assignments, 6to4 relays, benchmarks, reserved and broadcast.
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
        || a >= 240)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match segments {
        // ::a.b.c.d (with the unspecified and the loopback address) and ::ffff:a.b.c.d
        [0, 0, 0, 0, 0, 0, high, low] => high != 0 && embedded(high, low),
        [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low),
        // ::ffff:0:a.b.c.d and 64:ff9b::a.b.c.d are translated to IPv4 …
        [0, 0, 0, 0, 0xffff, 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        // … and local prefixes may be translated to anything.
        [0x64, 0xff9b, ..] => false,
        // 6to4 carries the address of its router.
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo, ORCHID, benchmarks, documentation: 2001::/23 and 2001:db8::/32.
        [0x2001, second, ..] => second >= 0x200 && second != 0xdb8,
        // Otherwise what is given out globally, 2000::/3, less the newer documentation prefix.
        [0x3fff, second, ..] => second >= 0x1000,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// Checks an address before a request is made: its scheme, and its host where that is an IP address. Names are checked
/// when they are resolved ([`PublicOnly`]).
///
/// # Errors
/// Why it must not be fetched.
pub(crate) fn check(url: &Url, allow_private: bool) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("{}: is no http or https address", url.scheme()));
    }
    let address = match url.host() {
        None => return Err("an address without a host".into()),
        Some(Host::Domain(_)) => return Ok(()),
        Some(Host::Ipv4(v4)) => IpAddr::V4(v4),
        Some(Host::Ipv6(v6)) => IpAddr::V6(v6),
    };
    if allow_private || is_public(address) { Ok(()) } else { Err(private(&address.to_string())) }
}

fn private(what: &str) -> String {
    format!("{what} is in a private range: set allow_private = true for this source if that is meant")
}

/// Resolves names, and refuses those that lead to addresses which are not public. It is asked for each connection, so that
/// a name cannot change its mind between a check and its use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PublicOnly;

/// A name that leads into a private range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct PrivateAddress(String);

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> = found.iter().copied().filter(|address| is_public(address.ip())).collect();
            if public.is_empty() && !found.is_empty() {
                return Err(PrivateAddress(private(name.as_str())).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::str::FromStr;

    #[test]
    fn private_ranges_are_refused_however_they_are_wrapped() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:0:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "100::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn public_addresses_are_reached() {
        for address in
            ["8.8.8.8", "100.63.0.1", "172.32.0.1", "223.5.5.5", "2400:3200::1", "2606:4700::1111", "::ffff:8.8.8.8"]
        {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn literal_addresses_in_links_are_checked() {
        for link in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://[::ffff:7f00:1]/",
            "file:///etc/passwd",
            "ftp://8.8.8.8/",
            "data:text/html,x",
        ] {
            assert!(check(&Url::from_str(link).unwrap(), false).is_err(), "{link}");
        }
        let loopback = Url::from_str("http://127.0.0.1/").unwrap();
        assert_eq!(check(&loopback, true), Ok(()));
        assert!(check(&Url::from_str("file:///etc/passwd").unwrap(), true).is_err());
    }

    #[tokio::test]
    async fn names_that_lead_to_loopback_are_refused() {
        let Err(error) = PublicOnly.resolve("localhost".parse().unwrap()).await else {
            panic!("localhost was resolved")
        };
        assert!(error.to_string().contains("allow_private"), "{error}");
    }

    proptest! {
        /// Wrapping an IPv4 address never makes it more public than it is.
        #[test]
        fn wrapped_addresses_are_judged_by_what_they_wrap(v4 in any::<u32>()) {
            let v4 = Ipv4Addr::from(v4);
            let [a, b, c, d] = v4.octets().map(u16::from);
            let (high, low) = (a << 8 | b, c << 8 | d);
            for v6 in [
                Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 0),
            ] {
                prop_assert_eq!(is_public(v6.into()), is_public(v4.into()), "{}", v6);
            }
        }
    }
}
