//! What the plugin is and what it wants: its inputs, its hosts, how its webhooks are verified, how fast it
//! may go.

use wharf_cloud_api::outbound::KINDS;
use wharf_cloud_api::webhook::RECEIVED;
use wharf_plugin::manifest::{Descriptor, Input, Kind, Mac, Verification, Webhook};
use wharf_plugin::types::{Bucket, HttpMethod, Level};

use crate::address::{API, API_KEY, HUB, PARTNER_KEY, SIGNUP, WEBHOOK_HEADER, WEBHOOK_SECRET};
use crate::kinds::BESIDE;
use crate::onboarding;

/// Meta posts up to 3 MB, and 360dialog passes it on as it came; the rest is room for its growth.
const WEBHOOK_BYTES_MAX: u32 = 4 * 1024 * 1024;
/// A partner's event tells one change of one channel.
const PARTNER_WEBHOOK_BYTES_MAX: u32 = 256 * 1024;

/// The webhook of numbers, and the one of the partner.
pub(crate) const MAIN: &str = "main";
pub(crate) const PARTNER: &str = "partner";
/// Settings by their declared names.
pub(crate) const SENDER: &str = "phone_number_id";
pub(crate) const WABA: &str = "waba_id";
pub(crate) const CHANNEL_ID: &str = "channel_id";
pub(crate) const PARTNER_ID: &str = "partner_id";
pub(crate) const TAKEOVER: &str = "takeover";
/// Draws from this: 25 uploads a second from one number.
pub(crate) const UPLOADS: &str = "media-upload";
/// Draws from this: what is fetched from 360dialog's media, which blocks who errs too often.
pub(crate) const FETCHES: &str = "media-fetch";

pub(crate) fn descriptor() -> Descriptor {
    let mut descriptor = Descriptor::new(
        "com.360dialog.waba",
        "360dialog",
        env!("CARGO_PKG_VERSION"),
        "Wharf",
    )
    .homepage("https://docs.360dialog.com/docs/messaging-api")
    .sender(SENDER)
    .account(WABA)
    .webhook(main_webhook())
    .webhook(partner_webhook())
    // 80 messages a second unless more was bought, and Meta's pair limit: one message in six seconds to one
    // person after a burst of 45, which refill in 45 * 6 s.
    .rate(Bucket::Level(Level::Channel), 80, 1_000)
    .rate(Bucket::Recipient, 45, 270_000)
    .rate(Bucket::Named(UPLOADS.to_owned()), 25, 1_000)
    .rate(Bucket::Named(FETCHES.to_owned()), 25, 1_000);
    for (name, note) in KINDS.iter().chain(BESIDE) {
        descriptor = descriptor.capability(name, *note);
    }
    descriptor = descriptor.capabilities(RECEIVED);
    descriptor = endpoints(descriptor);
    descriptor.inputs = inputs();
    descriptor.flows = onboarding::flows();
    descriptor
}

fn endpoints(descriptor: Descriptor) -> Descriptor {
    descriptor
        .endpoint(
            API,
            &[HttpMethod::Get],
            &[
                "/health_status",
                "/whatsapp_business_profile",
                "/v1/configs/templates",
                "/whatsapp_business/attachments/",
                "/{media}",
            ],
        )
        .endpoint(
            API,
            &[HttpMethod::Post],
            &[
                "/messages",
                "/media",
                "/whatsapp_business_profile",
                "/v1/configs/templates",
                "/v1/configs/webhook",
            ],
        )
        .endpoint(
            API,
            &[HttpMethod::Delete],
            &["/{media}", "/v1/configs/templates/{name}"],
        )
        .endpoint(
            HUB,
            &[HttpMethod::Get],
            &[
                "/api/v2/partners/{partner}/channels",
                "/api/v2/partners/{partner}/channels/{channel}/api_keys",
            ],
        )
        .endpoint(
            HUB,
            &[HttpMethod::Post],
            &[
                "/api/v2/partners/{partner}/channels/{channel}/api_keys",
                "/api/v2/partners/{partner}/webhook_url",
            ],
        )
        // Browsers are sent there; no request of ours goes to it.
        .endpoint(SIGNUP, &[HttpMethod::Get], &["/onboarding/{partner}"])
}

fn inputs() -> Vec<Input> {
    let mut inputs = number_inputs();
    inputs.extend(partner_inputs());
    inputs
}

fn number_inputs() -> Vec<Input> {
    vec![
        Input::new(
            SENDER,
            Kind::Text,
            Level::Channel,
            "Phone number ID",
            "Meta's ID of the number (not the number itself). Webhooks carry it; GET /health_status tells it for an API key.",
        )
        .pattern("^[0-9]{1,32}$"),
        Input::new(
            WABA,
            Kind::Text,
            Level::Account,
            "WhatsApp Business account ID",
            "Meta's ID of the account; account notices arrive under it.",
        )
        .pattern("^[0-9]{1,32}$")
        .optional(),
        Input::secret(
            API_KEY,
            Level::Channel,
            &[API],
            "API key",
            "The number's key from the 360dialog Hub. A new one revokes all earlier ones.",
        ),
        Input::secret(
            WEBHOOK_SECRET,
            Level::Account,
            &[API],
            "Webhook secret",
            "Any secret text. 360dialog does not sign a number's webhooks, so it is told to send this in the header x-wharf-webhook-secret.",
        ),
        Input::new(
            CHANNEL_ID,
            Kind::Text,
            Level::Channel,
            "360dialog channel ID",
            "The partner's ID of the channel; with it a partner can renew the API key and see the number's quality.",
        )
        .pattern("^[A-Za-z0-9_-]{1,128}$")
        .optional(),
    ]
}

fn partner_inputs() -> Vec<Input> {
    vec![
        Input::new(
            PARTNER_ID,
            Kind::Text,
            Level::App,
            "Partner ID",
            "For 360dialog partners: the ID that the Partner Hub shows under Integration.",
        )
        .pattern("^[A-Za-z0-9_-]{1,128}$")
        .optional(),
        Input::secret(
            PARTNER_KEY,
            Level::App,
            &[HUB],
            "Partner API key",
            "For 360dialog partners: creates the API keys of customers' numbers.",
        )
        .optional(),
        Input::secret(
            "platform_secret",
            Level::App,
            &[],
            "Platform secret",
            "For 360dialog partners: the secret that the Partner Hub generates under Integration; the partner's webhook is verified with it.",
        )
        .optional(),
        Input::new(
            TAKEOVER,
            Kind::Boolean,
            Level::App,
            "Take over numbers in use",
            "Set to true to connect numbers that already have an API key: a new one cuts off whoever uses the old one, and whoever runs the flow names the number.",
        )
        .optional(),
    ]
}

/// Numbers' webhooks carry no signature that is promised: the only proof is the header that we ask
/// 360dialog to send (`headers` of `/v1/configs/webhook`). `x-360dialog-signature`, which a partner's
/// numbers may carry too, adds nothing to it: whoever can leave out a header is not held by it.
fn main_webhook() -> Webhook {
    Webhook::new(
        MAIN,
        Level::Account,
        Verification::Header((WEBHOOK_HEADER.to_owned(), WEBHOOK_SECRET.to_owned())),
        WEBHOOK_BYTES_MAX,
    )
}

/// The signature comes in lower-case hex, by some accounts behind `sha256=`.
fn partner_webhook() -> Webhook {
    let signature = Mac::sha256("x-360dialog-signature", "platform_secret").prefix("sha256=");
    Webhook::new(
        PARTNER,
        Level::App,
        signature.into(),
        PARTNER_WEBHOOK_BYTES_MAX,
    )
}
