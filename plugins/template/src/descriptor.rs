//! What the plugin is and what it wants. The host allows what stands here and nothing else.

use wharf_plugin::manifest::{Descriptor, Input, Kind, Mac, Webhook};
use wharf_plugin::types::{Bucket, HttpMethod, Level};

/// The only host this plugin speaks to.
const HOST: &str = "api.acme.example";
const PATH: &str = "/v1/messages";
/// The provider posts at most this much at once.
const WEBHOOK_BYTES_MAX: u32 = 4 * 1024 * 1024;

/// Names of the inputs, which the other modules use too.
pub(crate) const API_KEY: &str = "api_key";
const WEBHOOK_SECRET: &str = "webhook_secret";
const SENDER: &str = "sender";

pub(crate) fn messages_url() -> String {
    format!("https://{HOST}{PATH}")
}

pub(crate) fn descriptor() -> Descriptor {
    Descriptor::new(
        "com.example.acme",
        "Acme",
        env!("CARGO_PKG_VERSION"),
        "Example",
    )
    .sender(SENDER)
    .capabilities(&["text", "reply", "to.phone"])
    .input(
        Input::new(
            SENDER,
            Kind::Text,
            Level::Channel,
            "Sender",
            "The sending number, digits only.",
        )
        .pattern("^[0-9]{5,20}$"),
    )
    .input(Input::secret(
        API_KEY,
        Level::Channel,
        &[HOST],
        "API key",
        "From the provider's dashboard, under API access.",
    ))
    .input(Input::secret(
        WEBHOOK_SECRET,
        Level::Channel,
        &[],
        "Webhook secret",
        "From the provider's dashboard, under Webhooks; the gateway verifies signatures with it.",
    ))
    .endpoint(HOST, &[HttpMethod::Post], &[PATH])
    .webhook(Webhook::new(
        "main",
        Level::Channel,
        Mac::sha256("x-acme-signature", WEBHOOK_SECRET)
            .prefix("sha256=")
            .into(),
        WEBHOOK_BYTES_MAX,
    ))
    // The provider's documented limit.
    .rate(Bucket::Level(Level::Channel), 20, 1_000)
}
