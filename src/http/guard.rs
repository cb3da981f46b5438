//! Which addresses a feed may lie at.
//!
//! Promises: only addresses of the public internet pass, each form that wraps an IPv4 address judged
//! by that address, and of a name's addresses only those are handed to the connector, so that what
//! was checked is what is connected to. Must not: connect to anything itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Why an address is not asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It lies in a network that is not public.
    #[error(
        "`{host}` lies in a private network ({address}); if that is meant, add the network to `fetch.allow_private`"
    )]
    Private {
        /// The host as written.
        host: String,
        /// The first of its addresses.
        address: IpAddr,
    },
    /// It is neither http nor https.
    #[error("`{0}:` addresses can't be fetched, only http and https")]
    Scheme(String),
    /// It names no host.
    #[error("the address names no host")]
    NoHost,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(first: u16, second: u16, third: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0), length)
}

/// IPv4 networks that are not the public internet (IANA's special-purpose registry, and Azure's
/// metadata address, which lies in public space).
const CLOSED_V4: [Ipv4Net; 17] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(168, 63, 129, 16, 32),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(192, 31, 196, 0, 24),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

/// The only part of IPv6 that is handed out as public.
const OPEN_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// What in [`OPEN_V6`] is not public: protocol assignments with Teredo, documentation (twice).
const CLOSED_V6: [Ipv6Net; 3] =
    [v6(0x2001, 0, 0, 23), v6(0x2001, 0xdb8, 0, 32), v6(0x3fff, 0, 0, 20)];

/// 6to4: the IPv4 address stands in the second and third group.
const SIX_TO_FOUR: Ipv6Net = v6(0x2002, 0, 0, 16);

/// The IPv4 address that an IPv6 address stands for, where traffic to it ends there.
fn inner(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [first, second, third, fourth, fifth, sixth, high, low] = address.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match [first, second, third, fourth, fifth, sixth] {
        // Compatible, mapped, translated, and NAT64's well-known prefix.
        [0, 0, 0, 0, 0, 0 | 0xffff] | [0, 0, 0, 0, 0xffff, 0] | [0x64, 0xff9b, 0, 0, 0, 0] => {
            Some(join(high, low))
        }
        _ if SIX_TO_FOUR.contains(&address) => Some(join(second, third)),
        // Teredo carries the client's address with all its bits turned.
        [0x2001, 0, ..] => Some(join(!high, !low)),
        _ => None,
    }
}

/// Whether an address belongs to the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !CLOSED_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => match inner(address) {
            Some(inner) => is_public(IpAddr::V4(inner)),
            None => {
                OPEN_V6.contains(&address) && !CLOSED_V6.iter().any(|net| net.contains(&address))
            }
        },
    }
}

/// Whether a feed may be fetched from this address.
fn permitted(address: IpAddr, allow: &[IpNet]) -> bool {
    let wrapped = match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => inner(address).map(IpAddr::V4),
    };
    is_public(address)
        || allow.iter().any(|net| {
            net.contains(&address) || wrapped.is_some_and(|wrapped| net.contains(&wrapped))
        })
}

/// Checks what can be told from a URL alone: its scheme, and its host where that is a literal
/// address (`url` has already turned decimal, octal and short forms into the usual one).
pub fn check_address(url: &Url, allow: &[IpNet]) -> Result<(), AddressError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(AddressError::Scheme(url.scheme().to_owned()));
    }
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(name)) if !name.is_empty() => return Ok(()),
        Some(Host::Domain(_)) | None => return Err(AddressError::NoHost),
    };
    if permitted(address, allow) {
        Ok(())
    } else {
        Err(AddressError::Private { host: address.to_string(), address })
    }
}

/// Resolves names and keeps only the addresses that may be asked.
pub(super) struct Resolver {
    allow: Arc<[IpNet]>,
}

impl Resolver {
    pub(super) fn new(allow: &[IpNet]) -> Self {
        Self { allow: allow.into() }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow = Arc::clone(&self.allow);
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let open: Vec<SocketAddr> =
                found.iter().copied().filter(|address| permitted(address.ip(), &allow)).collect();
            if let Some(first) = found.first()
                && open.is_empty()
            {
                let address = first.ip();
                return Err(AddressError::Private { host, address }.into());
            }
            let open: Addrs = Box::new(open.into_iter());
            Ok(open)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().expect("address"))
    }

    #[test]
    fn only_the_public_internet_is_public() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.0.9",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:0:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:f5ff:fffe",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!public(address), "{address}");
        }
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.128.0.1",
            "172.32.0.1",
            "192.1.1.1",
            "198.20.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "64:ff9b::808:808",
            "::ffff:8.8.8.8",
            "2002:808:808::1",
        ] {
            assert!(public(address), "{address}");
        }
    }

    #[test]
    fn literal_hosts_are_judged_in_every_spelling() {
        let refused = |text: &str| {
            check_address(&Url::parse(text).expect("url"), &[]).err().map(|error| error.to_string())
        };
        for text in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0177.0.0.1/",
            "http://0x7f.1/",
            "http://127.1/",
            "http://[::1]/",
            "http://[::ffff:7f00:1]/",
            "http://0/",
            "http://１２７.0.0.1/",
        ] {
            let why = refused(text).expect(text);
            assert!(why.contains("fetch.allow_private"), "{text}: {why}");
        }
        assert!(refused("file:///etc/passwd").expect("refused").contains("file"));
        assert_eq!(refused("https://example.com/feed"), None);
        assert_eq!(refused("http://93.184.216.34/"), None);
    }

    #[test]
    fn an_allowed_network_is_let_through_and_no_other() {
        let allow = ["127.0.0.0/8".parse().expect("net")];
        let check = |text: &str| check_address(&Url::parse(text).expect("url"), &allow).is_ok();
        assert!(check("http://127.0.0.1:8900/feed"));
        assert!(check("http://[::ffff:127.0.0.1]/"));
        assert!(!check("http://10.0.0.1/"));
    }
}
