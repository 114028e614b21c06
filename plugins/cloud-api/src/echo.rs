//! One element of `message_echoes`: what the business itself sent from its phone or another app.

use wharf_plugin::inbound::Echo;
use wharf_plugin::prelude::Event;

use crate::json::Object;
use crate::message;
use crate::webhook::Setting;

pub(crate) fn read(raw: &str, setting: &Setting) -> Option<(String, Event)> {
    let echo = Object::read(raw)?;
    let sender = setting.party(echo.text("from"), None);
    let recipient = setting.party(echo.text("to"), echo.text("to_user_id"));
    let message = message::inbound(raw, &echo, sender, setting)?;
    let key = format!("echo:{}", message.provider_message_id);
    Some((key, Event::Echo(Echo { message, recipient })))
}
