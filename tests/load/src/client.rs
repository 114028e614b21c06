//! The load client: connections that are kept open, one request at a time on each, nothing parsed but
//! what tells where an answer ends. The same for the subject and for its counterpart.
//!
//! It asks as fast as answers come, or at a steady rate whatever the answers do: the first finds out
//! how much fits, the second how long it takes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// Callers at the same time. What one core of clients keeps busy without queueing on itself.
const CONNECTIONS: usize = 64;
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// What timers round to: a request that is later than this was held up by an answer that did not come,
/// and its wait counts from when it was due.
const LATE: Duration = Duration::from_millis(2);
/// Callers that ask beside a measurement.
const CALLERS_BESIDE: u32 = 16;

/// A client on a thread of its own.
pub(crate) struct Client {
    runtime: Runtime,
}

/// What is asked, and what the answer must be.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// Whole requests, sent in turn.
    pub(crate) requests: Arc<[Bytes]>,
    pub(crate) status: u16,
}

/// When to stop asking.
#[derive(Clone, Copy)]
enum Until {
    Time(Instant),
    Count(u64),
}

impl Client {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("could not start the load client")?;
        Ok(Self { runtime })
    }

    /// Answers a second, over this time.
    pub(crate) fn rate(&self, target: &Target, time: Duration) -> anyhow::Result<f64> {
        let started = Instant::now();
        let answers = self.run(target, Until::Time(started + time))?;
        Ok(answers as f64 / started.elapsed().as_secs_f64())
    }

    /// Exactly this many answers, as fast as they come.
    pub(crate) fn exactly(&self, target: &Target, count: u64) -> anyhow::Result<()> {
        self.run(target, Until::Count(count)).map(drop)
    }

    /// Asks this often, whatever the answers do, and says how long each request took.
    pub(crate) fn paced(
        &self,
        target: &Target,
        per_s: f64,
        count: u32,
    ) -> anyhow::Result<Vec<Duration>> {
        let next = Arc::new(AtomicU64::new(0));
        self.runtime.block_on(async {
            let mut callers = JoinSet::new();
            let started = tokio::time::Instant::now();
            for _ in 0..CONNECTIONS {
                let connection = Connection::open(target.address).await?;
                let (requests, next) = (Arc::clone(&target.requests), Arc::clone(&next));
                let pace = Pace {
                    started,
                    per_s,
                    count: count.into(),
                };
                callers.spawn(call_in_time(
                    connection,
                    requests,
                    target.status,
                    pace,
                    next,
                ));
            }
            let mut took = Vec::new();
            while let Some(ended) = callers.join_next().await {
                took.extend(ended.context("a caller panicked")??);
            }
            Ok(took)
        })
    }

    /// Begins to ask this often beside everything else, whatever is answered, until it is dropped.
    pub(crate) fn beside(&self, target: &Target, per_s: u32) -> Beside {
        let counts = Arc::new(Counts::default());
        let pause = Duration::from_secs(1) * CALLERS_BESIDE / per_s;
        let callers = (0..CALLERS_BESIDE).map(|number| {
            self.runtime.spawn(call_beside(
                target.address,
                Arc::clone(&target.requests),
                target.status,
                (pause * number / CALLERS_BESIDE, pause),
                Arc::clone(&counts),
            ))
        });
        Beside {
            callers: callers.collect(),
            counts,
        }
    }

    fn run(&self, target: &Target, until: Until) -> anyhow::Result<u64> {
        let asked = Arc::new(AtomicU64::new(0));
        self.runtime.block_on(async {
            let mut callers = JoinSet::new();
            for _ in 0..CONNECTIONS {
                let requests = Arc::clone(&target.requests);
                let connection = Connection::open(target.address).await?;
                callers.spawn(call(
                    connection,
                    requests,
                    target.status,
                    until,
                    Arc::clone(&asked),
                ));
            }
            let mut answers = 0;
            while let Some(ended) = callers.join_next().await {
                answers += ended.context("a caller panicked")??;
            }
            Ok(answers)
        })
    }
}

/// When the requests of a steady rate are due.
#[derive(Clone, Copy)]
struct Pace {
    started: tokio::time::Instant,
    per_s: f64,
    count: u64,
}

/// Callers who go on until this is dropped.
pub(crate) struct Beside {
    callers: Vec<tokio::task::JoinHandle<()>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    answered: AtomicU64,
    failed: AtomicU64,
}

impl Beside {
    /// Requests that were answered so far, whatever with.
    pub(crate) fn answered(&self) -> u64 {
        self.counts.answered.load(Ordering::Relaxed)
    }

