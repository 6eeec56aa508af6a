//! A long line: what goes in comes out later, and as fast as it went in.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
    time::Instant,
};

/// How many pieces of up to 64 KiB are on their way in one direction of one connection.
const ON_THE_WAY: usize = 1_024;
const PIECE_BYTES: usize = 64 * 1024;

/// A TCP proxy on loopback that delays each direction. It delays, and does not slow down: whatever is sent at once arrives at
/// once. It ends when it is dropped, and its connections with it.
pub struct Line {
    /// Where to connect to.
    pub address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Line {
    /// A line to this address whose round trip takes so long.
    pub async fn open(target: SocketAddr, round_trip: Duration) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                connections.spawn(async move {
                    // Whoever hangs up at one end is heard at the other; what else goes wrong is the ends' own affair.
                    let _ = connect(near, target, round_trip / 2).await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, accepting })
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn connect(near: TcpStream, target: SocketAddr, delay: Duration) -> std::io::Result<()> {
    let far = TcpStream::connect(target).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (near_reads, near_writes) = near.into_split();
    let (far_reads, far_writes) = far.into_split();
    tokio::try_join!(carry(near_reads, far_writes, delay), carry(far_reads, near_writes, delay))?;
    Ok(())
}

/// Notes of every piece when it is due at the other end. Only its delivery waits, never the reading of the next.
async fn carry(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, delay: Duration) -> std::io::Result<()> {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    let read = async move {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let length = from.read(&mut piece).await?;
            let piece = piece.get(..length).unwrap_or_default().to_vec();
            if sender.send((Instant::now() + delay, piece)).await.is_err() || length == 0 {
                return Ok(());
            }
        }
    };
    let write = async move {
        while let Some((due, piece)) = receiver.recv().await {
            tokio::time::sleep_until(due).await;
            if piece.is_empty() {
                return to.shutdown().await;
            }
            to.write_all(&piece).await?;
        }
        Ok(())
    };
    tokio::try_join!(read, write).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred pieces, sent one after the other without waiting, come back after one round trip, not after a hundred.
    #[tokio::test]
    async fn it_delays_and_does_not_slow_down() {
        let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = echo.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = echo.accept().await.unwrap();
            let (mut reads, mut writes) = stream.split();
            tokio::io::copy(&mut reads, &mut writes).await.unwrap();
        });
        let round_trip = Duration::from_millis(200);
        let line = Line::open(target, round_trip).await.unwrap();
        let stream = TcpStream::connect(line.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (mut reads, mut writes) = stream.into_split();
        let start = Instant::now();
        tokio::spawn(async move {
            for number in 0..100_u8 {
                writes.write_all(&[number]).await.unwrap();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            writes.shutdown().await.unwrap();
        });
        let mut back = Vec::new();
        reads.read_to_end(&mut back).await.unwrap();
        assert_eq!(back, (0..100).collect::<Vec<u8>>());
        assert!(start.elapsed() >= round_trip, "after {:?}", start.elapsed());
        assert!(start.elapsed() < round_trip * 20, "after {:?}", start.elapsed());
    }
}
