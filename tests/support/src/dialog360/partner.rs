//! The partner API at the hub: clients, channels, keys, balances.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::channel::Channel;
use super::{Shared, error, setup};
use crate::cloud::Platform;
use crate::cloud::serve::{Refusal, Reply, Request};
use crate::cloud::shape::{self, Member, Shape, need};

const PREFIX: &str = "/api/v2/";
const TOKEN_LIFETIME_MS: u64 = 60 * 60 * 1000;
const BALANCE_CALLS_MAX: usize = 5;
const BALANCE_CALLS_WITHIN_MS: u64 = 30_000;
const LOGIN: &[Member] = &[
    need("username", Shape::Text(1, 256)),
    need("password", Shape::Text(1, 256)),
];
const WEBHOOK_URL: &[Member] = &[need("webhook_url", Shape::Link)];

/// What a call is named in records and rules.
pub(super) fn name_of(request: &Request) -> &'static str {
    let path: Vec<&str> = segments(request).unwrap_or_default();
    match path.as_slice() {
        ["token"] => "partner.login",
        ["partners", _] => "partner.get",
        ["partners", _, "webhook_url"] => "partner.webhook",
        ["partners", _, "clients"] => "partner.clients",
        ["partners", _, "channels"] => "partner.channels",
        ["partners", _, "channels", _, "api_keys", ..] => "partner.keys",
        ["partners", _, "clients", _, "info", "balance"]
        | ["partners", _, "channels", _, "info", "balance"] => "partner.balance",
        ["partners", _, "waba_accounts", _, "waba_templates", ..] => "partner.templates",
        _ => "",
    }
}

fn segments(request: &Request) -> Option<Vec<&str>> {
    Some(request.path.strip_prefix(PREFIX)?.split('/').collect())
}

pub(super) fn call(shared: &Shared, request: &Request) -> Result<Reply, Refusal> {
    let unknown = || error::partner(404, "Not found");
    let path = segments(request).ok_or_else(unknown)?;
    if path == ["token"] {
        return login(shared, request);
    }
    authorize(shared, request)?;
    let ["partners", partner_id, rest @ ..] = path.as_slice() else {
        return Err(unknown());
    };
    if *partner_id != shared.config.partner.id {
        return Err(error::partner(403, "Permission denied for partner"));
    }
    match (request.method.as_str(), rest) {
        ("GET", []) => Ok(Reply::ok(json!({
            "id": partner_id,
            "brand_name": "Gateway",
            "logo_url": null,
            "partner_redirect_url": null,
            "webhook_url": shared.books().partner_webhook_url,
            "payment_required": false,
        }))),
        ("GET", ["webhook_url"]) => Ok(Reply::ok(
            json!({ "webhook_url": shared.books().partner_webhook_url }),
        )),
        ("POST", ["webhook_url"]) => {
            let body = request.json()?;
            setup::checked(&body, WEBHOOK_URL)?;
            let url = shape::text(&body, "/webhook_url").map(str::to_owned);
            shared.books().partner_webhook_url.clone_from(&url);
            Ok(Reply::ok(json!({ "webhook_url": url })))
        }
        ("GET", ["clients"]) => clients(shared, request),
        ("GET", ["channels"]) => channels(shared, request),
        (_, ["channels", id, "api_keys", key @ ..]) if key.len() <= 1 => keys(shared, request, id),
        ("GET", ["clients" | "channels", _, "info", "balance"]) => balance(shared),
        (_, ["waba_accounts", account, "waba_templates", rest @ ..]) => {
            let account = account.strip_prefix("WA").unwrap_or(account);
            match (request.method.as_str(), rest) {
                ("GET", []) => setup::list_templates(shared, request, account),
                ("POST", []) => setup::create_template(shared, request, account),
                (_, [id]) => setup::delete_template(shared, request, account, id),
                _ => Err(unknown()),
            }
        }
        _ => Err(unknown()),
    }
}

