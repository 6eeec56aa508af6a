//! A way to the database that can be cut.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// Passes on what either side says, while the way is open.
pub(super) struct Proxy {
    pub(super) address: String,
    way: Arc<Way>,
}

struct Way {
    state: Mutex<State>,
    /// How often the way fell silent. A connection from before such a time never speaks again, as when a machine is gone.
    silences: AtomicUsize,
    streams: Mutex<Vec<TcpStream>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Whoever connects is refused, and every connection is closed.
    Refusing,
    /// Whoever connects is accepted and hears nothing, and so does everybody who is connected.
    Silent,
    Gone,
}

impl Proxy {
    pub(super) fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let way =
            Arc::new(Way { state: Mutex::new(State::Open), silences: AtomicUsize::new(0), streams: Mutex::new(Vec::new()) });
        let (own, at, target) = (way.clone(), address.clone(), target.to_owned());
        thread::spawn(move || own.watch(listener, &at, &target));
        Self { address, way }
    }

    pub(super) fn refuse(&self) {
        self.way.turn(State::Refusing);
        self.way.close_all();
        // Whoever was just being accepted is closed, too.
        thread::sleep(Duration::from_millis(50));
        self.way.close_all();
    }

    pub(super) fn fall_silent(&self) {
        self.way.silences.fetch_add(1, Ordering::SeqCst);
        self.way.turn(State::Silent);
    }

    pub(super) fn open(&self) {
        self.way.turn(State::Open);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.way.turn(State::Gone);
        self.way.close_all();
    }
}

impl Way {
    fn state(&self) -> State {
        *self.state.lock().unwrap()
    }

    fn turn(&self, state: State) {
        *self.state.lock().unwrap() = state;
    }

    fn close_all(&self) {
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Lets connections in, as the state of the way allows.
    fn watch(self: Arc<Self>, listener: TcpListener, address: &str, target: &str) {
        let mut listener = Some(listener);
        loop {
            let state = self.state();
            if state == State::Gone {
                return;
            }
            if state == State::Refusing {
                listener = None;
            } else {
                let listener = listener.get_or_insert_with(|| TcpListener::bind(address).unwrap());
                listener.set_nonblocking(true).unwrap();
                match listener.accept() {
                    Ok((stream, _)) => self.clone().connect(stream, target, state),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
                }
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn connect(self: Arc<Self>, near: TcpStream, target: &str, state: State) {
        near.set_nonblocking(false).unwrap();
        let mut streams = self.streams.lock().unwrap();
        streams.push(near.try_clone().unwrap());
        if state == State::Silent {
            return;
        }
        let far = TcpStream::connect(target).unwrap();
        streams.push(far.try_clone().unwrap());
        let silences = self.silences.load(Ordering::SeqCst);
        for (from, to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
            let way = self.clone();
            thread::spawn(move || way.pass_on(from, to, silences));
        }
    }

    fn pass_on(&self, mut from: TcpStream, mut to: TcpStream, silences: usize) {
        let mut buffer = [0; 1 << 14];
        loop {
            let Ok(size @ 1..) = from.read(&mut buffer) else {
                let _ = to.shutdown(Shutdown::Write);
                return;
            };
            if self.silences.load(Ordering::SeqCst) == silences && to.write_all(&buffer[..size]).is_err() {
                return;
            }
        }
    }
}
