//! Refusals as RFC 9457 problems, made here and nowhere else.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use wharf_core::Code;
use wharf_core::request::FieldError;
use wharf_store::StoreError;

/// A refusal on its way out. [`super::request_id`] turns it into the body, since only there the
/// request's id is known.
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    detail: Option<String>,
    errors: Vec<FieldError>,
    retry_after_s: Option<u64>,
    more: Map<String, Value>,
}

impl Problem {
    pub fn new(code: Code) -> Self {
        Self {
            code,
            detail: None,
            errors: Vec::new(),
            retry_after_s: None,
            more: Map::new(),
        }
    }

    /// What is special about this occurrence. Never holds a secret or a message's content.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    #[must_use]
    pub fn retry_after_s(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// An extension member of the problem object.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// As a part of an answer about many: its fields are named below `pointer`.
    pub(crate) fn at(mut self, pointer: &str) -> Value {
        for error in &mut self.errors {
            error.pointer.insert_str(0, pointer);
        }
        let mut body = self.body("");
        if let Some(object) = body.as_object_mut() {
            object.remove("request_id");
        }
        body
    }

    /// What is special about this occurrence, when that was said.
    pub(crate) fn why(&self) -> Option<&str> {
        let first = self.errors.first().map(|error| error.detail.as_str());
        self.detail.as_deref().or(first)
    }

    pub fn code(&self) -> Code {
        self.code
    }

    /// The body, once the request's id is known.
    pub fn body(&self, request_id: &str) -> Value {
        let mut body = json!({
            "type": format!("/errors/{}", self.code.as_str()),
            "title": self.code.title(),
            "status": self.code.http_status(),
            "code": self.code.as_str(),
            "remedy": self.code.remedy(),
            "request_id": request_id,
        });
        let object = body.as_object_mut().expect("built as an object above");
        if let Some(detail) = &self.detail {
            object.insert("detail".to_owned(), detail.clone().into());
        }
        if !self.errors.is_empty() {
            let errors = self
                .errors
                .iter()
                .map(|e| json!({"pointer": e.pointer, "code": e.code, "detail": e.detail}))
                .collect();
            object.insert("errors".to_owned(), Value::Array(errors));
        }
        object.extend(self.more.clone());
        body
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code.http_status())
            .expect("the catalogue holds HTTP statuses");
        let mut response = status.into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == Code::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// How long a caller should stay away when the writer's queue is full: it drains within a second.
const BUSY_RETRY_AFTER_S: u64 = 1;

/// A database that is down or full needs somebody; asking every second would not help.
const UNAVAILABLE_RETRY_AFTER_S: u64 = 5;

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy { .. } => {
                Self::new(Code::Overloaded).retry_after_s(BUSY_RETRY_AFTER_S)
            }
            other if other.is_unavailable() => {
                tracing::error!(error = %Chain(&other), "the database cannot be used");
                Self::new(Code::Overloaded)
                    .retry_after_s(UNAVAILABLE_RETRY_AFTER_S)
                    .detail("the gateway's database cannot be used at the moment")
            }
            other => {
                tracing::error!(error = %Chain(&other), "a request met a failing store");
                Self::new(Code::Internal)
            }
        }
    }
}

/// An error with its causes on one line.
pub struct Chain<'a>(pub &'a (dyn std::error::Error + 'a));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
