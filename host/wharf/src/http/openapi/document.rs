//! The whole document, out of the operations.

use serde_json::{Map, Value, json};
use wharf_core::{Code, Status, scope};

use super::operation::{Access, Answer, Body, Operation};
use super::schema::{shape, without_null};
use super::shapes::problem::Problem;

const ABOUT: &str = "One gateway for every provider of the official WhatsApp Business platform.\n\n\
Requests carry `Authorization: Bearer wk_...`. Times are RFC 3339 in UTC. Unknown members and parameters of a \
request are refused; answers may gain members, and words such as a message's status may become more: take what you \
know and let the rest pass. Refusals are RFC 9457 problems; `code` is stable, and `/errors/{code}` says what to do.";

const PROBLEM: &str = "application/problem+json";

const TAGS: [(&str, &str); 11] = [
    ("messages", "Sending messages and looking at them"),
    ("media", "Objects that messages carry"),
    ("channels", "The numbers that a tenant sends through"),
    (
        "onboarding",
        "Connecting numbers, mending and disconnecting them",
    ),
    ("templates", "Message templates"),
    ("dead-letters", "What failed for good"),
    ("keys", "API keys: scopes, rotation, limits"),
    ("stats", "Counts"),
    ("simple", "A few flat fields instead of a whole message"),
    ("providers", "What providers call"),
    ("gateway", "The gateway itself"),
];

/// The document, with its members in a fixed order.
pub(in crate::http) fn document(operations: &[Operation]) -> Value {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for operation in operations {
        let path = paths.entry(operation.path()).or_insert_with(|| json!({}));
        path[operation.verb().to_ascii_lowercase()] = one(operation);
    }
    // What callers send comes first, so that what both directions share is described as it is sent.
    for body in operations.iter().filter_map(|it| it.body.as_ref()) {
        body.schema.collect(&mut schemas);
    }
    schemas.values_mut().for_each(without_null);
    let answers = operations.iter().flat_map(|it| &it.answers);
    for (_, shape) in answers.filter_map(|answer| answer.content.as_ref()) {
        shape.collect(&mut schemas);
    }
    shape::<Problem>().collect(&mut schemas);
    open_words(&mut schemas);
    let tags = TAGS.map(|(name, description)| json!({ "name": name, "description": description }));
    sorted(&json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Wharf", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "This gateway" }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "tenantKey": { "type": "http", "scheme": "bearer", "description": "A tenant's API key; the operation names the scope that it needs. An operator's key works too, with `Wharf-Tenant`." },
                "operatorKey": { "type": "http", "scheme": "bearer", "description": "A key of the operator, from the configuration (operator_keys)." },
            },
        },
    }))
}

fn one(operation: &Operation) -> Value {
    let mut shown = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": parameters(operation),
        "responses": responses(operation),
        "security": security(operation),
    });
    if !operation.more.is_empty() {
        shown["description"] = operation.more.into();
    }
    if let Some(body) = &operation.body {
        shown["requestBody"] = request_body(body);
    }
    let scope = match operation.access {
        Access::Tenant => scope::needed(operation.verb(), operation.path()).to_string(),
        Access::Operator => "operator".to_owned(),
        Access::Open | Access::Provider => return shown,
    };
    shown["x-wharf-scope"] = scope.into();
    if operation.access == Access::Tenant {
        shown["x-wharf-channel-keys"] = scope::heeds_channels(operation.path()).into();
    }
    shown
}

fn security(operation: &Operation) -> Value {
    match operation.access {
        Access::Tenant => {
            let scope = scope::needed(operation.verb(), operation.path()).to_string();
            json!([{ "tenantKey": [scope] }])
        }
        Access::Operator => json!([{ "operatorKey": [] }]),
        Access::Open | Access::Provider => json!([]),
    }
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let declared = operation.parameters.iter().map(|it| {
        json!({
            "name": it.name, "in": it.place, "description": it.about, "schema": it.schema,
            "required": it.place == "path",
        })
    });
    let is_declared = |name: &str| operation.parameters.iter().any(|it| it.name == name);
    let plain = operation.path_names().filter(|name| !is_declared(name));
    let plain = plain.map(|name| {
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } })
    });
    let mut all: Vec<_> = plain.chain(declared).collect();
    all.push(json!({
        "name": "X-Request-Id", "in": "header", "required": false, "schema": { "type": "string" },
        "description": "A name for this request, up to 128 visible ASCII characters; the answer repeats it, and gives one where none fits.",
    }));
    all
}

