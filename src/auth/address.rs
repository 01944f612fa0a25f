//! Where a request comes from: the peer, or what a trusted proxy says of it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

/// The other end of the connection, put into each request by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// The client: the peer, or, when that is a trusted proxy, the last address in `X-Forwarded-For`
/// that is none. What stands before it may be invented.
pub fn client<'a>(
    peer: IpAddr,
    forwarded_for: impl DoubleEndedIterator<Item = &'a str>,
    trusted: &[IpNet],
) -> IpAddr {
    let mut client = peer.to_canonical();
    let is_trusted = |address: &IpAddr| trusted.iter().any(|proxies| proxies.contains(address));
    for entry in forwarded_for.rev().flat_map(|line| line.rsplit(',')) {
        if !is_trusted(&client) {
            break;
        }
        let Some(before) = parse(entry) else { break };
        client = before;
    }
    client
}

/// An address, also with a port behind it or in brackets.
fn parse(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = entry.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().or_else(|_| entry.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// What limits count by: one IPv6 customer has a whole /64.
pub(super) fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !0 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_header_counts_from_a_trusted_proxy_alone() {
        let lines = || ["203.0.113.7".to_owned()];
        let seen =
            |peer: &str, trusted: &[IpNet]| client(ip(peer), lines().iter().map(String::as_str), trusted);
        assert_eq!(seen("10.0.0.1", &[]), ip("10.0.0.1"));
        assert_eq!(seen("10.0.0.1", &[net("10.0.0.1/32")]), ip("203.0.113.7"));
        assert_eq!(seen("::ffff:10.0.0.1", &[net("10.0.0.1/32")]), ip("203.0.113.7"));
        assert_eq!(seen("172.18.0.5", &[net("172.16.0.0/12")]), ip("203.0.113.7"));
        assert_eq!(seen("172.32.0.5", &[net("172.16.0.0/12")]), ip("172.32.0.5"));
    }

    #[test]
    fn what_stands_before_the_last_unknown_address_may_be_invented() {
        let trusted = [net("10.0.0.1/32"), net("10.0.0.2/32")];
        let lines = ["1.2.3.4, 203.0.113.7:4711", "10.0.0.2"];
        assert_eq!(client(ip("10.0.0.1"), lines.into_iter(), &trusted), ip("203.0.113.7"));
        let broken = ["203.0.113.7, unknown"];
        assert_eq!(client(ip("10.0.0.1"), broken.into_iter(), &trusted), ip("10.0.0.1"));
        let v6 = ["[2001:db8::1]:443"];
        assert_eq!(client(ip("10.0.0.1"), v6.into_iter(), &trusted), ip("2001:db8::1"));
    }

    #[test]
    fn a_customer_counts_once() {
        assert_eq!(counted(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
        assert_eq!(counted(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
    }

    proptest! {
        #[test]
        fn an_untrusted_peer_is_the_client_whatever_it_says(line in "\\PC{0,80}") {
            let peer = ip("198.51.100.1");
            prop_assert_eq!(client(peer, [line.as_str()].into_iter(), &[net("10.0.0.1/32")]), peer);
        }
    }
}
