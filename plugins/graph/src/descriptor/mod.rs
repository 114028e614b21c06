//! What the plugin is and what it wants. Its inputs, its calls and its flows have files of their own.

mod endpoints;
mod inputs;
mod kinds;

use wharf_cloud_api::outbound::KINDS;
use wharf_cloud_api::webhook::RECEIVED;
use wharf_plugin::manifest::{Challenge, Descriptor, Mac, Signed, Verification, Webhook};
use wharf_plugin::types::{Bucket, Encoding, Hash, Level};

use crate::onboarding;

/// Where the API is.
pub(crate) const HOST: &str = "graph.facebook.com";
/// Where the bytes of media are. Meta's documentation shows no other host; one that is not named here
/// gets no token.
pub(crate) const MEDIA_HOST: &str = "lookaside.fbsbx.com";
pub(crate) const MEDIA_PATH: &str = "/whatsapp_business/attachments/";
/// Where a browser logs in.
pub(crate) const LOGIN_HOST: &str = "www.facebook.com";
/// Used when the setting `graph_version` is empty.
pub(crate) const VERSION_DEFAULT: &str = "v26.0";
/// Meta posts up to 3 MB; the rest is room for its growth.
const WEBHOOK_BYTES_MAX: u32 = 4 * 1024 * 1024;

pub(crate) fn descriptor() -> Descriptor {
    let mut descriptor = Descriptor::new(
        "com.meta.graph",
        "Meta Graph API",
        env!("CARGO_PKG_VERSION"),
        "Wharf",
    )
    .sender("phone_number_id")
    .account("waba_id")
    .webhook(webhook())
    // The platform's default throughput, and one message in six seconds to one person after a burst of
    // 45: 45 tokens refill in 45 * 6 s.
    .rate(Bucket::Level(Level::Channel), 80, 1_000)
    .rate(Bucket::Recipient, 45, 270_000)
    .response_header("x-fb-trace-id")
    .response_header("x-business-use-case-usage");
    for (name, note) in KINDS.iter().chain(kinds::BESIDE) {
        descriptor = descriptor.capability(name, *note);
    }
    descriptor = descriptor.capabilities(RECEIVED);
    descriptor.homepage = Some(
        "https://developers.facebook.com/documentation/business-messaging/whatsapp/".to_owned(),
    );
    descriptor.inputs = inputs::inputs();
    for endpoints in [
        endpoints::messages,
        endpoints::onboarding,
        endpoints::nodes,
        endpoints::templates,
        endpoints::profile,
    ] {
        descriptor = endpoints(descriptor);
    }
    for flow in onboarding::flows() {
        descriptor = descriptor.flow(flow);
    }
    descriptor
}

fn webhook() -> Webhook {
    let signature = Verification::Mac(Mac {
        header: "x-hub-signature-256".to_owned(),
        prefix: "sha256=".to_owned(),
        separator: None,
        hash: Hash::Sha256,
        encoding: Encoding::Hex,
        key: "app_secret".to_owned(),
        key_encoding: None,
        over: vec![Signed::Body],
        freshness: None,
    });
    let mut webhook = Webhook::new("main", Level::App, signature, WEBHOOK_BYTES_MAX);
    webhook.challenge = Some(Challenge {
        require: vec![("hub.mode".to_owned(), "subscribe".to_owned())],
        token_param: "hub.verify_token".to_owned(),
        token: "verify_token".to_owned(),
        echo_param: "hub.challenge".to_owned(),
    });
    webhook
}
