//! A message that somebody wrote to one of our numbers.

use serde_json::Value;
use wharf_plugin::inbound::{Content, Message};
use wharf_plugin::prelude::{Event, Item, Party, Route};

use super::address::{End, is_name};
use super::{Call, content, referral};

/// Reads a message webhook; nothing when the form is none.
pub(super) fn read(call: &Call<'_>) -> Option<Vec<Item>> {
    let form = call.form;
    let id = ["MessageSid", "SmsMessageSid", "SmsSid"]
        .into_iter()
        .find_map(|name| form.get(name))
        .filter(|id| is_name(id))?;
    let fields = Fields::of(call);
    let sender = sender(&fields)?;
    let message = Message {
        provider_message_id: id.to_owned(),
        sender,
        group: None,
        at: call.at,
        reply_to: fields
            .get("OriginalRepliedMessageSid")
            .filter(|id| is_name(id))
            .map(str::to_owned),
        forwarded: fields.is_true("Forwarded") || fields.is_true("FrequentlyForwarded"),
        content: Content::Text(String::new()),
        referral: referral::read(form),
    };
    let contents = content::read(&fields);
    Some(media_items(call.route("To"), &message, contents))
}

/// One item for each content: WhatsApp sends one medium a message, and if Twilio ever brings several, each
/// is an atom of the same message.
pub(crate) fn media_items(route: Route, message: &Message, contents: Vec<Content>) -> Vec<Item> {
    let id = &message.provider_message_id;
    let items = contents.into_iter().enumerate().map(|(index, content)| {
        let message = Message {
            content,
            ..message.clone()
        };
        let key = message_key(id, index);
        Item::new(route.clone(), key, Event::Message(message))
    });
    items.collect()
}

/// The key of a message's content, the same however it came in.
pub(crate) fn message_key(id: &str, index: usize) -> String {
    match index {
        0 => format!("message:{id}"),
        index => format!("message:{id}:media:{index}"),
    }
}

/// A phone number where there is one, the id in the scope of the business where the person has one. Without
/// either nobody could be answered.
fn sender(fields: &Fields<'_>) -> Option<Party> {
    let from = fields.form().get("From").and_then(End::read);
    let own = fields.get("ExternalUserId").and_then(End::read);
    let digits = fields.get("WaId").and_then(End::read);
    let (mut phone, mut user_id) = (None, None);
    for end in [from, own, digits].into_iter().flatten() {
        match end {
            End::Phone(digits) => phone = phone.or(Some(digits)),
            End::User(id) => user_id = user_id.or(Some(id)),
        }
    }
    if phone.is_none() && user_id.is_none() {
        return None;
    }
    let username = ["ProfileUsername", "Username"]
        .into_iter()
        .find_map(|name| fields.get(name));
    Some(Party {
        phone,
        user_id,
        username: username.map(str::to_owned),
        name: fields.get("ProfileName").map(str::to_owned),
    })
}

/// The form's fields, and behind them those that only stand in its `ChannelMetadata`.
pub(super) struct Fields<'a> {
    call: &'a Call<'a>,
    context: Value,
}

impl<'a> Fields<'a> {
    fn of(call: &'a Call<'a>) -> Self {
        let metadata = call.form.get("ChannelMetadata");
        let metadata: Value = metadata
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let context = metadata
            .pointer("/data/context")
            .cloned()
            .unwrap_or_default();
        Self { call, context }
    }

    pub(super) fn form(&self) -> &super::Form {
        self.call.form
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let form = self.call.form.get(name);
        form.or_else(|| self.context.get(name)?.as_str())
            .filter(|value| !value.is_empty())
    }

    fn is_true(&self, name: &str) -> bool {
        let stated = self.context.get(name).and_then(Value::as_bool);
        stated == Some(true)
            || self
                .get(name)
                .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}
