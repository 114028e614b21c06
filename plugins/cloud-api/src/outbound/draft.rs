//! The document of a message with the places of its stored media, and which of these are uploaded.
//!
//! Most media are uploaded and named by id: the provider then has the bytes before the message, and the
//! next message uses the same upload. Two cases are given as expiring links instead, which Meta
//! fetches itself: the cards of an interactive carousel, for which Meta documents links only, and what goes
//! beyond [`UPLOADS_MAX`], since a message may ask for six exchanges and no more. Refusing a template
//! carousel of ten stored pictures would be worse: the links send it.

use serde_json::{Map, Value};
use wharf_plugin::messages::{MediaSource, Raw};
use wharf_plugin::prelude::*;
use wharf_plugin::types::MediaRef;

use super::{contacts, envelope, gone, interactive, limit, media, raw, template};

/// Three uploads, the message, one medium anew because its id was gone, and the message once more are six.
const UPLOADS_MAX: usize = 3;
/// Meta fetches a link when it takes the message, and may hold a template back while it judges its quality.
const LINK_LIFETIME_S: u32 = 24 * 60 * 60;

/// What the host puts into one document.
const PLACES_MAX: usize = 64;

/// A message as it goes out, but for the ids of its stored media.
pub(super) struct Draft<'a> {
    document: Value,
    places: Vec<Place<'a>>,
    uploads: Vec<&'a MediaRef>,
}

/// Where a stored medium belongs.
struct Place<'a> {
    /// The media object's, without its member `id` or `link`.
    pointer: String,
    media: &'a MediaRef,
    /// Only ever a link.
    is_link: bool,
}

/// Collects places while a document is built.
#[derive(Default)]
pub(super) struct Places<'a>(Vec<Place<'a>>);

impl<'a> Places<'a> {
    pub(super) fn add(&mut self, pointer: String, media: &'a MediaRef) {
        // Meta documents links only for cards of an interactive carousel.
        let is_link = pointer.starts_with(interactive::CARDS);
        self.0.push(Place {
            pointer,
            media,
            is_link,
        });
    }

    /// Puts the media that come with a provider's own document into it.
    pub(super) fn fill(
        &mut self,
        document: &mut Value,
        base: &str,
        media: &'a [(String, MediaSource)],
    ) -> Result<(), Error> {
        for (pointer, source) in media {
            // The place may be said as the object or as its member.
            let pointer = pointer
                .strip_suffix("/id")
                .or_else(|| pointer.strip_suffix("/link"))
                .unwrap_or(pointer);
            let object = raw::object_at(document, pointer)?;
            object.remove("id");
            object.remove("link");
            match media::given(source, || pointer)? {
                Some(members) => object.extend(members),
                None => {
                    if let MediaSource::Stored(media) = source {
                        media::check_upload(media)?;
                        self.add(format!("{base}{pointer}"), media);
                    }
                }
            }
        }
        Ok(())
    }
}

impl<'a> Draft<'a> {
    /// Builds the document and checks everything in it.
    pub(super) fn of(message: &'a Message) -> Result<Self, Error> {
        let mut places = Places::default();
        let mut document = envelope::of(message)?;
        match &message.content {
            Content::Other(raw) => other(&mut document, raw, &mut places)?,
            content => {
                let object = object(content, message, &mut places)?;
                let kind = content.kind();
                document.insert("type".to_owned(), kind.into());
                document.insert(kind.to_owned(), object);
            }
        }
        limit::count("a message", "stored media", places.0.len(), 0..=PLACES_MAX)?;
        let mut uploads: Vec<&MediaRef> = Vec::new();
        for place in places.0.iter().filter(|place| !place.is_link) {
            if uploads.len() < UPLOADS_MAX
                && !uploads.iter().any(|media| is_same(media, place.media))
            {
                uploads.push(place.media);
            }
        }
        Ok(Self {
            document: Value::Object(document),
            places: places.0,
            uploads,
        })
    }

    /// What is uploaded, in this order.
    pub(super) fn uploads(&self) -> &[&'a MediaRef] {
        &self.uploads
    }

    /// The message, given the ids of the uploads; what has none goes as a link.
    pub(super) fn exchange(&self, url: String, ids: &[String]) -> Exchange {
        // Most messages have no media, and are not copied to be written.
        if self.places.is_empty() {
            return Exchange::post_json("send", url, self.document.to_string());
        }
        let mut document = self.document.clone();
        let mut links = Vec::new();
        for place in &self.places {
            let id = self.upload_of(place).and_then(|index| ids.get(index));
            match (id, document.pointer_mut(&place.pointer)) {
                (Some(id), Some(Value::Object(object))) => {
                    object.insert("id".to_owned(), id.as_str().into());
                }
                _ => links.push(place),
            }
        }
        let exchange = Exchange::post_json("send", url, document.to_string());
        links.into_iter().fold(exchange, |exchange, place| {
            let link = piece::media_link(place.media, LINK_LIFETIME_S);
            exchange.insert(&format!("{}/link", place.pointer), vec![link])
        })
    }

    /// Which uploads a refusal means: those whose place it names, else all, as it may be any. None when it
    /// names a place that no upload of ours fills.
    pub(super) fn stale(&self, detail: &str) -> Vec<usize> {
        let named: Vec<usize> = self
            .places
            .iter()
            .filter(|place| gone::names(detail, &place.pointer))
            .filter_map(|place| self.upload_of(place))
            .collect();
        if !named.is_empty() || gone::names_any(detail) {
            return named;
        }
        (0..self.uploads.len()).collect()
    }

    fn upload_of(&self, place: &Place<'_>) -> Option<usize> {
        if place.is_link {
            return None;
        }
        self.uploads
            .iter()
            .position(|media| is_same(media, place.media))
    }
}

/// The same bytes, said to be the same.
fn is_same(one: &MediaRef, other: &MediaRef) -> bool {
    one.sha256 == other.sha256 && one.content_type == other.content_type
}

/// The object that stands under the kind's name.
fn object<'a>(
    content: &'a Content,
    message: &Message,
    places: &mut Places<'a>,
) -> Result<Value, Error> {
    Ok(match content {
        Content::Text(text) => envelope::text(text)?,
        Content::Image(image) => media::message(&media::IMAGE, image, places)?.into(),
        Content::Video(video) => media::message(&media::VIDEO, video, places)?.into(),
        Content::Audio(audio) => media::message(&media::AUDIO, audio, places)?.into(),
        Content::Document(document) => media::message(&media::DOCUMENT, document, places)?.into(),
        Content::Sticker(sticker) => media::message(&media::STICKER, sticker, places)?.into(),
        Content::Location(location) => envelope::location("location", location)?,
        Content::Contacts(contacts) => contacts::array(contacts)?,
        Content::Reaction(reaction) => envelope::reaction(reaction, message)?,
        Content::Interactive(asked) => interactive::object(asked, places)?,
        Content::Template(template) => template::object(template, &message.to, places)?,
        // A receipt has no envelope, and a raw message names its kind itself.
        Content::Read(_) | Content::Other(_) => return Err(Error::unsupported(content.kind())),
    })
}

/// A provider's own message: its members beside those of the envelope.
fn other<'a>(
    envelope: &mut Map<String, Value>,
    raw: &'a Raw,
    places: &mut Places<'a>,
) -> Result<(), Error> {
    let mut document = Value::Object(raw::message(raw, envelope)?);
    places.fill(&mut document, "", &raw.media)?;
    if let Value::Object(members) = document {
        envelope.extend(members);
    }
    Ok(())
}
