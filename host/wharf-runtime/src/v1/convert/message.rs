//! What goes into a guest: context, message and outcome, borrowed from the model.

use wharf_core::provider::{
    Address, CallContext, Content, MediaRef, OutboundMessage, Outcome, TransportFailure,
};

use super::super::bindings::wharf::provider::{messages, types};
use super::pairs;

type Pairs<'a> = [(&'a str, &'a str)];

pub(in super::super) fn context_to_guest<'a>(
    context: &'a CallContext,
    settings: &'a Pairs<'a>,
) -> types::Context<'a> {
    types::Context {
        settings,
        now: context.now_ms,
        seed: &context.seed,
        locale: context.locale.as_deref(),
    }
}

pub(in super::super) fn to_guest(message: &OutboundMessage) -> messages::Message<'_> {
    messages::Message {
        id: &message.id,
        to: match &message.to {
            Address::Phone(digits) => messages::Address::Phone(digits),
            Address::UserId(id) => messages::Address::UserId(id),
            Address::Group(id) => messages::Address::Group(id),
        },
        sender: &message.sender,
        content: content(&message.content),
        reply_to: message.reply_to.as_deref(),
        options: &message.options,
    }
}

fn content(content: &Content) -> messages::Content<'_> {
    match content {
        Content::Text { text } => messages::Content::Text(messages::Text {
            body: &text.body,
            preview_url: text.preview_url,
        }),
    }
}

pub(in super::super) fn outcome_headers(outcome: &Outcome) -> Vec<(&str, &str)> {
    match outcome {
        Outcome::Response(response) => pairs(&response.headers),
        Outcome::Stored(response) => pairs(&response.headers),
        Outcome::Failed(_) => Vec::new(),
    }
}

pub(in super::super) fn outcome_to_guest<'a>(
    outcome: &'a Outcome,
    headers: &'a Pairs<'a>,
) -> types::Outcome<'a> {
    match outcome {
        Outcome::Response(response) => types::Outcome::Response(types::HttpResponse {
            status: response.status,
            headers,
            body: &response.body,
        }),
        Outcome::Stored(response) => types::Outcome::Stored(types::StoredResponse {
            status: response.status,
            headers,
            media: media_ref(&response.media),
        }),
        Outcome::Failed(failure) => types::Outcome::Failed(transport_failure(*failure)),
    }
}

fn media_ref(media: &MediaRef) -> types::MediaRefParam<'_> {
    types::MediaRefParam {
        handle: &media.handle,
        content_type: &media.content_type,
        size: media.size,
        sha256: &media.sha256,
        filename: media.filename.as_deref(),
    }
}

fn transport_failure(failure: TransportFailure) -> types::TransportFailure {
    use types::TransportFailure as Guest;
    match failure {
        TransportFailure::Dns => Guest::Dns,
        TransportFailure::Connect => Guest::Connect,
        TransportFailure::Tls => Guest::Tls,
        TransportFailure::TimeoutBeforeSend => Guest::TimeoutBeforeSend,
        TransportFailure::TimeoutAfterSend => Guest::TimeoutAfterSend,
        TransportFailure::Reset => Guest::Reset,
        TransportFailure::BodyTooLarge => Guest::BodyTooLarge,
        TransportFailure::Denied => Guest::Denied,
        TransportFailure::Canceled => Guest::Canceled,
        TransportFailure::Interrupted => Guest::Interrupted,
        TransportFailure::Other => Guest::Other,
    }
}
