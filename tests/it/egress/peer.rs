//! A server on a plain socket that can misbehave at any point of an exchange.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What it does with every connection.
#[derive(Clone)]
pub(super) enum Manner {
    /// Reads each request whole and writes these bytes.
    Answer(Vec<u8>),
    /// Reads the request, writes these bytes, then neither writes nor closes.
    AnswerAndHang(Vec<u8>),
    /// Reads the request, writes these bytes and resets the connection.
    AnswerAndReset(Vec<u8>),
    /// Accepts and never reads.
    Hang,
    /// Accepts and ends its side of the stream at once.
    Close,
    /// Writes these bytes without waiting for a request.
    Blurt(Vec<u8>),
}

pub(super) struct Peer {
    pub(super) port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    pub(super) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(behave(stream, manner.clone(), Arc::clone(&seen)));
            }
        });
        Self { port, requests }
    }

    pub(super) fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn https(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Every request that arrived, head and body, in order.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// A whole answer with its length.
pub(super) fn answer(status: &str, headers: &str, body: &str) -> Manner {
    let length = body.len();
    Manner::Answer(
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
            .into_bytes(),
    )
}

async fn behave(mut stream: TcpStream, manner: Manner, seen: Arc<Mutex<Vec<String>>>) {
    match manner {
        Manner::Close => {
            // Unread bytes would turn the end of the stream into a reset.
            let _ = stream.shutdown().await;
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        }
        Manner::Hang => hang().await,
        Manner::Blurt(bytes) => {
            let _ = stream.write_all(&bytes).await;
            hang().await;
        }
        Manner::Answer(bytes) => {
            while let Some(request) = read_request(&mut stream).await {
                seen.lock().unwrap().push(request);
                let _ = stream.write_all(&bytes).await;
            }
        }
        Manner::AnswerAndHang(bytes) => {
            if let Some(request) = read_request(&mut stream).await {
                seen.lock().unwrap().push(request);
            }
            let _ = stream.write_all(&bytes).await;
            hang().await;
        }
        Manner::AnswerAndReset(bytes) => {
            if let Some(request) = read_request(&mut stream).await {
                seen.lock().unwrap().push(request);
            }
            let _ = stream.write_all(&bytes).await;
            let _ = stream.set_zero_linger();
        }
    }
}

/// Longer than any test; the runtime drops the task with the test.
async fn hang() {
    tokio::time::sleep(Duration::from_secs(3_600)).await;
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    loop {
        if let Some(request) = whole(&read) {
            return Some(request);
        }
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
}

fn whole(read: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(read).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse().unwrap());
    (body.len() >= length).then(|| text.to_owned())
}
