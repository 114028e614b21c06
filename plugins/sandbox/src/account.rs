//! What the sandbox says of an account: its health, its profile, its templates.

use serde::Deserialize;
use serde_json::{Value, json};
use wharf_plugin::health::{self, Finding, Report, Verdict};
use wharf_plugin::prelude::{Code, Context, Error, Outcome, Retry};
use wharf_plugin::profile;
use wharf_plugin::templates::{self, Create, Entry, Request};
use wharf_plugin::types::HttpMethod;
use wharf_plugin::{HealthProvider, ProfileProvider, TemplateProvider};

use crate::ask::{answer, done, request, segment};
use crate::bounded::{Id, Line};
use crate::{Sandbox, bounded};

#[derive(Deserialize)]
struct Health {
    detail: String,
    messages_per_second: Option<u32>,
}

impl HealthProvider for Sandbox {
    fn health_start(_: &Context) -> Result<health::Progress, Error> {
        Ok(request("health", HttpMethod::Get, "health").into())
    }

    fn health_resume(_: &Context, _: &[u8], outcome: Outcome) -> Result<health::Progress, Error> {
        let health: Health = answer(outcome)?;
        Ok(health::Progress::Done(Report {
            verdict: Verdict::Ok,
            findings: vec![Finding {
                verdict: Verdict::Ok,
                title: "The sandbox answers".to_owned(),
                detail: health.detail,
                remedy: None,
            }],
            token_expires: None,
            quality: None,
            messaging_limit: None,
            messages_per_second: health.messages_per_second,
        }))
    }
}

impl ProfileProvider for Sandbox {
    fn profile_start(_: &Context, wanted: &profile::Request) -> Result<profile::Progress, Error> {
        let exchange = match wanted {
            profile::Request::Get => request("profile.get", HttpMethod::Get, "profile"),
            profile::Request::Set(document) => {
                request("profile.set", HttpMethod::Put, "profile").json(document.as_str())
            }
        };
        Ok(exchange.into())
    }

    fn profile_resume(
        _: &Context,
        _: &profile::Request,
        _: &[u8],
        outcome: Outcome,
    ) -> Result<profile::Progress, Error> {
        let profile: serde_json::Map<String, Value> = answer(outcome)?;
        let profile = Value::Object(profile);
        match bounded::is_document(&profile) {
            true => Ok(profile::Progress::Done(profile.to_string())),
            false => Err(Error::new(
                Code::MalformedResponse,
                Retry::Backoff,
                "the sandbox's answer holds no profile",
            )),
        }
    }
}

#[derive(Deserialize)]
struct Page {
    templates: Vec<Template>,
}

#[derive(Deserialize)]
struct Template {
    id: Id,
    name: Line,
    language: Line,
    category: Line,
    status: Line,
    components: Value,
}

impl Template {
    fn entry(self) -> Entry {
        Entry {
            id: Some(self.id.0),
            name: self.name.0,
            language: self.language.0,
            category: self.category.0,
            status: self.status.0,
            quality: None,
            reason: None,
            definition: bounded::document(&self.components),
        }
    }
}

fn document(draft: &Create) -> String {
    let components: Value = serde_json::from_str(&draft.definition)
        .unwrap_or_else(|_| draft.definition.as_str().into());
    json!({
        "name": draft.name, "language": draft.language, "category": draft.category, "components": components,
    })
    .to_string()
}

impl TemplateProvider for Sandbox {
    fn templates_start(_: &Context, wanted: &Request) -> Result<templates::Progress, Error> {
        let exchange = match wanted {
            Request::List => request("templates.list", HttpMethod::Get, "templates"),
            Request::Create(draft) => {
                request("templates.create", HttpMethod::Post, "templates").json(document(draft))
            }
            Request::Edit((id, draft)) => {
                let path = format!("templates/{}", segment("the template's id", id)?);
                request("templates.edit", HttpMethod::Post, &path).json(document(draft))
            }
            Request::Delete((name, _)) => {
                let path = format!("templates/{}", segment("the template's name", name)?);
                request("templates.delete", HttpMethod::Delete, &path)
            }
        };
        Ok(exchange.into())
    }

    fn templates_resume(
        _: &Context,
        wanted: &Request,
        _: &[u8],
        outcome: Outcome,
    ) -> Result<templates::Progress, Error> {
        let entries = match wanted {
            Request::List => {
                let page: Page = answer(outcome)?;
                page.templates.into_iter().map(Template::entry).collect()
            }
            Request::Create(_) | Request::Edit(_) => vec![answer::<Template>(outcome)?.entry()],
            Request::Delete(_) => {
                done(outcome)?;
                Vec::new()
            }
        };
        Ok(templates::Progress::Done(entries))
    }
}
