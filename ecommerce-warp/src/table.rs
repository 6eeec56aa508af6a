//! The addresses of the shop and what is done at each: made from the OpenAPI document, so that they cannot differ.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use utoipa::openapi::{OpenApi, PathItem, path::Operation};
use warp::http::{HeaderValue, Method};

use crate::call::{Answer, Call};

/// What does the work of one operation.
pub(crate) type Handler = for<'c> fn(&'c mut Call) -> BoxFuture<'c, Answer>;

/// Every address.
pub(crate) struct Table(Vec<Arc<Resource>>);

/// One address, with what may be done there.
pub(crate) struct Resource {
    /// The address as the document writes it: `/product/{id}/`.
    pub(crate) template: Arc<str>,
    /// The methods, as the header `Allow` lists them.
    pub(crate) allow: HeaderValue,
    segments: Vec<Segment>,
    handlers: Vec<(Method, Handler)>,
}

/// What a path has in the place of `{id}` or `{file}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Argument {
    None,
    /// A positive number in its canonical form: no sign, no leading zero.
    Id(i64),
    Word(String),
}

#[derive(Debug)]
enum Segment {
    Literal(String),
    Id,
    Word,
}

impl Table {
    /// The table of a document whose operations are done by these handlers, found by the operation's id.
    pub(crate) fn new(document: &OpenApi, handler: fn(&str) -> Option<Handler>) -> Self {
        let resource = |(path, item): (&String, &PathItem)| {
            let handlers = operations(item)
                .filter_map(|(method, operation)| Some((method, handler(operation.operation_id.as_deref()?)?)))
                .collect::<Vec<_>>();
            Arc::new(Resource {
                template: path.as_str().into(),
                allow: allow(&handlers),
                segments: path.split('/').filter(|segment| !segment.is_empty()).map(Segment::new).collect(),
                handlers,
            })
        };
        Self(document.paths.paths.iter().map(resource).collect())
    }

    /// What is at this path, which is given without its first slash and with or without its last.
    pub(crate) fn find(&self, path: &str) -> Option<(Arc<Resource>, Argument)> {
        self.0.iter().find_map(|resource| {
            let argument = resource.matches(path)?;
            Some((resource.clone(), argument))
        })
    }
}

impl Resource {
    /// What does the work of a method; `HEAD` is `GET` without its body.
    pub(crate) fn handler(&self, method: &Method) -> Option<Handler> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.handlers.iter().find(|(known, _)| known == method).map(|(_, handler)| *handler)
    }

    fn matches(&self, path: &str) -> Option<Argument> {
        let mut given = path.strip_suffix('/').unwrap_or(path).split('/');
        let mut argument = Argument::None;
        for segment in &self.segments {
            let text = given.next()?;
            match segment {
                Segment::Literal(literal) if literal == text => {}
                Segment::Literal(_) => return None,
                Segment::Id => argument = Argument::Id(canonical(text)?),
                Segment::Word if text.is_empty() => return None,
                Segment::Word => argument = Argument::Word(text.to_owned()),
            }
        }
        given.next().is_none().then_some(argument)
    }
}

impl Segment {
    fn new(segment: &str) -> Self {
        match segment {
            "{id}" => Self::Id,
            word if word.starts_with('{') => Self::Word,
            literal => Self::Literal(literal.to_owned()),
        }
    }
}

/// The operations of an address, by method.
pub(crate) fn operations(item: &PathItem) -> impl Iterator<Item = (Method, &Operation)> {
    [
        (Method::GET, &item.get),
        (Method::POST, &item.post),
        (Method::PUT, &item.put),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

fn allow(handlers: &[(Method, Handler)]) -> HeaderValue {
    let methods = handlers.iter().flat_map(|(method, _)| {
        let head = (method == Method::GET).then_some("HEAD");
        [Some(method.as_str()), head].into_iter().flatten()
    });
    // Names of methods are always a good header.
    HeaderValue::try_from(methods.collect::<Vec<_>>().join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn canonical(text: &str) -> Option<i64> {
    let plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(path: &str) -> Resource {
        let segments = path.split('/').filter(|segment| !segment.is_empty()).map(Segment::new).collect();
        Resource { template: path.into(), allow: HeaderValue::from_static(""), segments, handlers: Vec::new() }
    }

    #[test]
    fn one_address_for_one_thing() {
        let product = resource("/product/{id}/");
        assert_eq!(product.matches("product/7/"), Some(Argument::Id(7)));
        assert_eq!(product.matches("product/7"), Some(Argument::Id(7)));
        for path in [
            "product/",
            "product",
            "",
            "/",
            "product/+7",
            "product/07",
            "product/0",
            "product/-7",
            "product/7//",
            "product//7/",
            "/product/7",
            "product/7/x",
            "Product/7",
            "product%2F7",
            "product/%37",
            "product/9223372036854775808",
            "product/7 ",
        ] {
            assert_eq!(product.matches(path), None, "{path:?} was taken");
        }
    }

    #[test]
    fn a_word_is_not_empty() {
        let docs = resource("/docs/{file}");
        assert_eq!(docs.matches("docs/index.css"), Some(Argument::Word("index.css".to_owned())));
        assert_eq!(docs.matches("docs/"), None);
        assert_eq!(docs.matches("docs//"), None);
    }
}
