//! The rest of the messaging API: templates, and where webhooks go.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::Shared;
use super::channel::{Channel, WebhookConfig};
use crate::cloud::serve::{Refusal, Reply, Request};
use crate::cloud::shape::{self, Flaw, Member, Shape, may, need};
use crate::cloud::{GraphError, Template, templates};

const PAGE_SIZE_DEFAULT: usize = 100;
const PAGE_SIZE_MAX: usize = 1000;
const WEBHOOK: &[Member] = &[need("url", Shape::Link), may("headers", Shape::Free)];
const MULTI: &[Member] = &[
    need("enable", Shape::Bool),
    need(
        "destinations",
        Shape::List(
            &Shape::Object(&[
                need("name", Shape::Text(1, 256)),
                need("url", Shape::Link),
                may("headers", Shape::Free),
            ]),
            0,
            100,
        ),
    ),
];

pub(super) fn call(
    shared: &Shared,
    request: &Request,
    channel: &Channel,
    call: &str,
) -> Result<Reply, Refusal> {
    match (call, request.method.as_str()) {
        ("templates.list", "GET") => list_templates(shared, request, &channel.account_id),
        ("templates.create", "POST") => create_template(shared, request, &channel.account_id),
        ("templates.delete", "DELETE") => {
            let name = request.path.rsplit('/').next().unwrap_or_default();
            let count = shared
                .platform
                .world()
                .delete_templates(&channel.account_id, name, None);
            if count == 0 {
                return Err(shared.own_error(404, "Template not found"));
            }
            Ok(Reply::success())
        }
        ("webhook.get", "GET") => match &channel.webhook {
            Some(webhook) => Ok(Reply::ok(webhook.shown())),
            None => Err(shared.own_error(404, "Webhook is not set")),
        },
        ("webhook.set", "POST") => {
            let webhook = read_webhook(shared, request)?;
            if let Some(channel) = shared.books().by_id(&channel.id) {
                channel.webhook = Some(webhook.clone());
            }
            Ok(Reply::ok(webhook.shown()))
        }
        ("webhook.account", verb) => account_webhook(shared, request, channel, verb),
        ("webhook.multi", verb) => multi_webhook(shared, request, channel, verb),
        _ => Err(shared.own_error(405, "Method not allowed")),
    }
}

/// https only, and headers whose values are texts.
fn read_webhook(shared: &Shared, request: &Request) -> Result<WebhookConfig, Refusal> {
    let body = request.json()?;
    shape::check(&body, &Shape::Object(WEBHOOK), "")
        .map_err(|flaw| shared.own_error(400, &flaw.complaint))?;
    let url = shape::text(&body, "/url").unwrap_or_default();
    if !url.starts_with("https://") {
        return Err(shared.own_error(400, "The URL of a webhook must be https"));
    }
    let mut headers = BTreeMap::new();
    for (name, value) in body["headers"].as_object().into_iter().flatten() {
        let is_header = axum::http::HeaderName::try_from(name.as_str()).is_ok();
        let (true, Some(value)) = (is_header, value.as_str()) else {
            let text = format!("headers: '{name}' is not a header with a text");
            return Err(shared.own_error(400, &text));
        };
        headers.insert(name.clone(), value.to_owned());
    }
    Ok(WebhookConfig {
        url: url.to_owned(),
        headers,
    })
}

fn account_webhook(
    shared: &Shared,
    request: &Request,
    channel: &Channel,
    verb: &str,
) -> Result<Reply, Refusal> {
    match verb {
        "GET" => match shared.books().account_webhooks.get(&channel.account_id) {
            Some(webhook) => Ok(Reply::ok(webhook.shown())),
            None => Err(shared.own_error(404, "Webhook is not set")),
        },
        "POST" => {
            let webhook = read_webhook(shared, request)?;
            let shown = webhook.shown();
            shared
                .books()
                .account_webhooks
                .insert(channel.account_id.clone(), webhook);
            Ok(Reply::ok(shown))
        }
        _ => Err(shared.own_error(405, "Method not allowed")),
    }
}

