//! Pages of other origins: which a browser may let call the shop (fetch.spec.whatwg.org, "CORS protocol").
//!
//! Nothing here lets anybody in: a browser sends a token only where a page has one. So there are no credentials to allow,
//! and a refused origin is answered as everybody is, without the headers by which its page would get to read the answer.

use std::str::FromStr;

use ecommerce_core::Invalid;
use warp::{
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
            ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
        },
    },
    reply::Response,
};

use crate::host::authority;

/// What a page may send beyond what every page may.
const SENT: HeaderValue = HeaderValue::from_static("authorization, content-type, idempotency-key, if-match, if-none-match");
/// What a page may read beyond what every page may.
const READ: HeaderValue = HeaderValue::from_static("etag, idempotent-replayed, location, retry-after, x-request-id");
/// For how many seconds a browser may remember it: no browser remembers longer than these two hours but Firefox.
const REMEMBERED: HeaderValue = HeaderValue::from_static("7200");

/// Where a page comes from, as browsers write it: `https://shop.example`, without a path and without the usual port.
///
/// There is no `*`: every page of the web could then have its visitors' browsers try passwords here.
///
/// ```
/// use ecommerce_warp::CorsOrigin;
/// assert_eq!("https://Shop.example:443".parse::<CorsOrigin>().unwrap().as_str(), "https://shop.example");
/// assert!("shop.example".parse::<CorsOrigin>().is_err() && "*".parse::<CorsOrigin>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsOrigin(String);

impl CorsOrigin {
    /// The origin as the header `Origin` names it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CorsOrigin {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        origin(&text.to_ascii_lowercase())
            .map(Self)
            .ok_or_else(|| Invalid::new("must be an origin, such as https://shop.example"))
    }
}

fn origin(text: &str) -> Option<String> {
    let (scheme, place) = text.split_once("://")?;
    let host = authority(place)?.host().to_owned();
    let port = match (scheme, place.strip_prefix(&host)?) {
        ("http", ":80") | ("https", ":443") => "",
        (_, port) => port,
    };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then(|| format!("{scheme}://{host}{port}"))
}

/// The answer to a browser that asks beforehand, for a page that may call, what it may do at an address.
pub(crate) fn preflight(origins: &[CorsOrigin], method: &Method, headers: &HeaderMap, allow: &HeaderValue) -> Option<Response> {
    let asks = method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    (asks && allowed(origins, headers).is_some()).then(|| {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        let answers = response.headers_mut();
        answers.insert(ACCESS_CONTROL_ALLOW_METHODS, allow.clone());
        answers.insert(ACCESS_CONTROL_ALLOW_HEADERS, SENT);
        answers.insert(ACCESS_CONTROL_MAX_AGE, REMEMBERED);
        response
    })
}

/// Says in an answer whether the page that asked may read it.
pub(crate) fn mark(origins: &[CorsOrigin], headers: &HeaderMap, response: &mut Response) {
    if origins.is_empty() {
        return;
    }
    let answers = response.headers_mut();
    answers.append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = allowed(origins, headers) {
        answers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, READ);
    }
}

fn allowed<'h>(origins: &[CorsOrigin], headers: &'h HeaderMap) -> Option<&'h HeaderValue> {
    let mut given = headers.get_all(ORIGIN).iter();
    let (Some(origin), None) = (given.next(), given.next()) else { return None };
    origins.iter().any(|allowed| allowed.as_str().as_bytes() == origin.as_bytes()).then_some(origin)
}

#[cfg(test)]
mod tests {
    use super::CorsOrigin;

    #[test]
    fn an_origin_is_written_as_browsers_do() {
        for (text, written) in [
            ("https://shop.example", "https://shop.example"),
            ("HTTPS://Shop.Example", "https://shop.example"),
            ("https://shop.example:443", "https://shop.example"),
            ("https://shop.example:80", "https://shop.example:80"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:5173", "http://[::1]:5173"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            assert_eq!(text.parse::<CorsOrigin>().unwrap().as_str(), written);
        }
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_refused() {
        for text in [
            "",
            "*",
            "null",
            "shop.example",
            "https://",
            "https://*",
            "https://*.shop.example/",
            "https://shop.example/",
            "https://shop.example/cart",
            "https://ann@shop.example",
            "https://shop.example:",
            "https://shop.example:https",
            "https://shop.example, https://other.example",
            "https://caf\u{e9}.example",
            "://shop.example",
            "1://shop.example",
        ] {
            assert!(text.parse::<CorsOrigin>().is_err(), "{text:?} was taken");
        }
    }
}
