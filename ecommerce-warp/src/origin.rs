//! Where a request comes from: the address of its client, also behind a proxy.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use warp::{Filter, http::HeaderMap};

/// The address of whoever opened the connection that a request came by.
///
/// [`crate::serve`] and `warp::serve` know it. Where [`crate::routes`] are served by anything else, put this into the
/// extensions of each request, or the audit log cannot say from where something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// The peer of a request, where it is known.
pub(crate) fn peer() -> impl Filter<Extract = (Option<Peer>,), Error = Infallible> + Copy {
    let noted = warp::ext::optional::<Peer>().and(warp::addr::remote());
    noted.map(|peer: Option<Peer>, remote: Option<SocketAddr>| peer.or(remote.map(|remote| Peer(remote.ip()))))
}

/// The address of the client. A peer that is a trusted proxy is believed when it says for whom it asks, and so is every
/// trusted proxy behind it; whoever else sends the header may write into it what they like.
pub(crate) fn client(peer: Option<Peer>, headers: &HeaderMap, trusted: &[IpAddr]) -> Option<IpAddr> {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|proxy| proxy.to_canonical() == *address);
    // Each proxy appends the address that it was asked by, be it to a header that is there or as one of its own.
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut forwarded = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',').map(address));
    // An IPv4 client of a socket for both has an IPv6 address made of its own.
    let mut client = peer?.0.to_canonical();
    while is_trusted(&client) {
        // What cannot be read is not passed over: what stands before it came from who knows where.
        let Some(Some(asked_by)) = forwarded.next() else { break };
        client = asked_by;
    }
    Some(client)
}

const FORWARDED_FOR: &str = "x-forwarded-for";

/// An address as proxies write it: some add the port.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let address = text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use warp::http::HeaderValue;

    use super::*;

    fn seen(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let trusted: Vec<_> = trusted.iter().map(|proxy| proxy.parse().unwrap()).collect();
        client(Some(Peer(peer.parse().unwrap())), &headers, &trusted).unwrap().to_string()
    }

    #[test]
    fn a_stranger_is_who_they_are_whatever_they_write() {
        assert_eq!(seen("203.0.113.7", &[], &[]), "203.0.113.7");
        assert_eq!(seen("203.0.113.7", &["198.51.100.1"], &[]), "203.0.113.7");
        assert_eq!(seen("203.0.113.7", &["10.0.0.1"], &["10.0.0.1"]), "203.0.113.7");
        assert_eq!(client(None, &HeaderMap::new(), &[]), None);
    }

    #[test]
    fn a_trusted_proxy_tells_the_client() {
        let trusted = ["10.0.0.1", "10.0.0.2"];
        assert_eq!(seen("10.0.0.1", &["203.0.113.7"], &trusted), "203.0.113.7");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1, 203.0.113.7"], &trusted), "203.0.113.7", "the first was forged");
        assert_eq!(seen("10.0.0.1", &["\u{e9}\t, 203.0.113.7"], &trusted), "203.0.113.7", "nobody hides behind what is no text");
        assert_eq!(seen("10.0.0.1", &["203.0.113.7, 10.0.0.2"], &trusted), "203.0.113.7");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1", "203.0.113.7,10.0.0.2"], &trusted), "203.0.113.7");
        assert_eq!(seen("10.0.0.1", &["10.0.0.1", "198.51.100.1, 203.0.113.7"], &trusted), "203.0.113.7");
    }

    #[test]
    fn where_a_proxy_tells_nothing_it_is_the_client_itself() {
        let trusted = ["10.0.0.1", "10.0.0.2"];
        assert_eq!(seen("10.0.0.1", &[], &trusted), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["10.0.0.2"], &trusted), "10.0.0.2");
        for unreadable in ["", "unknown", "203.0.113.7, ", "203.0.113.7, unknown", "203.0.113.7, 1.2.3", "203.0.113.7, \u{e9}"] {
            assert_eq!(seen("10.0.0.1", &[unreadable], &trusted), "10.0.0.1", "{unreadable:?}");
        }
    }

    #[test]
    fn one_address_is_one_in_every_spelling() {
        assert_eq!(seen("::ffff:10.0.0.1", &["::ffff:203.0.113.7"], &["10.0.0.1"]), "203.0.113.7");
        assert_eq!(seen("10.0.0.1", &["203.0.113.7:4711"], &["::ffff:10.0.0.1"]), "203.0.113.7");
        assert_eq!(seen("2001:db8::1", &["[2001:DB8:0::7]:443"], &["2001:db8:0:0::1"]), "2001:db8::7");
    }
}
