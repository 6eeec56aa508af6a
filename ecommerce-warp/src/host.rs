//! For whom a request is meant (RFC 9112, section 3.2).

use std::{net::Ipv6Addr, str::FromStr};

use ecommerce_core::Invalid;
use warp::http::{HeaderMap, Request, Version, header::HOST, uri::Authority};

use crate::problem::Problem;

/// The name or number of a host, without a port, in lower case.
///
/// ```
/// use ecommerce_warp::HostName;
/// assert_eq!("Shop.example".parse::<HostName>().unwrap().as_str(), "shop.example");
/// assert_eq!("::1".parse::<HostName>().unwrap().as_str(), "[::1]");
/// assert!("https://shop.example".parse::<HostName>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(String);

impl HostName {
    /// The name, an IPv6 address in brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HostName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let name = text.parse::<Ipv6Addr>().map_or_else(|_| text.to_ascii_lowercase(), |address| format!("[{address}]"));
        match authority(&name) {
            Some(authority) if authority.host() == name => Ok(Self(name)),
            _ => Err(Invalid::new("must be the name of a host, such as shop.example")),
        }
    }
}

/// Where whoever watches the process asks, by its address rather than by a name.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// Goes on only where it is plain for whom a request is meant and for what, and, where names are given, where it is one
/// of those. How the process does is told to everybody.
pub(crate) fn check<B>(request: &Request<B>, allowed: &[HostName]) -> Result<(), Problem> {
    // A target that is a host without a path is for proxies, and warp panics over it.
    if request.uri().path_and_query().is_none() {
        return Err(Problem::not_found("there is nothing at this address"));
    }
    let named = named(request.headers(), request.version())?;
    // What the first line names counts before the header.
    let meant = request.uri().authority().or(named.as_ref());
    let is = |name: &HostName| meant.is_some_and(|meant| meant.host().eq_ignore_ascii_case(name.as_str()));
    if allowed.is_empty() || allowed.iter().any(is) || PROBES.contains(&request.uri().path()) {
        Ok(())
    } else {
        Err(Problem::misdirected())
    }
}

/// What the header says, which only an old client may leave out.
fn named(headers: &HeaderMap, version: Version) -> Result<Option<Authority>, Problem> {
    let mut values = headers.get_all(HOST).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => {
            let named = value.to_str().ok().and_then(authority);
            named.map(Some).ok_or_else(|| Problem::invalid_host("the header Host names no host"))
        }
        (None, _) if version < Version::HTTP_11 => Ok(None),
        (None, _) => Err(Problem::invalid_host("the header Host is missing")),
        _ => Err(Problem::invalid_host("the header Host is given twice")),
    }
}

/// A host with or without a port, and nothing that only stands for hosts.
pub(crate) fn authority(text: &str) -> Option<Authority> {
    let authority: Authority = text.parse().ok()?;
    let (host, port) = (authority.host(), text.strip_prefix(authority.host())?);
    let is_port = |port: &str| port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    let is_whole = !host.is_empty() && !host.contains('*') && (port.is_empty() || is_port(port));
    is_whole.then_some(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(version: Version, target: &str, hosts: &[&str], allowed: &[&str]) -> bool {
        let mut request = Request::builder().version(version).uri(target);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let allowed: Vec<_> = allowed.iter().map(|name| name.parse().unwrap()).collect();
        check(&request.body(()).unwrap(), &allowed).is_ok()
    }

    #[test]
    fn a_request_says_once_for_whom_it_is() {
        for host in
            ["shop", "shop.example", "SHOP.example:8000", "127.0.0.1:80", "[::1]", "[::1]:8000", "a_b", "xn--caf-dma.example"]
        {
            assert!(said(Version::HTTP_11, "/", &[host], &[]), "{host:?} was refused");
        }
        for hosts in [
            &[][..],
            &[""],
            &["shop", "shop"],
            &["a b"],
            &["shop/"],
            &["shop/product"],
            &["ann@shop"],
            &["http://shop"],
            &["shop:http"],
            &["shop:99999"],
            &["shop:-1"],
            &[":80"],
            &["caf\u{e9}.example"],
            &["[::1"],
            &["shop?x"],
            &["shop#x"],
        ] {
            assert!(!said(Version::HTTP_11, "/", hosts, &[]), "{hosts:?} was taken");
        }
        assert!(said(Version::HTTP_10, "/", &[], &[]) && !said(Version::HTTP_10, "/", &["a b"], &[]));
    }

    #[test]
    fn where_names_are_given_others_are_not_served() {
        let allowed = &["shop.example", "::1"];
        for host in ["shop.example", "Shop.Example:8000", "[::1]:8000"] {
            assert!(said(Version::HTTP_11, "/", &[host], allowed), "{host:?} was refused");
        }
        for host in ["evil.example", "shop.example.evil.example", "a.shop.example", "127.0.0.1", "localhost"] {
            assert!(!said(Version::HTTP_11, "/", &[host], allowed), "{host:?} was served");
        }
        assert!(!said(Version::HTTP_10, "/", &[], allowed), "nobody is meant");
        assert!(said(Version::HTTP_11, "/readyz", &["10.0.0.7:8000"], allowed), "a probe knows no name");
        assert!(!said(Version::HTTP_11, "/readyz", &["a b"], allowed) && !said(Version::HTTP_11, "/readyz/x", &["x"], allowed));
        assert!(said(Version::HTTP_11, "http://shop.example/", &["evil.example"], allowed), "the first line counts");
        assert!(!said(Version::HTTP_11, "http://evil.example/", &["shop.example"], allowed), "the first line counts");
    }

    #[test]
    fn a_name_is_a_name_and_no_address_of_a_page() {
        for text in
            ["", "*", "*.example", "https://shop.example", "shop.example:80", "shop.example/", "a b", "ann@shop", "caf\u{e9}"]
        {
            assert!(text.parse::<HostName>().is_err(), "{text:?} was taken");
        }
    }
}
