//! Services inside this process that answer for a host name, such as the sandbox provider.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Answers requests without a socket. It sees what a real host would see, secrets included. Its
/// answer passes the same caps and checks; the time limit is the caller's. Stored media in a request
/// are read into memory for it, up to `request_bytes_max`.
pub trait LocalService: Send + Sync {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, http::Response<Bytes>>;
}
