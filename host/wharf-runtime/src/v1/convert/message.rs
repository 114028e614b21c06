//! What goes into a guest: context, message and outcome, borrowed from the model. Lists of what is
//! borrowed lie in an arena that lives as long as the call.

use bumpalo::Bump;
use wharf_core::provider::{
    Address, CallContext, Content, Media, MediaRef, MediaSource, OutboundMessage, Outcome, Raw,
    TransportFailure,
};

use super::super::bindings::wharf::provider::{messages, types};
use super::interactive::interactive;
use super::template::template;
use super::{location_to_guest, pairs, slice};

pub(in super::super) fn context_to_guest<'a>(
    arena: &'a Bump,
    context: &'a CallContext,
) -> types::Context<'a> {
    types::Context {
        settings: pairs(arena, &context.settings),
        now: context.now_ms,
        seed: &context.seed,
        locale: context.locale.as_deref(),
    }
}

pub(in super::super) fn to_guest<'a>(
    arena: &'a Bump,
    message: &'a OutboundMessage,
) -> messages::Message<'a> {
    messages::Message {
        id: &message.id,
        to: match &message.to {
            Address::Phone(digits) => messages::Address::Phone(digits),
            Address::UserId(id) => messages::Address::UserId(id),
            Address::Group(id) => messages::Address::Group(id),
        },
        sender: &message.sender,
        content: content(arena, &message.content),
        reply_to: message.reply_to.as_deref(),
        options: &message.options,
    }
}

fn content<'a>(arena: &'a Bump, content: &'a Content) -> messages::Content<'a> {
    use messages::Content as Guest;
    match content {
        Content::Text { text } => Guest::Text(messages::Text {
            body: &text.body,
            preview_url: text.preview_url,
        }),
        Content::Image { image } => Guest::Image(media(image)),
        Content::Video { video } => Guest::Video(media(video)),
        Content::Audio { audio } => Guest::Audio(media(audio)),
        Content::Document { document } => Guest::Document(media(document)),
        Content::Sticker { sticker } => Guest::Sticker(media(sticker)),
        Content::Location { location } => Guest::Location(location_to_guest(location)),
        Content::Contacts { contacts } => Guest::Contacts(contacts.as_str()),
        Content::Reaction { reaction } => Guest::Reaction(messages::Reaction {
            target: &reaction.target,
            emoji: reaction.emoji.as_deref(),
        }),
        Content::Interactive { interactive: asked } => {
            Guest::Interactive(interactive(arena, asked))
        }
        Content::Template { template: filled } => Guest::Template(template(arena, filled)),
        Content::Read { read } => Guest::Read(messages::ReadReceipt {
            message: &read.message,
            typing: read.typing,
        }),
        Content::Other { other } => Guest::Other(raw(arena, other)),
    }
}

pub(super) fn media(media: &Media) -> messages::Media<'_> {
    messages::Media {
        source: source(&media.source),
        caption: media.caption.as_deref(),
        filename: media.filename.as_deref(),
        voice: media.voice,
    }
}

pub(super) fn source(source: &MediaSource) -> messages::MediaSource<'_> {
    match source {
        MediaSource::Id(id) => messages::MediaSource::Id(id),
        MediaSource::Link(url) => messages::MediaSource::Link(url),
        MediaSource::Stored(media) => messages::MediaSource::Stored(media_ref_to_guest(media)),
    }
}

pub(super) fn raw<'a>(arena: &'a Bump, raw: &'a Raw) -> messages::Raw<'a> {
    messages::Raw {
        document: raw.document.as_str(),
        media: slice(arena, &raw.media, |(pointer, media)| {
            (pointer.as_str(), source(media))
        }),
    }
}

pub(in super::super) fn outcome_to_guest<'a>(
    arena: &'a Bump,
    outcome: &'a Outcome,
) -> types::Outcome<'a> {
    match outcome {
        Outcome::Response(response) => types::Outcome::Response(types::HttpResponse {
            status: response.status,
            headers: pairs(arena, &response.headers),
            body: &response.body,
        }),
        Outcome::Stored(response) => types::Outcome::Stored(types::StoredResponse {
            status: response.status,
            headers: pairs(arena, &response.headers),
            media: media_ref_to_guest(&response.media),
        }),
        Outcome::Failed(failure) => types::Outcome::Failed(transport_failure(*failure)),
    }
}

pub(super) fn media_ref_to_guest(media: &MediaRef) -> types::MediaRefParam<'_> {
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
