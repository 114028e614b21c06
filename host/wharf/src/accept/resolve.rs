//! What a request names by our own ids, looked up before anything is stored: objects of the media store,
//! earlier messages, and for a receipt whom it goes to. Whatever is not this tenant's is not there.

use wharf_core::provider::{Address, Content, MediaSource, Party};
use wharf_core::request::{FieldError, MessageRequest, StoredUse};
use wharf_core::{ChannelId, Code, MessageId, TenantId, phone};
use wharf_store::media::{self, MediaRow};
use wharf_store::messages::{self, Stored};
use wharf_store::{Conn, StoreError};

use crate::app::App;
use crate::http::Problem;

/// Fills in what the request names; returns whom it goes to. Most requests name nothing of ours and cost no
/// look-up.
pub(super) async fn resolve(
    app: &App,
    tenant: &TenantId,
    channel: &ChannelId,
    request: &mut MessageRequest,
) -> Result<Address, Problem> {
    let names_ours = request.named().any(|(_, id)| is_ours(id));
    if let (Some(to), true, false) = (&request.to, request.stored.is_empty(), names_ours) {
        return Ok(to.clone());
    }
    let mut conn = app.db.read().await?;
    let mut lookup = Lookup {
        conn: &mut conn,
        tenant,
        channel,
        now: app.now_ms(),
        errors: Vec::new(),
    };
    for used in std::mem::take(&mut request.stored) {
        lookup.object(&used, &mut request.content).await?;
    }
    let is_receipt = matches!(request.content, Content::Read { .. });
    for (pointer, id) in request.named() {
        if is_ours(id) {
            lookup.message(pointer, id, is_receipt).await?;
        }
    }
    let to = match (&request.to, &request.content) {
        (Some(to), _) => Some(to.clone()),
        (None, Content::Read { read }) if lookup.errors.is_empty() => {
            lookup.writer_of(&read.message).await?
        }
        (None, _) => None,
    };
    match (to, lookup.errors) {
        (Some(to), errors) if errors.is_empty() => Ok(to),
        (_, errors) => Err(Problem::new(Code::InvalidRequest).errors(errors)),
    }
}

/// Ids of ours are known by their prefix; no provider's begin so.
fn is_ours(id: &str) -> bool {
    id.starts_with(MessageId::PREFIX)
}

struct Lookup<'a> {
    conn: &'a mut Conn,
    tenant: &'a TenantId,
    channel: &'a ChannelId,
    now: i64,
    errors: Vec<FieldError>,
}

impl Lookup<'_> {
    fn refuse(&mut self, pointer: &str, detail: impl Into<String>) {
        self.errors
            .push(FieldError::new(pointer, "invalid", detail));
    }

    /// A stored object: it must be there and fit its place.
    async fn object(&mut self, used: &StoredUse, content: &mut Content) -> Result<(), StoreError> {
        let found = media::get(self.conn, self.tenant, used.media, self.now).await?;
        let Some(row) = found else {
            let detail = format!(
                "there is no stored object {}, or its time is over; POST /v1/media stores one",
                used.media
            );
            self.refuse(&used.pointer, detail);
            return Ok(());
        };
        let checked = used
            .role
            .check(&used.pointer, &row.content_type, row.size_bytes);
        self.errors.extend(checked.err());
        fill(content, &row);
        Ok(())
    }

    /// An earlier message: its id becomes the provider's.
    async fn message(
        &mut self,
        pointer: &str,
        id: &mut String,
        is_receipt: bool,
    ) -> Result<(), StoreError> {
        let found = match id.parse() {
            Ok(ours) => messages::get_any(self.conn, self.tenant, ours).await?,
            Err(_) => None,
        };
        let found = found.filter(|message| match message {
            Stored::Outbound(message) => message.channel == *self.channel,
            Stored::Inbound(message) => message.channel == *self.channel,
        });
        let theirs = match found {
            None => {
                let detail = format!("channel {} has no message {id}", self.channel);
                self.refuse(pointer, detail);
                return Ok(());
            }
            Some(Stored::Outbound(_)) if is_receipt => {
                self.refuse(pointer, "only messages that came in can be marked as read");
                return Ok(());
            }
            Some(Stored::Outbound(message)) => message.provider_message_id,
            Some(Stored::Inbound(message)) => Some(message.provider_message_id),
        };
        match theirs {
            Some(theirs) => *id = theirs,
            None => self.refuse(
                pointer,
                "the provider has no id for this message yet; wait until it is sent",
            ),
        }
        Ok(())
    }

    /// Whom a receipt for this message goes to.
    async fn writer_of(&mut self, provider_id: &str) -> Result<Option<Address>, StoreError> {
        let known =
            messages::by_provider_id(self.conn, self.tenant, self.channel, provider_id).await?;
        let message = match known {
            Some((id, _)) => messages::get_any(self.conn, self.tenant, id).await?,
            None => None,
        };
        let writer = match message {
            Some(Stored::Inbound(message)) => match message.group {
                Some(group) => Some(Address::Group(group)),
                None => address(&message.from),
            },
            _ => None,
        };
        if writer.is_none() {
            let detail = format!(
                "channel {} has received no message {provider_id}; give `to`, who wrote it",
                self.channel
            );
            self.errors.push(FieldError::new("/to", "missing", detail));
        }
        Ok(writer)
    }
}

fn address(party: &Party) -> Option<Address> {
    let phone = party
        .phone
        .as_deref()
        .and_then(|text| phone::parse(text).ok());
    let user = || party.user_id.clone().map(Address::UserId);
    phone.map(Address::Phone).or_else(user)
}

/// Puts what is known of the object where its handle stands. A name that the request gave stays.
fn fill(content: &mut Content, row: &MediaRow) {
    let handle = row.id.to_string();
    content.each_source(&mut |source| {
        if let MediaSource::Stored(object) = source
            && object.handle == handle
        {
            object.content_type.clone_from(&row.content_type);
            object.size = row.size_bytes;
            object.sha256 = hex::decode(&row.sha256).unwrap_or_default();
            object.filename = object.filename.take().or_else(|| row.filename.clone());
        }
    });
}
