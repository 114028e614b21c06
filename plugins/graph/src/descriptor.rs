//! What the plugin is and what it wants: its inputs, its one endpoint, how its webhook is verified.

use wharf_plugin::manifest::{
    Challenge, Descriptor, Input, Kind, Mac, Signed, Verification, Webhook,
};
use wharf_plugin::types::{Bucket, Encoding, Hash, HttpMethod, Level};

/// Where the API is.
pub(crate) const HOST: &str = "graph.facebook.com";
/// Where the bytes of media are. Meta's documentation shows no other host; one that is not named here
/// gets no token.
pub(crate) const MEDIA_HOST: &str = "lookaside.fbsbx.com";
pub(crate) const MEDIA_PATH: &str = "/whatsapp_business/attachments/";
/// What messages this plugin builds, and the note where there is one. `wharf_cloud_api::outbound` builds them.
const KINDS: &[(&str, Option<&str>)] = &[
    ("text", None),
    ("preview-url", None),
    ("image", None),
    ("video", None),
    ("audio", None),
    ("voice", Some("OGG with the codec Opus")),
    ("document", None),
    ("sticker", None),
    ("location", None),
    ("contacts", None),
    ("reaction", None),
    ("template", None),
    ("template.carousel", None),
    ("read", None),
    ("typing", None),
    ("interactive.buttons", None),
    ("interactive.list", None),
    ("interactive.cta-url", None),
    ("interactive.location-request", None),
    ("interactive.flow", None),
    ("interactive.carousel", None),
    (
        "interactive.other",
        Some(
            "products, catalogues, addresses, calls, payments: the Cloud API's `interactive` object",
        ),
    ),
    (
        "other",
        Some("any message of the Cloud API, by its own JSON"),
    ),
    ("reply", None),
];
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
    .capability("to.phone", None)
    .capability("to.user-id", None)
    .capability(
        "to.group",
        Some("the group must have been created over the Cloud API"),
    )
    .endpoint(
        HOST,
        &[HttpMethod::Post],
        &["/{version}/{phone}/messages", "/{version}/{phone}/media"],
    )
    .endpoint(
        HOST,
        &[HttpMethod::Get, HttpMethod::Delete],
        &["/{version}/{media}"],
    )
    .endpoint(MEDIA_HOST, &[HttpMethod::Get], &[MEDIA_PATH])
    .webhook(webhook())
    // The platform's default throughput, and one message in six seconds to one person after a burst of
    // 45: 45 tokens refill in 45 * 6 s.
    .rate(Bucket::Level(Level::Channel), 80, 1_000)
    .rate(Bucket::Recipient, 45, 270_000)
    .response_header("x-fb-trace-id")
    .response_header("x-business-use-case-usage");
    for (name, note) in KINDS {
        descriptor = descriptor.capability(name, *note);
    }
    descriptor.homepage = Some(
        "https://developers.facebook.com/documentation/business-messaging/whatsapp/".to_owned(),
    );
    descriptor.inputs = inputs();
    descriptor
}

fn inputs() -> Vec<Input> {
    vec![
        Input::new(
            "phone_number_id",
            Kind::Text,
            Level::Channel,
            "Phone number ID",
            "The number's ID (not the number itself), from WhatsApp > API setup in Meta's app dashboard.",
        )
        .pattern("^[0-9]{1,32}$"),
        Input::new(
            "waba_id",
            Kind::Text,
            Level::Account,
            "WhatsApp Business account ID",
            "From WhatsApp > API setup; account notices arrive under this ID.",
        )
        .pattern("^[0-9]{1,32}$"),
        Input::secret(
            "access_token",
            Level::Account,
            &[HOST, MEDIA_HOST],
            "Access token",
            "A system user's token with the permission whatsapp_business_messaging.",
        ),
        Input::new(
            "app_id",
            Kind::Text,
            Level::App,
            "App ID",
            "The Meta app that owns the webhook subscription.",
        )
        .pattern("^[0-9]{1,32}$")
        .optional(),
        Input::secret(
            "app_secret",
            Level::App,
            &[HOST],
            "App secret",
            "From App settings > Basic. Webhooks are verified with it.",
        ),
        Input::secret(
            "verify_token",
            Level::App,
            &[],
            "Webhook verify token",
            "Any secret text; enter the same one where Meta asks for it beside the callback URL.",
        ),
        Input::new(
            "graph_version",
            Kind::Text,
            Level::App,
            "Graph API version",
            "Which version of the Graph API to call; v26.0 when empty.",
        )
        .pattern(r"^v[0-9]{1,3}\.[0-9]{1,2}$")
        .optional(),
        Input::new(
            "appsecret_proof",
            Kind::Boolean,
            Level::App,
            "Send appsecret_proof",
            "Set to true when the app requires proof of the app secret with every call.",
        )
        .optional(),
    ]
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
