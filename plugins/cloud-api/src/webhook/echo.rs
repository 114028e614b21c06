//! One element of `message_echoes`: what the business itself sent from its phone or another app.

use wharf_plugin::inbound::Echo;
use wharf_plugin::prelude::Event;

use super::{Atom, Setting, message};
use crate::json::Object;

pub(super) fn read(raw: &str, setting: &Setting<'_>) -> Option<Atom> {
    let echo = Object::read(raw)?;
    let sender = setting.party(echo.person("from"), None);
    let recipient = setting.party(echo.person("to"), echo.person("to_user_id"));
    let key = message::key("echo", &echo)?;
    let message = message::inbound(raw, &echo, sender, setting)?;
    Some((key, Event::Echo(Echo { message, recipient })))
}
