//! HTTP as cheap as it can be spoken: whole requests as bytes, answers with a Content-Length.

use ecommerce_benches::Failure;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A keep-alive connection to a server.
pub struct Wire {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Wire {
    /// Connects, and hears a first answer.
    pub async fn open(port: u16) -> Result<Self, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let mut wire = Self { stream, answer: Vec::with_capacity(32 * 1024) };
        wire.ask(&get("/product/1/")).await?;
        Ok(wire)
    }

    /// Sends a request and answers the body of its answer, which must be one of success.
    pub async fn ask(&mut self, request: &[u8]) -> Result<&[u8], Failure> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        let mut parts = None;
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err(format!("the server hung up after\n{}", String::from_utf8_lossy(request)).into());
            }
            if parts.is_none() {
                parts = head_and_end(&self.answer)?;
            }
            if let Some((head, end)) = parts
                && self.answer.len() >= end
            {
                if self.answer.get(9) != Some(&b'2') {
                    let (request, answer) = (String::from_utf8_lossy(request), String::from_utf8_lossy(&self.answer));
                    return Err(format!("refused:\n{request}\n{answer}").into());
                }
                return Ok(&self.answer[head..end]);
            }
        }
    }
}

/// Where the head of an answer and the answer end, once all of the head is there.
fn head_and_end(answer: &[u8]) -> Result<Option<(usize, usize)>, Failure> {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let length = std::str::from_utf8(&answer[..head])?.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(Ok(0), str::parse)?;
    Ok(Some((head + 4, head + 4 + length)))
}

pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes()
}

/// The same of somebody who is signed in.
pub fn get_as(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// A request of somebody who is signed in, without a body.
pub fn delete(path: &str, token: &str) -> Vec<u8> {
    format!("DELETE {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// JSON for a path, with further headers, each with its line end.
pub fn post(path: &str, headers: &str, body: &str) -> Vec<u8> {
    send("POST", path, headers, body)
}

/// The same, to change what is there.
pub fn patch(path: &str, headers: &str, body: &str) -> Vec<u8> {
    send("PATCH", path, headers, body)
}

fn send(method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The header of somebody who is signed in.
pub fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}
