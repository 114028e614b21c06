//! Building what a webhook holds.

use crate::errors::Error;
use crate::inbound::{Content, Event, Item, Message, Route, State, Status};
use crate::types::Party;

impl Item {
    /// One atom. The key must be the same for the same atom in every version of the plugin, and another
    /// for every other atom of the route.
    pub fn new(route: Route, dedupe_key: impl Into<String>, event: Event) -> Self {
        Self {
            route,
            pointer: None,
            dedupe_key: dedupe_key.into(),
            event,
        }
    }

    /// Where the atom stands in a JSON body.
    #[must_use]
    pub fn pointer(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }
}

impl Message {
    /// A message that a person sent, with nothing around it.
    pub fn new(id: impl Into<String>, sender: Party, at: u64, content: Content) -> Self {
        Self {
            provider_message_id: id.into(),
            sender,
            group: None,
            at,
            reply_to: None,
            forwarded: false,
            content,
            referral: None,
        }
    }
}

impl Status {
    /// What became of a message that was sent.
    pub fn new(id: impl Into<String>, state: State, at: u64) -> Self {
        Self {
            provider_message_id: id.into(),
            recipient: None,
            state,
            at,
            error: None,
            pricing: None,
            conversation_id: None,
            message_id: None,
            group: None,
        }
    }

    /// Why it failed.
    #[must_use]
    pub fn error(mut self, error: Error) -> Self {
        self.error = Some(error);
        self
    }

    /// Our own id of the message, which settles a send whose answer was lost.
    #[must_use]
    pub fn message_id(mut self, id: Option<impl Into<String>>) -> Self {
        self.message_id = id.map(Into::into);
        self
    }
}