/// The older way in: a token for an hour.
fn login(shared: &Shared, request: &Request) -> Result<Reply, Refusal> {
    let body = request.json()?;
    setup::checked(&body, LOGIN)?;
    let partner = &shared.config.partner;
    let is_known = shape::text(&body, "/username") == Some(&partner.username)
        && shape::text(&body, "/password") == Some(&partner.password);
    if request.method != Method::POST || !is_known {
        return Err(error::partner(401, "Wrong username or password"));
    }
    let token = Platform::secret("eyJ");
    let ends_ms = shared.platform.clock.now_ms() + TOKEN_LIFETIME_MS;
    shared.books().partner_tokens.insert(token.clone(), ends_ms);
    Ok(Reply::ok(json!({
        "access_token": token,
        "refresh_token": Platform::secret("eyR"),
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFETIME_MS / 1000,
    })))
}

fn authorize(shared: &Shared, request: &Request) -> Result<(), Refusal> {
    let by_key = request.header("x-api-key") == Some(&shared.config.partner.api_key);
    let now_ms = shared.platform.clock.now_ms();
    let by_token = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
        .is_some_and(|token| {
            let books = shared.books();
            books
                .partner_tokens
                .get(token)
                .is_some_and(|ends_ms| *ends_ms > now_ms)
        });
    if by_key || by_token {
        return Ok(());
    }
    Err(error::partner(401, "Unauthorized"))
}

fn clients(shared: &Shared, request: &Request) -> Result<Reply, Refusal> {
    let mut ids: Vec<String> = Vec::new();
    for channel in &shared.books().channels {
        if !ids.contains(&channel.client_id) {
            ids.push(channel.client_id.clone());
        }
    }
    let shown = ids
        .into_iter()
        .map(|id| json!({ "id": id, "name": "Lucky Shrub", "contact_info": {}, "partner_payload": null }))
        .collect();
    Ok(Reply::ok(setup::page_of(
        shared, request, shown, "clients",
    )?))
}

/// `filters` is JSON in the query, by the keys that are known.
fn channels(shared: &Shared, request: &Request) -> Result<Reply, Refusal> {
    let filters = setup::filters_of(shared, request)?;
    let wanted = |channel: &&Channel| {
        filters.iter().all(|(key, value)| {
            channel
                .filtered(key)
                .is_some_and(|is| value.as_str() == Some(&is))
        })
    };
    let shown: Vec<Value> = shared
        .books()
        .channels
        .iter()
        .filter(wanted)
        .map(Channel::shown)
        .collect();
    let mut page = setup::page_of(shared, request, shown, "partner_channels")?;
    page["filters"] = Value::Object(filters);
    Ok(Reply::ok(page))
}

/// A new key ends the old one, and is shown once.
fn keys(shared: &Shared, request: &Request, id: &str) -> Result<Reply, Refusal> {
    let mut books = shared.books();
    let channel = books
        .by_id(id)
        .ok_or_else(|| error::partner(404, "Channel not found"))?;
    match request.method.as_str() {
        "POST" => {
            if !channel.allows_keys {
                return Err(error::partner(403, "Permission denied for partner"));
            }
            if channel.status != "running" {
                return Err(error::partner(400, "The channel is not running yet"));
            }
            let api_key = channel.renew_key();
            Ok(Reply::Json(
                StatusCode::CREATED,
                json!({
                    "id": channel.key_id,
                    "address": format!("https://{}", shared.config.expected_host),
                    "api_key": api_key,
                    "app_id": channel.key_id,
                }),
            ))
        }
        "GET" => {
            let mut shown = Vec::new();
            if channel.api_key.is_some() {
                shown.push(json!({ "id": channel.key_id, "app_id": channel.key_id }));
            }
            Ok(Reply::ok(json!({ "api_keys": shown })))
        }
        "DELETE" => {
            channel.api_key = None;
            Ok(Reply::Empty(StatusCode::NO_CONTENT))
        }
        _ => Err(error::partner(405, "Method not allowed")),
    }
}

fn balance(shared: &Shared) -> Result<Reply, Refusal> {
    let now_ms = shared.platform.clock.now_ms();
    let mut books = shared.books();
    books
        .balance_calls_ms
        .retain(|at| at.saturating_add(BALANCE_CALLS_WITHIN_MS) > now_ms);
    if books.balance_calls_ms.len() >= BALANCE_CALLS_MAX {
        return Err(error::partner(429, "Too many requests"));
    }
    books.balance_calls_ms.push(now_ms);
    Ok(Reply::ok(json!({
        "balance": 120.5,
        "currency": "USD",
        "usage": [],
        "estimated_template_cost": 0.0,
    })))
}
