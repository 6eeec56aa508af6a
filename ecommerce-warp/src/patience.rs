//! A stream that gives up on a peer who does not speak, or does not read.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use crate::{Config, turn::Turn};

/// Waits for a peer, but not for ever.
///
/// While it is the client's turn, a header that has begun, or the first of the connection, must come within one time,
/// and silence after an answer may last another: hyper has one limit for both. How long a body may take, its reader says.
/// The beginning of a header that came in one piece with the request before it is not seen here, and counts as silence.
///
/// Writes must be done within a time that begins when one first has to wait, and ends when all is flushed.
///
/// A peer who sends or takes one byte now and then does not gain by it.
pub(crate) struct Patience<S> {
    stream: S,
    turn: Arc<Turn>,
    limits: Limits,
    /// When the header must be there.
    header_due: Instant,
    /// Whether the clock of the header runs, rather than that of silence.
    has_begun: bool,
    header_alarm: Alarm,
    /// When the answer must be read, where its reader is waited for.
    reader_due: Option<Instant>,
    reader_alarm: Alarm,
}

/// How long a peer may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    header: Duration,
    idle: Duration,
    write: Duration,
}

impl Limits {
    pub(crate) fn new(config: &Config) -> Self {
        Self { header: config.header_timeout, idle: config.idle_timeout, write: config.write_timeout }
    }
}

impl<S> Patience<S> {
    pub(crate) fn new(stream: S, turn: Arc<Turn>, limits: Limits) -> Self {
        Self {
            stream,
            turn,
            limits,
            header_due: Instant::now() + limits.header,
            has_begun: true,
            header_alarm: Alarm::default(),
            reader_due: None,
            reader_alarm: Alarm::default(),
        }
    }

    /// The client says something of its next request.
    fn hears(&mut self) {
        if !self.has_begun {
            self.has_begun = true;
            self.header_due = Instant::now() + self.limits.header;
        }
    }

    /// All is written; after an answer the client may be silent for a while.
    fn has_written(&mut self, cx: &mut Context<'_>) {
        self.reader_due = None;
        if self.turn.written() {
            self.has_begun = false;
            self.header_due = Instant::now() + self.limits.idle;
            // hyper has asked for more already, and asks again only when it is woken.
            let _ = self.header_alarm.rings(cx, self.header_due);
        }
    }

    /// Passes the outcome of a write on, unless it has to wait and has done so for too long.
    fn judge<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            return outcome;
        }
        let due = *self.reader_due.get_or_insert_with(|| Instant::now() + self.limits.write);
        self.reader_alarm.rings(cx, due).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patience<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if !self.turn.is_clients() {
            return outcome;
        }
        if outcome.is_pending() {
            let due = self.header_due;
            ready!(self.header_alarm.rings(cx, due));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if buffer.filled().len() > before {
            self.hears();
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patience<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(cx, outcome)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, parts: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.judge(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        if outcome.is_ready() {
            self.has_written(cx);
        }
        self.judge(cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.judge(cx, outcome)
    }
}

/// A timer that is made when it is first waited for, as most connections never wait for a reader.
#[derive(Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Done when the time has come.
    fn rings(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
        let timer = self.0.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        timer.as_mut().poll(cx)
    }
}