fn request_body(body: &Body) -> Value {
    let mut content = json!({ "schema": body.schema.schema() });
    if !body.example.is_null() {
        content["example"] = body.example.clone();
    }
    json!({ "required": body.required, "content": { body.media_type: content } })
}

fn responses(operation: &Operation) -> Value {
    let mut responses = Map::new();
    for answer in &operation.answers {
        responses.insert(answer.status.to_string(), success(operation, answer));
    }
    let mut refusals: Vec<(u16, Vec<Code>)> = Vec::new();
    for code in operation.all_refusals() {
        let status = code.http_status();
        match refusals.iter_mut().find(|(known, _)| *known == status) {
            Some((_, codes)) => codes.push(code),
            None => refusals.push((status, vec![code])),
        }
    }
    for (status, codes) in refusals {
        let shown = refusal(&codes);
        match responses.get_mut(&status.to_string()) {
            // A status with a body of its own may have a refusal's as well.
            Some(known) => known["content"][PROBLEM] = shown["content"][PROBLEM].clone(),
            None => {
                responses.insert(status.to_string(), shown);
            }
        }
    }
    Value::Object(responses)
}

fn success(operation: &Operation, answer: &Answer) -> Value {
    let mut headers = json!({ "X-Request-Id": { "schema": { "type": "string" } } });
    if operation.access == Access::Tenant {
        let about = "What is left of the rate of the key and of its tenant (draft-ietf-httpapi-ratelimit-headers-10).";
        headers["RateLimit"] = json!({ "description": about, "schema": { "type": "string" } });
    }
    let mut shown = json!({ "description": answer.about, "headers": headers });
    if let Some((media_type, shape)) = &answer.content {
        shown["content"] = json!({ *media_type: { "schema": shape.schema() } });
    }
    shown
}

/// A refusal's answer: one for each status, with all codes that have it.
fn refusal(codes: &[Code]) -> Value {
    let about: Vec<_> = codes
        .iter()
        .map(|code| format!("`{}`: {}.", code.as_str(), code.title()))
        .collect();
    let slugs: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    let mut examples = Map::new();
    for code in codes {
        let example = crate::http::Problem::new(*code).body("req_01K0000000000000000000000");
        examples.insert(code.as_str().to_owned(), json!({ "value": example }));
    }
    let mut headers = json!({ "X-Request-Id": { "schema": { "type": "string" } } });
    if codes
        .iter()
        .any(|code| matches!(code.http_status(), 429 | 503))
    {
        let schema = json!({ "type": "integer", "minimum": 0 });
        headers["Retry-After"] = json!({ "description": "Seconds to wait", "schema": schema });
    }
    json!({
        "description": about.join(" "),
        "headers": headers,
        "content": { PROBLEM: {
            "schema": { "allOf": [
                { "$ref": "#/components/schemas/Problem" },
                { "type": "object", "properties": { "code": { "enum": slugs } } },
            ] },
            "examples": examples,
        } },
    })
}

/// Words that may become more are no closed enumeration; what there is today is listed all the same.
fn open_words(schemas: &mut Map<String, Value>) {
    let statuses = Status::ALL.map(Status::as_str);
    for (schema, member) in [("OutboundMessage", "status"), ("TimelineEntry", "status")] {
        let member = schemas
            .get_mut(schema)
            .and_then(|schema| schema.pointer_mut(&format!("/properties/{member}")));
        if let Some(member) = member {
            member["x-extensible-enum"] = json!(statuses);
        }
    }
}

/// The same document with every object's members in the order of their names, whatever maps keep.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members = members
                .into_iter()
                .map(|(name, value)| (name.clone(), sorted(value)));
            Value::Object(members.collect())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
