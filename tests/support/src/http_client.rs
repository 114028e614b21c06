//! A plain HTTP client for loopback: no TLS, no proxy, no redirects.

use std::time::Duration;

use anyhow::Context;
use axum::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;

/// An answer to a webhook is a few bytes; a page of this size is a mistake worth reading.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

#[derive(Clone)]
pub(crate) struct HttpClient {
    inner: Client<HttpConnector, Full<Bytes>>,
    timeout: Duration,
    answer_bytes_max: usize,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl HttpClient {
    pub(crate) fn new(timeout: Duration) -> Self {
        let inner = Client::builder(TokioExecutor::new()).build_http();
        Self {
            inner,
            timeout,
            answer_bytes_max: ANSWER_BYTES_MAX,
        }
    }

    /// For files, which are larger than the answers to webhooks.
    pub(crate) fn with_answers_up_to(self, bytes_max: usize) -> Self {
        Self {
            answer_bytes_max: bytes_max,
            ..self
        }
    }

    /// Sends one request and reads the whole answer, both within the client's timeout.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
        let target = request.uri().clone();
        let exchange = async {
            let (head, body) = self
                .inner
                .request(request)
                .await
                .with_context(|| format!("could not reach {target}"))?
                .into_parts();
            let body = Limited::new(body, self.answer_bytes_max)
                .collect()
                .await
                .map_err(|error| anyhow::anyhow!("could not read the answer of {target}: {error}"))?
                .to_bytes();
            Ok(Answer {
                status: head.status,
                headers: head.headers,
                body,
            })
        };
        tokio::time::timeout(self.timeout, exchange)
            .await
            .with_context(|| format!("{target} did not answer within {:?}", self.timeout))?
    }
}
