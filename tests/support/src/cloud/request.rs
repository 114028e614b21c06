//! A request as a door reads it: head, query and body, whatever form the body has.

use axum::extract::Request as HttpRequest;
use axum::http::{HeaderMap, Method};
use bytes::Bytes;
use serde_json::{Value, json};

use super::error::GraphError;
use super::strict_json;

/// A document of 100 MB with its envelope.
const REQUEST_BYTES_MAX: usize = 101 * 1024 * 1024;
/// Of anything but an upload.
const JSON_BYTES_MAX: usize = 1024 * 1024;

/// A request whose bytes arrived.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) async fn read(request: HttpRequest) -> Result<Self, GraphError> {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, REQUEST_BYTES_MAX)
            .await
            .map_err(|_| GraphError::with_details(1, "the body broke off, or is too large"))?;
        let query = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
        Ok(Self {
            method: head.method,
            path: head.uri.path().to_owned(),
            query,
            headers: head.headers,
            body,
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|pair| pair.0 == name);
        found.map(|pair| pair.1.as_str())
    }

    /// The host that the connection is for, without the port that it has anyway.
    pub(crate) fn host(&self) -> &str {
        let host = self.header("host").unwrap_or_default();
        host.strip_suffix(":443").unwrap_or(host)
    }

    /// The body as JSON of an object; what else it may be is refused.
    pub(crate) fn json(&self) -> Result<Value, GraphError> {
        let content_type = self.header("content-type");
        let essence = content_type
            .and_then(|value| value.split(';').next())
            .map(str::trim);
        if !essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
            let details = format!(
                "Content-Type must be application/json, not {}",
                content_type.unwrap_or("absent")
            );
            return Err(GraphError::with_details(100, details));
        }
        if self.body.len() > JSON_BYTES_MAX {
            return Err(GraphError::with_details(1, "the body is larger than 1 MiB"));
        }
        strict_json::parse(&self.body).map_err(|error| {
            GraphError::parameter(format_args!("The body cannot be read: {error}"))
        })
    }

    /// What a call was given, as JSON, as a form or as a query; an empty body is an empty object.
    pub(crate) fn parameters(&self) -> Result<Value, GraphError> {
        let mut object = serde_json::Map::new();
        let is_form = self
            .header("content-type")
            .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
        if is_form {
            for (name, value) in url::form_urlencoded::parse(&self.body) {
                object.insert(name.into_owned(), json!(value));
            }
        } else if !self.body.is_empty() {
            match self.json()? {
                Value::Object(body) => object = body,
                _ => return Err(GraphError::parameter("The body must be a JSON object.")),
            }
        }
        for (name, value) in &self.query {
            if !["access_token", "appsecret_proof", "appsecret_time"].contains(&&**name) {
                object.insert(name.clone(), json!(value));
            }
        }
        Ok(Value::Object(object))
    }
}