    /// Requests that were answered with another status than wanted, or not at all.
    pub(crate) fn failed(&self) -> u64 {
        self.counts.failed.load(Ordering::Relaxed)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        for caller in &self.callers {
            caller.abort();
        }
    }
}

async fn call_beside(
    address: SocketAddr,
    requests: Arc<[Bytes]>,
    expected: u16,
    (first, pause): (Duration, Duration),
    counts: Arc<Counts>,
) {
    tokio::time::sleep(first).await;
    let mut due = tokio::time::interval(pause);
    // What a slow answer held up is asked afterwards: the rate is that of people who do not wait for each other.
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let mut connection = None;
    for request in requests.iter().cycle() {
        due.tick().await;
        if connection.is_none() {
            connection = Connection::open(address).await.ok();
        }
        let status = match &mut connection {
            Some(open) => open.ask(request).await.ok(),
            None => None,
        };
        match status {
            Some(_) => counts.answered.fetch_add(1, Ordering::Relaxed),
            // The next request takes a new connection.
            None => {
                connection = None;
                0
            }
        };
        if status != Some(expected) {
            counts.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn call_in_time(
    mut connection: Connection,
    requests: Arc<[Bytes]>,
    expected: u16,
    pace: Pace,
    next: Arc<AtomicU64>,
) -> anyhow::Result<Vec<Duration>> {
    let mut took = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= pace.count {
            return Ok(took);
        }
        let due = pace.started + Duration::from_secs_f64(number as f64 / pace.per_s);
        tokio::time::sleep_until(due).await;
        let now = tokio::time::Instant::now();
        let from = if now - due > LATE { due } else { now };
        let which = usize::try_from(number).unwrap_or(0) % requests.len();
        let status = connection.ask(&requests[which]).await?;
        ensure!(
            status == expected,
            "a request was answered {status}, not {expected}: {}",
            connection.answer()
        );
        took.push(from.elapsed());
    }
}

async fn call(
    mut connection: Connection,
    requests: Arc<[Bytes]>,
    expected: u16,
    until: Until,
    asked: Arc<AtomicU64>,
) -> anyhow::Result<u64> {
    let mut answers = 0;
    loop {
        let number = asked.fetch_add(1, Ordering::Relaxed);
        let go_on = match until {
            Until::Time(end) => Instant::now() < end,
            Until::Count(count) => number < count,
        };
        if !go_on {
            return Ok(answers);
        }
        let which = usize::try_from(number).unwrap_or(0) % requests.len();
        let status = connection.ask(&requests[which]).await?;
        ensure!(
            status == expected,
            "a request was answered {status}, not {expected}: {}",
            connection.answer()
        );
        answers += 1;
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Connection {
    async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("could not connect to {address}"))?;
        stream.set_nodelay(true).context("could not set nodelay")?;
        Ok(Self {
            stream,
            buffer: vec![0; ANSWER_BYTES_MAX],
            filled: 0,
        })
    }

    /// Sends one request, reads its whole answer and returns the status.
    async fn ask(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.stream
            .write_all(request)
            .await
            .context("could not send a request")?;
        self.filled = 0;
        let mut whole = None;
        while whole.is_none_or(|length| self.filled < length) {
            let read = self.stream.read(&mut self.buffer[self.filled..]).await;
            let read = read.context("could not read an answer")?;
            ensure!(
                read > 0,
                "the server closed a connection, or its answer is too long"
            );
            self.filled += read;
            if whole.is_none() {
                whole = length(&self.buffer[..self.filled])?;
            }
        }
        let status = std::str::from_utf8(&self.buffer[9..12])?;
        status.parse().context("an answer without a status")
    }

    fn answer(&self) -> String {
        String::from_utf8_lossy(&self.buffer[..self.filled]).into_owned()
    }
}

/// How long the answer is in all; `None` while its head is incomplete.
fn length(bytes: &[u8]) -> anyhow::Result<Option<usize>> {
    const NAME: &[u8] = b"\r\ncontent-length: ";
    let Some(head) = memchr::memmem::find(bytes, b"\r\n\r\n") else {
        return Ok(None);
    };
    // The servers measured here write names in lower case.
    let Some(at) = memchr::memmem::find(&bytes[..head + 2], NAME) else {
        bail!("an answer without content-length");
    };
    let digits = bytes[at + NAME.len()..].split(|byte| *byte == b'\r').next();
    let body: usize = std::str::from_utf8(digits.unwrap_or_default())?.parse()?;
    Ok(Some(head + 4 + body))
}

/// A POST of JSON as a whole request.
pub(crate) fn post(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Bytes {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut bytes = request.into_bytes();
    bytes.extend_from_slice(body);
    bytes.into()
}
