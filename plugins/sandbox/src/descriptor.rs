//! What the sandbox is and wants: one address, one key, a script.

use wharf_plugin::manifest::{Descriptor, Input, Kind, Mac, Signed, Verification, Webhook};
use wharf_plugin::types::{Encoding, Hash, HttpMethod, Level};

use crate::onboarding;

/// Served by the gateway itself; the name exists nowhere else.
pub(crate) const HOST: &str = "sandbox.wharf.internal";
const PATH: &str = "/v1/messages";
/// The script player tells a few statuses at a time.
const WEBHOOK_BYTES_MAX: u32 = 1024 * 1024;

pub(crate) const KEY: &str = "sandbox_key";
pub(crate) const SENDER: &str = "sender";
pub(crate) const SENDER_PATTERN: &str = "^[A-Za-z0-9+._-]{1,64}$";

/// Where messages are posted.
pub(crate) fn messages_url() -> String {
    format!("https://{HOST}{PATH}")
}

pub(crate) fn descriptor() -> Descriptor {
    let mut descriptor = Descriptor::new(
        "dev.wharf.sandbox",
        "Wharf sandbox",
        env!("CARGO_PKG_VERSION"),
        "Wharf",
    )
    .sender(SENDER)
    .endpoint(
        HOST,
        &[HttpMethod::Post],
        &[PATH, "/v1/media", "/v1/templates", "/v1/templates/{id}"],
    )
    .endpoint(
        HOST,
        &[HttpMethod::Get],
        &[
            "/v1/messages/{id}",
            "/v1/events",
            "/v1/media/{id}",
            "/v1/templates",
            "/v1/health",
            "/v1/profile",
        ],
    )
    .endpoint(HOST, &[HttpMethod::Put], &["/v1/profile"])
    .endpoint(
        HOST,
        &[HttpMethod::Delete],
        &["/v1/media/{id}", "/v1/templates/{name}"],
    )
    .flow(onboarding::flow())
    .webhook(webhook());
    for kind in [
        "text",
        "image",
        "video",
        "audio",
        "document",
        "sticker",
        "location",
        "contacts",
        "reaction",
        "interactive",
        "template",
        "read",
        "other",
        "reply",
        "to.phone",
        "to.user-id",
        "to.group",
        "inbound.text",
    ] {
        descriptor = descriptor.capability(kind, None);
    }
    descriptor.inputs = inputs();
    descriptor
}

fn inputs() -> Vec<Input> {
    vec![
        Input::new(
            SENDER,
            Kind::Text,
            Level::Channel,
            "Sender",
            "Any name for the sending number; statuses come back under it.",
        )
        .pattern(SENDER_PATTERN),
        Input::new(
            "script",
            Kind::Text,
            Level::Channel,
            "Status script",
            "What becomes of each message, for example `sent+100 delivered+400 read+900` or `failed+100`; times are milliseconds after the send.",
        )
        .optional(),
        Input::secret(
            KEY,
            Level::Channel,
            &[HOST],
            "Sandbox key",
            "Any secret text: messages are sent and webhooks signed with it.",
        ),
    ]
}

fn webhook() -> Webhook {
    let signature = Verification::Mac(Mac {
        header: "x-sandbox-signature".to_owned(),
        prefix: String::new(),
        separator: None,
        hash: Hash::Sha256,
        encoding: Encoding::Hex,
        key: KEY.to_owned(),
        key_encoding: None,
        over: vec![Signed::Body],
        freshness: None,
    });
    Webhook::new("main", Level::Channel, signature, WEBHOOK_BYTES_MAX)
}
