//! What one operation says of itself.

use axum::routing::MethodFilter;
use serde_json::{Value, json};
use wharf_core::Code;

use super::schema::Shape;

/// Who may call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Access {
    /// A tenant's key with the scope that follows from method and path.
    Tenant,
    /// A key of the operator.
    Operator,
    /// Anybody.
    Open,
    /// Who proves to be the provider.
    Provider,
}

pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) place: &'static str,
    pub(super) about: &'static str,
    pub(super) schema: Value,
}

pub(super) struct Body {
    pub(super) media_type: &'static str,
    pub(super) schema: Shape,
    pub(super) example: Value,
    pub(super) required: bool,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) about: &'static str,
    /// None for an answer without a body.
    pub(super) content: Option<(&'static str, Shape)>,
}

/// One operation. See `http::routes` for an example.
pub(in crate::http) struct Operation {
    method: &'static str,
    path: &'static str,
    pub(super) id: &'static str,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) more: &'static str,
    pub(super) access: Access,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Body>,
    pub(super) answers: Vec<Answer>,
    refusals: Vec<Code>,
}

/// What any operation can answer.
const ANY: [Code; 2] = [Code::Internal, Code::Overloaded];
/// What an operation behind a key can answer.
const BEHIND_A_KEY: [Code; 4] = [
    Code::Unauthorized,
    Code::Forbidden,
    Code::TooManyRequests,
    Code::InvalidQuery,
];
/// What an operation with a JSON body can answer.
const WITH_JSON: [Code; 4] = [
    Code::InvalidJson,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::InvalidRequest,
];

impl Operation {
    pub(in crate::http) fn get(path: &'static str, id: &'static str) -> Self {
        Self::new("GET", path, id)
    }

    pub(in crate::http) fn post(path: &'static str, id: &'static str) -> Self {
        Self::new("POST", path, id)
    }

    pub(in crate::http) fn patch(path: &'static str, id: &'static str) -> Self {
        Self::new("PATCH", path, id)
    }

    pub(in crate::http) fn delete(path: &'static str, id: &'static str) -> Self {
        Self::new("DELETE", path, id)
    }

    fn new(method: &'static str, path: &'static str, id: &'static str) -> Self {
        Self {
            method,
            path,
            id,
            tag: "other",
            summary: "",
            more: "",
            access: Access::Tenant,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            refusals: Vec::new(),
        }
    }

    /// The group it is shown in, and what it does in one line.
    pub(in crate::http) fn about(mut self, tag: &'static str, summary: &'static str) -> Self {
        (self.tag, self.summary) = (tag, summary);
        self
    }

    /// What else a caller must know: some sentences.
    pub(in crate::http) fn more(mut self, more: &'static str) -> Self {
        self.more = more;
        self
    }

    /// Tenants' keys, unless something else is said.
    pub(in crate::http) fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    pub(in crate::http) fn query(
        self,
        name: &'static str,
        about: &'static str,
        schema: Value,
    ) -> Self {
        self.parameter("query", name, about, schema)
    }

    pub(in crate::http) fn header(
        self,
        name: &'static str,
        about: &'static str,
        schema: Value,
    ) -> Self {
        self.parameter("header", name, about, schema)
    }

    /// Says more of a parameter of the path than its name does.
    pub(in crate::http) fn path_parameter(
        self,
        name: &'static str,
        about: &'static str,
        schema: Value,
    ) -> Self {
        self.parameter("path", name, about, schema)
    }

    fn parameter(
        mut self,
        place: &'static str,
        name: &'static str,
        about: &'static str,
        schema: Value,
    ) -> Self {
        self.parameters.push(Parameter {
            name,
            place,
            about,
            schema,
        });
        self
    }

    /// `Idempotency-Key`, for whoever heeds it.
    pub(in crate::http) fn idempotent(self) -> Self {
        let schema = json!({"type": "string", "minLength": 1, "maxLength": 255});
        let about = "The same key with the same request has its effect once; the answer repeats the first \
                     (header `Idempotency-Replayed`). A draft of the IETF (draft-ietf-httpapi-idempotency-key-header-07).";
        self.header("Idempotency-Key", about, schema)
            .refuses(&[Code::IdempotencyInProgress, Code::IdempotencyMismatch])
    }

    /// A JSON body.
    pub(in crate::http) fn takes(self, schema: Shape, example: Value) -> Self {
        self.body("application/json", schema, example, true)
    }

    /// A JSON body that may be left out.
    pub(in crate::http) fn may_take(self, schema: Shape, example: Value) -> Self {
        self.body("application/json", schema, example, false)
    }

    /// A body of any media type.
    pub(in crate::http) fn takes_bytes(self, media_type: &'static str) -> Self {
        self.body(media_type, Shape::bytes(), Value::Null, true)
    }

    fn body(
        mut self,
        media_type: &'static str,
        schema: Shape,
        example: Value,
        required: bool,
    ) -> Self {
        self.body = Some(Body {
            media_type,
            schema,
            example,
            required,
        });
        self
    }

    pub(in crate::http) fn answers(self, status: u16, about: &'static str, schema: Shape) -> Self {
        self.answers_as(status, about, "application/json", schema)
    }

    pub(in crate::http) fn answers_as(
        mut self,
        status: u16,
        about: &'static str,
        media_type: &'static str,
        schema: Shape,
    ) -> Self {
        self.answers.push(Answer {
            status,
            about,
            content: Some((media_type, schema)),
        });
        self
    }

    pub(in crate::http) fn answers_empty(mut self, status: u16, about: &'static str) -> Self {
        self.answers.push(Answer {
            status,
            about,
            content: None,
        });
        self
    }

    /// Codes beyond those that follow from access, path and body.
    pub(in crate::http) fn refuses(mut self, codes: &[Code]) -> Self {
        self.refusals.extend(codes);
        self
    }

    pub(in crate::http) fn path(&self) -> &'static str {
        self.path
    }

    pub(in crate::http) fn verb(&self) -> &'static str {
        self.method
    }

    pub(in crate::http) fn method(&self) -> MethodFilter {
        match self.method {
            "GET" => MethodFilter::GET,
            "POST" => MethodFilter::POST,
            "PATCH" => MethodFilter::PATCH,
            _ => MethodFilter::DELETE,
        }
    }

    /// Whoever calls without a key may bring parameters that we do not know: a provider's handshake does.
    pub(in crate::http) fn checks_query(&self) -> bool {
        matches!(self.access, Access::Tenant | Access::Operator)
    }

    pub(in crate::http) fn query_names(&self) -> Vec<&'static str> {
        let queries = self.parameters.iter().filter(|it| it.place == "query");
        queries.map(|it| it.name).collect()
    }

    /// The path's own parameters, by name.
    pub(super) fn path_names(&self) -> impl Iterator<Item = &'static str> {
        let parts = self.path.split('/');
        parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// Every code that it may answer with, in the catalogue's order.
    pub(super) fn all_refusals(&self) -> Vec<Code> {
        let mut codes = self.refusals.clone();
        codes.extend(ANY);
        if self.checks_query() {
            codes.extend(BEHIND_A_KEY);
        }
        if self
            .body
            .as_ref()
            .is_some_and(|body| body.media_type == "application/json")
        {
            codes.extend(WITH_JSON);
        }
        if self.path_names().next().is_some() {
            codes.push(Code::NotFound);
        }
        let all = Code::ALL.iter().copied();
        all.filter(|code| codes.contains(code)).collect()
    }
}
