//! A client for the tests of this crate: any method, any host, and the answer as JSON.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::Request;
use bytes::Bytes;
use http_body_util::Full;
use serde_json::Value;

use crate::http_client::HttpClient;

/// A request that is put together as a caller of a provider would.
#[derive(Clone)]
pub(crate) struct Ask {
    method: &'static str,
    host: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

/// Status and body.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// Of Meta's errors.
    pub(crate) fn code(&self) -> u64 {
        self.json()["error"]["code"].as_u64().unwrap_or_default()
    }
}

impl Ask {
    pub(crate) fn new(method: &'static str, host: &str, path: &str) -> Self {
        Self {
            method,
            host: host.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn json(self, body: Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn body(self, content_type: &str, body: impl Into<Bytes>) -> Self {
        let mut asked = self.header("content-type", content_type);
        asked.body = body.into();
        asked
    }

    /// An upload as the Cloud API wants it.
    pub(crate) fn file(self, content_type: &str, bytes: &str) -> Self {
        let body = format!(
            "--b0undary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\
             Content-Type: {content_type}\r\n\r\n{bytes}\r\n--b0undary\r\n\
             Content-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n--b0undary\r\n\
             Content-Disposition: form-data; name=\"type\"\r\n\r\n{content_type}\r\n--b0undary--\r\n"
        );
        self.body("multipart/form-data; boundary=b0undary", body)
    }

    pub(crate) async fn send(self, address: SocketAddr) -> Answer {
        let mut request = Request::builder()
            .method(self.method)
            .uri(format!("http://{address}{}", self.path))
            .header("host", &self.host);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(self.body)).unwrap();
        let client = HttpClient::new(Duration::from_secs(10));
        let answer = client.send(request).await.unwrap();
        Answer {
            status: answer.status.as_u16(),
            body: answer.body,
        }
    }
}
