//! Calls about a WhatsApp business account: its numbers, subscription and templates.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Shared;
use super::serve::Target;
use crate::cloud::number::CALLBACK;
use crate::cloud::serve::{Refusal, Reply, Request};
use crate::cloud::shape::{self, Flaw, Shape};
use crate::cloud::{GraphError, Template, templates};

const PAGE_SIZE_DEFAULT: usize = 25;
const PAGE_SIZE_MAX: usize = 1000;
/// Ids of one deletion.
const DELETED_IDS_MAX: usize = 100;

pub(super) fn call(
    shared: &Shared,
    request: &Request,
    target: &Target<'_>,
    call: &str,
) -> Result<Reply, Refusal> {
    let id = target.path[0];
    if !target.caller.sees(id) || shared.platform.world().account(id).is_none() {
        return Err(GraphError::unknown_object(id, request.method.as_str()).into());
    }
    let (limits, now_ms) = (
        &shared.platform.settings.limits,
        shared.platform.clock.now_ms(),
    );
    shared.platform.world().count_call(id, limits, now_ms)?;
    match call {
        "account.numbers" => numbers(shared, request, id),
        "account.subscribe" => subscribe(shared, request, target),
        "templates.list" => list_templates(shared, request, target),
        "templates.create" => create_template(shared, request, id),
        "templates.delete" => delete_templates(shared, request, id),
        _ => {
            let shown = shared
                .platform
                .world()
                .shown_account(id, request.parameter("fields"))?;
            Ok(Reply::ok(shown))
        }
    }
}

fn numbers(shared: &Shared, request: &Request, id: &str) -> Result<Reply, Refusal> {
    let world = shared.platform.world();
    let mut shown = Vec::new();
    for number in world
        .numbers
        .iter()
        .filter(|number| number.base.account_id == id)
    {
        let health = world.health_of(id, Some(number));
        shown.push(number.shown(request.parameter("fields"), &health)?);
    }
    let (page, paging) = page_of(request, shown, &shared.config.expected_host)?;
    Ok(Reply::ok(json!({ "data": page, "paging": paging })))
}

/// A page of a list with its cursors; one that this fake did not make is refused.
fn page_of(
    request: &Request,
    items: Vec<Value>,
    host: &str,
) -> Result<(Vec<Value>, Value), GraphError> {
    let limit = match request.parameter("limit").map(str::parse::<usize>) {
        None => PAGE_SIZE_DEFAULT,
        Some(Ok(limit)) if (1..=PAGE_SIZE_MAX).contains(&limit) => limit,
        Some(_) => return Err(GraphError::parameter("Param limit is not valid.")),
    };
    let start = match request.parameter("after").filter(|after| !after.is_empty()) {
        None => 0,
        Some(cursor) => read_cursor(cursor).ok_or_else(|| GraphError::of_code(131_059))?,
    };
    let count = items.len();
    let page: Vec<Value> = items.into_iter().skip(start).take(limit).collect();
    if page.is_empty() {
        return Ok((page, json!({})));
    }
    let end = start + page.len();
    let mut paging = json!({
        "cursors": { "before": write_cursor(start), "after": write_cursor(end) },
    });
    if end < count {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in &request.query {
            if !["after", "access_token", "appsecret_proof", "appsecret_time"].contains(&&**name) {
                query.append_pair(name, value);
            }
        }
        query.append_pair("after", &write_cursor(end));
        paging["next"] = json!(format!("https://{host}{}?{}", request.path, query.finish()));
    }
    Ok((page, paging))
}

fn write_cursor(at: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("cursor:{at}"))
}

fn read_cursor(cursor: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    std::str::from_utf8(&bytes)
        .ok()?
        .strip_prefix("cursor:")?
        .parse()
        .ok()
}

fn subscribe(shared: &Shared, request: &Request, target: &Target<'_>) -> Result<Reply, Refusal> {
    let id = target.path[0];
    let body = request.parameters()?;
    let mut world = shared.platform.world();
    let Some(account) = world.account_mut(id) else {
        return Err(GraphError::unknown_object(id, "POST").into());
    };
    match request.method.as_str() {
        "POST" => {
            let is_override = body.as_object().is_some_and(|body| !body.is_empty());
            if is_override {
                shape::check(&body, &Shape::Object(CALLBACK), "").map_err(Flaw::parameter)?;
            }
            if let Some(Err(error)) = &target.proven {
                return Err(error.clone().into());
            }
            account.is_subscribed = true;
            account.callback = shape::text(&body, "/override_callback_uri").map(str::to_owned);
            Ok(Reply::success())
        }
        "DELETE" => {
            account.is_subscribed = false;
            account.callback = None;
            Ok(Reply::success())
        }
        "GET" => {
            let mut entry = json!({
                "whatsapp_business_api_data": {
                    "id": shared.config.app_id,
                    "name": "Gateway",
                    "link": "https://www.facebook.com/games/?app_id=670843887433847",
                },
            });
            if let Some(url) = &account.callback {
                entry["override_callback_uri"] = json!(url);
            }
            let data = if account.is_subscribed {
                vec![entry]
            } else {
                Vec::new()
            };
            Ok(Reply::ok(json!({ "data": data })))
        }
        verb => Err(GraphError::unknown_object(id, verb).into()),
    }
}

