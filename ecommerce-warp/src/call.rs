//! The door: a request as its handler sees it, and all that is checked before the store is asked.

use std::{fmt::Display, net::IpAddr, pin::Pin, sync::Arc, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use ecommerce_core::{Session, Store, User};
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use warp::{
    filters::path::FullPath,
    http::{
        HeaderMap, HeaderName,
        header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT},
    },
    reply::Response,
};

use crate::{dispatch::Shop, json, problem::Problem, query::Query, table::Argument};

/// What a handler answers.
pub(crate) type Answer = Result<Response, Problem>;

/// A body on its way in.
pub(crate) type Body = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send + Sync>>;

/// A request for one endpoint.
pub(crate) struct Call {
    pub(crate) shop: Arc<Shop>,
    pub(crate) headers: HeaderMap,
    /// The address of whoever sent it, where it is known.
    pub(crate) client: Option<IpAddr>,
    pub(crate) path: FullPath,
    /// How much of the path, with its last slash, lies before the routes: more than one byte where they are mounted deeper.
    pub(crate) root: usize,
    pub(crate) argument: Argument,
    pub(crate) query: String,
    /// Gone once it was read; a method without a body has none from the start.
    pub(crate) body: Option<Body>,
}

impl Call {
    /// The shop that is asked.
    pub(crate) fn store(&self) -> &Store {
        &self.shop.store
    }

    /// The session of whoever sent it, who must be signed in.
    pub(crate) async fn session(&self) -> Result<Session, Problem> {
        self.visitor().await?.ok_or_else(|| Problem::unauthenticated("send a header \"Authorization: Token <key>\""))
    }

    /// The session of whoever sent it, who may be a stranger. A token that was sent must be good all the same.
    pub(crate) async fn visitor(&self) -> Result<Option<Session>, Problem> {
        let mut values = self.headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let key = value
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("token") || scheme.eq_ignore_ascii_case("bearer"));
        let (Some((_, key)), None) = (key, values.next()) else {
            return Err(Problem::unauthenticated("the header must be \"Authorization: Token <key>\", once"));
        };
        let session = self.store().authenticate(key.trim_start_matches(' ')).await?;
        self.is_by(session.user());
        Ok(Some(match self.client {
            Some(client) => session.came_from(client),
            None => session,
        }))
    }

    /// Notes in the log whose request it turned out to be.
    pub(crate) fn is_by(&self, user: &User) {
        tracing::Span::current().record("user", user.id.get());
    }

    /// The id in the path.
    pub(crate) fn id<T>(&self, id: fn(i64) -> Option<T>) -> Result<T, Problem> {
        let number = if let Argument::Id(number) = self.argument { id(number) } else { None };
        number.ok_or_else(|| Problem::not_found("there is nothing at this address"))
    }

    /// The word in the path.
    pub(crate) fn word(&self) -> &str {
        if let Argument::Word(word) = &self.argument { word } else { "" }
    }

    /// What stands behind the question mark.
    pub(crate) fn query(&self) -> Query<'_> {
        Query::parse(self.path.as_str(), &self.query)
    }

    /// The address of something else in this shop.
    pub(crate) fn address(&self, room: &str, id: impl Display) -> String {
        let root = self.path.as_str().get(..self.root).unwrap_or("/");
        format!("{root}{room}/{id}/")
    }

    /// Every value of a header that is given as text; one that is no text is empty.
    pub(crate) fn header(&self, name: &HeaderName) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect()
    }

    /// The body as one JSON object.
    pub(crate) async fn json<T: DeserializeOwned>(&mut self) -> Result<T, Problem> {
        json::object(&self.json_text().await?)
    }

    /// The body as a JSON object whose fields may all be left out, and then the body too.
    pub(crate) async fn json_or_nothing<T: DeserializeOwned>(&mut self) -> Result<T, Problem> {
        let text = self.json_text().await?;
        json::object(if text.is_empty() { b"{}" } else { &text })
    }

    /// The body as a JSON object or a list of them.
    pub(crate) async fn json_one_or_many<T: DeserializeOwned>(&mut self) -> Result<Vec<T>, Problem> {
        json::one_or_many(&self.json_text().await?)
    }

    /// The body as it came.
    pub(crate) async fn bytes(&mut self) -> Result<Bytes, Problem> {
        let (limit, length) = (self.shop.config.body_limit, self.declared_length());
        if length.is_some_and(|length| length > limit) {
            return Err(Problem::too_large(limit));
        }
        let Some(body) = &mut self.body else { return Ok(Bytes::new()) };
        match tokio::time::timeout(self.shop.config.body_timeout, collect(body, length.unwrap_or_default(), limit)).await {
            // What came too slowly is not waited for any longer.
            Err(_) => {
                self.body = None;
                Err(Problem::too_slow())
            }
            Ok(read) => {
                let bytes = read?;
                self.body = None;
                Ok(bytes)
            }
        }
    }

    /// Reads on and forgets, so that a client that is still sending gets to read why it was refused.
    pub(crate) async fn drain(&mut self) {
        const MOST: usize = 16 * 1024 * 1024;
        const LONGEST: Duration = Duration::from_secs(5);
        // A client that waits for "100 Continue" sends nothing until it is told to.
        if self.headers.contains_key(EXPECT) || self.declared_length().is_some_and(|length| length > MOST) {
            return;
        }
        let Some(mut body) = self.body.take() else { return };
        let mut seen = 0;
        let rest = async {
            while let Some(Ok(chunk)) = body.next().await {
                seen += chunk.len();
                if seen > MOST {
                    return;
                }
            }
        };
        // Whether it ended or not, the answer is sent now.
        let _ = tokio::time::timeout(LONGEST.min(self.shop.config.body_timeout), rest).await;
    }

    async fn json_text(&mut self) -> Result<Bytes, Problem> {
        let text = self.bytes().await?;
        // Where there is nothing, nothing needs to be said about it.
        let untyped = text.is_empty() && !self.headers.contains_key(CONTENT_TYPE);
        if untyped {
            Ok(text)
        } else if !self.is_json() {
            Err(Problem::unsupported_media_type())
        } else if self.is_compressed() {
            Err(Problem::unsupported_encoding())
        } else {
            Ok(text)
        }
    }

    fn declared_length(&self) -> Option<usize> {
        self.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
    }

    fn is_compressed(&self) -> bool {
        self.headers.get_all(CONTENT_ENCODING).iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    }

    fn is_json(&self) -> bool {
        let mut values = self.headers.get_all(CONTENT_TYPE).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        let Ok(value) = value.to_str() else { return false };
        let (kind, parameters) = value.split_once(';').unwrap_or((value, ""));
        let is_utf8 = |parameter: &str| {
            let parameter = parameter.trim().to_ascii_lowercase();
            parameter.is_empty() || matches!(parameter.as_str(), "charset=utf-8" | "charset=\"utf-8\"")
        };
        kind.trim().eq_ignore_ascii_case("application/json") && parameters.split(';').all(is_utf8)
    }
}

/// The bytes of any request's body, as far as they arrived.
pub(crate) fn body<B: Buf>(stream: impl Stream<Item = Result<B, warp::Error>> + Send + Sync + 'static) -> Body {
    Box::pin(stream.map(|chunk| chunk.map(|mut chunk| chunk.copy_to_bytes(chunk.remaining()))))
}

async fn collect(body: &mut Body, length: usize, limit: usize) -> Result<Bytes, Problem> {
    let mut bytes = BytesMut::with_capacity(length);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| Problem::unreadable("invalid_body", "the body broke off"))?;
        if bytes.len() + chunk.len() > limit {
            return Err(Problem::too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}