/// Kept and shown; posts go to the channel's own webhook only.
fn multi_webhook(
    shared: &Shared,
    request: &Request,
    channel: &Channel,
    verb: &str,
) -> Result<Reply, Refusal> {
    let mut books = shared.books();
    let known = books.multi_webhooks.get(&channel.id).cloned();
    match (verb, known) {
        ("GET", Some(webhooks)) => Ok(Reply::ok(webhooks)),
        ("POST", Some(_)) => Err(shared.own_error(409, "multi_webhook exists already")),
        ("GET" | "PUT" | "PATCH" | "DELETE", None) => {
            Err(shared.own_error(404, "multi_webhook is not set"))
        }
        ("DELETE", Some(_)) => {
            books.multi_webhooks.remove(&channel.id);
            Ok(Reply::success())
        }
        ("POST" | "PUT" | "PATCH", _) => {
            let body = request.json()?;
            shape::check(&body, &Shape::Object(MULTI), "")
                .map_err(|flaw| shared.own_error(400, &flaw.complaint))?;
            books
                .multi_webhooks
                .insert(channel.id.clone(), body.clone());
            Ok(Reply::ok(body))
        }
        _ => Err(shared.own_error(405, "Method not allowed")),
    }
}

/// Templates of an account by `limit` and `offset`.
pub(super) fn list_templates(
    shared: &Shared,
    request: &Request,
    account_id: &str,
) -> Result<Reply, Refusal> {
    let filters = filters_of(shared, request)?;
    let world = shared.platform.world();
    let is_wanted = |template: &&Template| {
        let shown = template.shown();
        template.account_id == account_id
            && filters
                .iter()
                .all(|(name, wanted)| shown[name.as_str()] == *wanted)
    };
    let shown: Vec<Value> = world
        .templates
        .iter()
        .filter(is_wanted)
        .map(|template| {
            let mut shown = template.shown();
            shown["namespace"] = json!("ba30dd89_2ebd_41e4_b805_f2c05ae04cc9");
            shown
        })
        .collect();
    let mut page = page_of(shared, request, shown, "waba_templates")?;
    page["filters"] = Value::Object(filters);
    Ok(Reply::ok(page))
}

/// A page with its count, total, limit, offset and order.
pub(super) fn page_of(
    shared: &Shared,
    request: &Request,
    items: Vec<Value>,
    name: &str,
) -> Result<Value, Refusal> {
    let number = |name: &str, default: usize| match request.parameter(name).map(str::parse) {
        None => Ok(default),
        Some(Ok(number)) => Ok(number),
        Some(Err(_)) => Err(shared.own_error(400, &format!("{name} must be a number"))),
    };
    let limit = number("limit", PAGE_SIZE_DEFAULT)?;
    let offset = number("offset", 0)?;
    if !(1..=PAGE_SIZE_MAX).contains(&limit) {
        let text = format!("limit must be between 1 and {PAGE_SIZE_MAX}");
        return Err(shared.own_error(400, &text));
    }
    let total = items.len();
    let page: Vec<Value> = items.into_iter().skip(offset).take(limit).collect();
    Ok(json!({
        "count": page.len(),
        "total": total,
        "limit": limit,
        "offset": offset,
        "sort": request.parameter("sort").map_or_else(|| json!(["id"]), |sort| json!([sort])),
        "filters": {},
        name: page,
    }))
}

/// `filters` is JSON of an object.
pub(super) fn filters_of(
    shared: &Shared,
    request: &Request,
) -> Result<Map<String, Value>, Refusal> {
    let Some(text) = request.parameter("filters") else {
        return Ok(Map::new());
    };
    serde_json::from_str(text).map_err(|_| shared.own_error(400, "filters must be a JSON object"))
}

pub(super) fn create_template(
    shared: &Shared,
    request: &Request,
    account_id: &str,
) -> Result<Reply, Refusal> {
    let template = templates::read_create(&request.json()?, account_id)?;
    let created = shared.platform.world().create_template(template)?;
    shared.platform.review_later(&created.id);
    Ok(Reply::Json(StatusCode::CREATED, created.shown()))
}

/// The profile of a template by its id, for the partner.
pub(super) fn delete_template(
    shared: &Shared,
    request: &Request,
    account_id: &str,
    id: &str,
) -> Result<Reply, Refusal> {
    if request.method != Method::DELETE {
        return Err(shared.own_error(405, "Method not allowed"));
    }
    let mut world = shared.platform.world();
    let name = world
        .template(id)
        .filter(|template| template.account_id == account_id)
        .map(|template| template.name.clone())
        .ok_or_else(|| GraphError::unknown_object(id, "DELETE"))?;
    world.delete_templates(account_id, &name, Some(id));
    Ok(Reply::success())
}

/// Meta's complaint about a body, where 360dialog hands it through.
pub(super) fn checked(body: &Value, members: &'static [Member]) -> Result<(), GraphError> {
    shape::check(body, &Shape::Object(members), "").map_err(Flaw::parameter)
}
