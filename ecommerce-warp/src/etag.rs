//! Entity tags (RFC 9110, sections 8.8.3 and 13): what a reader has, and what a writer saw.

use std::fmt::Write;

use ecommerce_core::{Expect, Revision};
use sha2::{Digest, Sha256};
use utoipa::IntoParams;
use warp::http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{IF_MATCH, IF_NONE_MATCH},
};

/// What a writer saw.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes what `expectation` reads")]
pub(crate) struct IfMatch {
    /// The `ETag` that was read: nothing is written unless it is still in that state.
    #[param(rename = "If-Match", nullable = false, example = "\"7.1\"")]
    if_match: Option<String>,
}

/// What a reader has.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes what `is_known` reads")]
pub(crate) struct IfNoneMatch {
    /// The `ETag` that was read before: answered with 304 while it is still in that state.
    #[param(rename = "If-None-Match", nullable = false, example = "\"7.1\"")]
    if_none_match: Option<String>,
}

/// The tag of one thing: its revision.
pub(crate) fn of_revision(revision: &Revision) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("\"{}\"", revision.as_str())).ok()
}

/// The tag of a list: a hash of its bytes.
pub(crate) fn of_body(body: &[u8]) -> Option<HeaderValue> {
    let half = Sha256::digest(body).into_iter().take(16);
    let mut tag = half.fold(String::from("\""), |mut tag, byte| {
        // Writing to a String cannot fail.
        let _ = write!(tag, "{byte:02x}");
        tag
    });
    tag.push('"');
    HeaderValue::try_from(tag).ok()
}

/// Has the reader this state already? Compares weakly, as `If-None-Match` asks for.
pub(crate) fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let known = |tag: &Tag| tag.is_any || etag.as_bytes() == format!("\"{}\"", tag.text).as_bytes();
    tags(headers, &IF_NONE_MATCH).iter().any(known)
}

/// What a write may find. Compares strongly, as `If-Match` asks for: a weak tag matches nothing.
pub(crate) fn expectation(headers: &HeaderMap) -> Expect {
    if !headers.contains_key(IF_MATCH) {
        return Expect::Any;
    }
    let mut revisions = Vec::new();
    for tag in tags(headers, &IF_MATCH) {
        if tag.is_any {
            return Expect::Any;
        }
        if !tag.is_weak {
            revisions.push(tag.text);
        }
    }
    Expect::OneOf(revisions)
}

struct Tag {
    text: String,
    is_weak: bool,
    /// It is `*`, which stands for whatever there is.
    is_any: bool,
}

/// All tags of a header. One may hold bytes that are no UTF-8, but none of ours does.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Vec<Tag> {
    let mut tags = Vec::new();
    for value in headers.get_all(name) {
        let list = String::from_utf8_lossy(value.as_bytes());
        let mut rest = &*list;
        while let Some((tag, behind)) = next(rest) {
            tags.push(tag);
            rest = behind;
        }
    }
    tags
}

/// The first tag of a list, and what follows it. A list that is malformed ends there.
fn next(list: &str) -> Option<(Tag, &str)> {
    let list = list.trim_start_matches([' ', '\t', ',']);
    if let Some(behind) = list.strip_prefix('*') {
        return Some((Tag { text: String::new(), is_weak: false, is_any: true }, behind));
    }
    let (is_weak, list) = list.strip_prefix("W/").map_or((false, list), |list| (true, list));
    let (text, behind) = list.strip_prefix('"')?.split_once('"')?;
    Some((Tag { text: text.to_owned(), is_weak, is_any: false }, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_reader_may_know_several_states_and_weakly() {
        let etag = HeaderValue::from_static("\"7.1\"");
        for list in [&["\"7.1\""][..], &["W/\"7.1\""], &["\"6\", \"a,b\" ,\"7.1\""], &["\"6\"", "\"7.1\""], &["*"]] {
            assert!(is_known(&headers(IF_NONE_MATCH, list), &etag), "{list:?}");
        }
        for list in [&[][..], &["7.1"], &["\"7\""], &["\"6\" 7.1"], &["\"7.1"], &[""]] {
            assert!(!is_known(&headers(IF_NONE_MATCH, list), &etag), "{list:?}");
        }
        let odd = HeaderValue::from_bytes(b"\"\xff\xfe\", \"7.1\"").unwrap();
        assert!(is_known(&HeaderMap::from_iter([(IF_NONE_MATCH, odd)]), &etag));
    }

    #[test]
    fn a_writer_s_weak_or_broken_tags_match_nothing() {
        let revisions = |list| match expectation(&headers(IF_MATCH, list)) {
            Expect::OneOf(revisions) => Some(revisions),
            Expect::Any => None,
        };
        assert_eq!(revisions(&[]), None);
        assert_eq!(revisions(&["*"]), None);
        assert_eq!(revisions(&["\"1\", W/\"2\", \"3\""]), Some(vec!["1".to_owned(), "3".to_owned()]));
        assert_eq!(revisions(&["1"]), Some(vec![]));
    }
}
