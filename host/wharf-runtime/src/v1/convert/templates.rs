//! The interface `templates`.

use bumpalo::Bump;
use wharf_core::provider::{
    PageStep, TemplateDraft, TemplateEntry, TemplatesRequest, TemplatesStep,
};

use super::super::bindings::exports::wharf::provider::templates as guest;
use super::exchange::boxed;
use super::message::media_ref_to_guest;
use super::{json, slice};

pub(in super::super) fn to_guest<'a>(
    arena: &'a Bump,
    request: &'a TemplatesRequest,
) -> guest::Request<'a> {
    match request {
        TemplatesRequest::List => guest::Request::List,
        TemplatesRequest::Create(draft) => guest::Request::Create(create(arena, draft)),
        TemplatesRequest::Edit(id, draft) => guest::Request::Edit((id, create(arena, draft))),
        TemplatesRequest::Delete(name, id) => guest::Request::Delete((name, id.as_deref())),
    }
}

fn create<'a>(arena: &'a Bump, draft: &'a TemplateDraft) -> guest::Create<'a> {
    guest::Create {
        name: &draft.name,
        language: &draft.language,
        category: &draft.category,
        definition: draft.definition.as_str(),
        examples: slice(arena, &draft.examples, |(pointer, media)| {
            (pointer.as_str(), media_ref_to_guest(media))
        }),
    }
}

pub(in super::super) fn from_guest(progress: guest::Progress) -> Result<TemplatesStep, String> {
    Ok(match progress {
        guest::Progress::Exchange(exchange) => PageStep::Exchange(boxed(exchange)),
        guest::Progress::Page((page, next)) => PageStep::Page(entries(page)?, boxed(next)),
        guest::Progress::Done(last) => PageStep::Done(entries(last)?),
    })
}

fn entries(entries: Vec<guest::Entry>) -> Result<Vec<TemplateEntry>, String> {
    let entries = entries.into_iter().enumerate().map(|(number, entry)| {
        Ok(TemplateEntry {
            id: entry.id,
            name: entry.name,
            language: entry.language,
            category: entry.category,
            status: entry.status,
            quality: entry.quality,
            reason: entry.reason,
            definition: json("definition", entry.definition)
                .map_err(|what| format!("entries[{number}]: {what}"))?,
        })
    });
    entries.collect()
}
