//! Requests to the gateway as any caller makes them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::TestGateway;

/// A request in the making.
pub(crate) struct Call<'a> {
    gateway: &'a TestGateway,
    request: reqwest::RequestBuilder,
    key: Option<String>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    /// `null` when it is not JSON.
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl<'a> Call<'a> {
    pub(super) fn new(gateway: &'a TestGateway, method: &str, path: &str) -> Self {
        let method = method.parse().unwrap();
        Self {
            request: gateway.http.request(method, gateway.url(path)),
            gateway,
            key: None,
        }
    }

    /// Another API key.
    pub(crate) fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// No API key at all.
    pub(crate) fn without_key(mut self) -> Self {
        self.key = None;
        self
    }

    /// The key of another tenant.
    pub(crate) fn by(self, tenant: &str) -> Self {
        let key = self.gateway.credentials.key_of(tenant);
        self.key(&key)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// With the header `Idempotency-Key`.
    pub(crate) fn once(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub(crate) async fn json(self, body: &Value) -> Answer {
        self.bytes("application/json", body.to_string().into_bytes())
            .await
    }

    pub(crate) async fn bytes(
        mut self,
        media_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        self.request = self.request.header("content-type", media_type).body(body);
        self.empty().await
    }

    pub(crate) async fn empty(self) -> Answer {
        let request = match self.key {
            Some(key) => self.request.bearer_auth(key),
            None => self.request,
        };
        let response = request.send().await.unwrap();
        let headers = response.headers().iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.to_string(), value)
        });
        let (status, headers) = (response.status().as_u16(), headers.collect());
        let text = response.text().await.unwrap();
        Answer {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or_default(),
            text,
        }
    }
}

impl Answer {
    /// The message's id.
    pub(crate) fn id(&self) -> String {
        let id = self.body["id"].as_str();
        id.unwrap_or_else(|| panic!("no message: {self:?}"))
            .to_owned()
    }

    pub(crate) fn is_replay(&self) -> bool {
        self.headers
            .get("idempotency-replayed")
            .is_some_and(|value| value == "true")
    }

    /// Asserts a refusal with everything that every refusal has.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, code: &str) -> &Self {
        let body = &self.body;
        assert_eq!(
            (self.status, &body["code"]),
            (status, &code.into()),
            "{self:?}"
        );
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(body["status"], status);
        assert_eq!(body["type"], format!("/errors/{code}"));
        for name in ["title", "remedy"] {
            assert!(
                body[name].as_str().is_some_and(|text| !text.is_empty()),
                "{self:?}"
            );
        }
        assert_eq!(
            body["request_id"].as_str(),
            self.headers.get("x-request-id").map(String::as_str)
        );
        self
    }

    /// Asserts that exactly these fields are named, each with a sentence.
    #[track_caller]
    pub(crate) fn assert_fields(&self, wanted: &[(&str, &str)]) {
        let errors = self.body["errors"].as_array();
        let errors = errors.unwrap_or_else(|| panic!("no fields are named: {self:?}"));
        let named: Vec<_> = errors
            .iter()
            .map(|error| {
                let text = |name: &str| error[name].as_str().unwrap_or_default();
                assert!(!text("detail").is_empty(), "{error}");
                (text("pointer"), text("code"))
            })
            .collect();
        assert_eq!(named, wanted, "{self:?}");
    }
}
