//! Services inside this process that answer for a host name, such as the sandbox provider.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use wharf_core::provider::TransportFailure;

use crate::client::{Failure, RawAnswer};

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Answers requests without a socket. It sees what a real host would see, secrets included.
pub trait LocalService: Send + Sync {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, http::Response<Bytes>>;
}

/// Calls the service under the same size cap as a remote one. The time limit is the caller's.
pub(crate) async fn perform(
    service: Arc<dyn LocalService>,
    request: http::Request<Bytes>,
    response_bytes_max: usize,
) -> Result<RawAnswer, Failure> {
    let (head, body) = service.call(request).await.into_parts();
    if body.len() > response_bytes_max {
        return Err(Failure::new(
            TransportFailure::BodyTooLarge,
            format!("the answer has more than {response_bytes_max} bytes"),
        ));
    }
    Ok(RawAnswer {
        status: head.status.as_u16(),
        headers: head.headers,
        body,
    })
}
