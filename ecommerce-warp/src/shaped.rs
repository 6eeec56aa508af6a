//! What hyper refuses by itself, because it cannot read it, in the shape of every other refusal.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use warp::http::{Response, StatusCode};

use crate::turn::Turn;

/// A stream in which hyper's own answers are replaced: they have neither a body nor a request id.
///
/// Whatever hyper writes while it is the client's turn is its own: a status for what it could not parse, the last thing
/// on the connection. It writes it in one piece, once everything before it is flushed.
pub(crate) struct Shaped<S, F> {
    stream: S,
    turn: Arc<Turn>,
    refuse: F,
    refusal: Option<Bytes>,
}

impl<S: AsyncWrite + Unpin, F: Fn(StatusCode) -> Response<Vec<u8>>> Shaped<S, F> {
    /// `refuse` says what belongs behind a status.
    pub(crate) fn new(stream: S, turn: Arc<Turn>, refuse: F) -> Self {
        Self { stream, turn, refuse, refusal: None }
    }

    /// The status, where these bytes are an answer of hyper's own.
    fn own_status(&self, bytes: &[u8]) -> Option<StatusCode> {
        let status = bytes.strip_prefix(b"HTTP/1.1 ").or_else(|| bytes.strip_prefix(b"HTTP/1.0 "))?.get(..3)?;
        StatusCode::from_bytes(status).ok().filter(|status| self.turn.is_clients() && status.is_client_error())
    }

    /// Writes what is said instead of these bytes, which then count as written.
    fn replace(&mut self, cx: &mut Context<'_>, bytes: &[u8], status: StatusCode) -> Poll<io::Result<usize>> {
        let refusal = self.refusal.get_or_insert_with(|| whole(bytes, (self.refuse)(status)));
        while refusal.has_remaining() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, refusal))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => refusal.advance(written),
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }
}

/// A bare answer with the headers and the body of another: it knows the date, and that the connection ends.
fn whole(bare: &[u8], response: Response<Vec<u8>>) -> Bytes {
    let (head, body) = response.into_parts();
    let mut bytes = Vec::new();
    let mut line = |parts: &[&[u8]]| parts.iter().chain([&b"\r\n"[..]].iter()).for_each(|part| bytes.extend_from_slice(part));
    let lines = bare.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    lines.filter(|kept| !kept.is_empty() && !kept.starts_with(b"content-length:")).for_each(|kept| line(&[kept]));
    head.headers.iter().for_each(|(name, value)| line(&[name.as_str().as_bytes(), b": ", value.as_bytes()]));
    line(&[b"content-length: ", body.len().to_string().as_bytes()]);
    line(&[]);
    bytes.extend(body);
    bytes.into()
}

impl<S: AsyncRead + Unpin, F: Unpin> AsyncRead for Shaped<S, F> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin, F: Fn(StatusCode) -> Response<Vec<u8>> + Unpin> AsyncWrite for Shaped<S, F> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.own_status(bytes) {
            Some(status) => self.replace(cx, bytes, status),
            None => Pin::new(&mut self.stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, parts: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match parts {
            [only] => self.poll_write(cx, only),
            _ => Pin::new(&mut self.stream).poll_write_vectored(cx, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