fn list_templates(
    shared: &Shared,
    request: &Request,
    target: &Target<'_>,
) -> Result<Reply, Refusal> {
    let id = target.path[0];
    let world = shared.platform.world();
    let is_wanted = |template: &&Template| {
        let matches =
            |name: &str, value: &str| request.parameter(name).is_none_or(|wanted| wanted == value);
        template.account_id == id
            && request
                .parameter("name")
                .is_none_or(|part| template.name.contains(part))
            && matches("status", &template.status)
            && matches("category", &template.category)
            && matches("language", &template.language)
    };
    let mut shown = Vec::new();
    for template in world.templates.iter().filter(is_wanted) {
        shown.push(selected(template, request.parameter("fields"))?);
    }
    let (page, paging) = page_of(request, shown, &shared.config.expected_host)?;
    Ok(Reply::ok(json!({ "data": page, "paging": paging })))
}

/// What `fields` picks of a template; the id always comes along.
fn selected(template: &Template, fields: Option<&str>) -> Result<Value, GraphError> {
    const KNOWN: &[&str] = &[
        "id",
        "name",
        "language",
        "status",
        "category",
        "components",
        "previous_category",
        "quality_score",
        "rejected_reason",
        "parameter_format",
        "message_send_ttl_seconds",
    ];
    const DEFAULT: &[&str] = &[
        "name",
        "parameter_format",
        "components",
        "language",
        "status",
        "category",
    ];
    let wanted =
        crate::cloud::number::fields_of(fields, KNOWN, DEFAULT, "WhatsAppMessageTemplate")?;
    let all = template.shown();
    let mut shown = json!({ "id": template.id });
    for field in wanted {
        if let Some(value) = all.get(field) {
            shown[field] = value.clone();
        }
    }
    Ok(shown)
}

fn create_template(shared: &Shared, request: &Request, id: &str) -> Result<Reply, Refusal> {
    let template = templates::read_create(&request.json()?, id)?;
    let created = shared.platform.world().create_template(template)?;
    shared.platform.review_later(&created.id);
    Ok(Reply::ok(json!({
        "id": created.id,
        "status": created.status,
        "category": created.category,
    })))
}

fn delete_templates(shared: &Shared, request: &Request, id: &str) -> Result<Reply, Refusal> {
    let mut world = shared.platform.world();
    let unknown = || GraphError::parameter("No such message template.");
    if let Some(ids) = request.parameter("hsm_ids") {
        let ids: Vec<Value> = serde_json::from_str(ids)
            .map_err(|_| GraphError::parameter("Param hsm_ids must be an array."))?;
        // Numbers and strings both stand in examples.
        let ids: Vec<String> = ids
            .iter()
            .map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned))
            .collect();
        if !(1..=DELETED_IDS_MAX).contains(&ids.len()) {
            let complaint = format!("Param hsm_ids must have 1 to {DELETED_IDS_MAX} ids.");
            return Err(GraphError::parameter(complaint).into());
        }
        world
            .templates
            .retain(|template| template.account_id != id || !ids.contains(&template.id));
        return Ok(Reply::success());
    }
    let name = request
        .parameter("name")
        .ok_or_else(|| GraphError::parameter("The parameter name is required."))?;
    match world.delete_templates(id, name, request.parameter("hsm_id")) {
        0 => Err(unknown().into()),
        _ => Ok(Reply::success()),
    }
}

/// Reading and editing one language of a template.
pub(super) fn of_template(
    shared: &Shared,
    request: &Request,
    target: &Target<'_>,
) -> Result<Reply, Refusal> {
    let id = target.path[0];
    let verb = request.method.as_str();
    let unknown = || GraphError::unknown_object(id, verb);
    let mut world = shared.platform.world();
    let template = world.template_mut(id).ok_or_else(unknown)?;
    if !target.caller.sees(&template.account_id) {
        return Err(unknown().into());
    }
    if verb == "GET" {
        return Ok(Reply::ok(selected(template, request.parameter("fields"))?));
    }
    templates::edit(template, &request.json()?)?;
    drop(world);
    shared.platform.review_later(id);
    Ok(Reply::success())
}
