//! What the plugin is and what it wants: its inputs, Twilio's hosts, how its webhook is verified.

use wharf_plugin::manifest::{
    Condition, Descriptor, Input, Kind, Mac, Signed, Verification, Webhook,
};
use wharf_plugin::types::{Bucket, Encoding, Hash, HttpMethod, Level};

use crate::account::{API, CONTENT, MESSAGING};

/// Where the Messages resource sends who fetches media. Never gets credentials.
pub(crate) const CDN: [&str; 2] = ["mms.twiliocdn.com", "media.twiliocdn.com"];
/// One message or one status a call; the longest text is a few KiB.
const WEBHOOK_BYTES_MAX: u32 = 1024 * 1024;
/// The webhook that takes messages and statuses.
pub(crate) const WEBHOOK: &str = "main";
/// The query parameter of a status callback that carries our `message.id`.
pub(crate) const MESSAGE_PARAM: &str = "message";

pub(crate) fn descriptor() -> Descriptor {
    let mut descriptor =
        Descriptor::new("com.twilio", "Twilio", env!("CARGO_PKG_VERSION"), "Wharf")
            .homepage("https://www.twilio.com/docs/whatsapp")
            .sender("number")
            .account("account_sid")
            .webhook(webhook())
            // The platform's default throughput, and one message in six seconds to one person after a burst of
            // 45: 45 tokens refill in 45 * 6 s. What Twilio gets beyond it waits in its queue for up to 4 hours.
            .rate(Bucket::Level(Level::Channel), 80, 1_000)
            .rate(Bucket::Recipient, 45, 270_000)
            .response_header("location")
            .response_header("twilio-request-id");
    descriptor = received(capabilities(descriptor));
    descriptor = endpoints(descriptor);
    descriptor.inputs = inputs();
    descriptor
}

fn capabilities(descriptor: Descriptor) -> Descriptor {
    descriptor
        .capabilities(&["text", "image", "video", "audio", "sticker", "location"])
        .capability(
            "document",
            Some("shown under the name that the file's server gives it; WhatsApp may drop the caption"),
        )
        .capability(
            "template",
            Some("Content templates; the parameters fill Twilio's variables"),
        )
        .capability(
            "interactive.buttons",
            Some("at most 3; a header or footer makes it a WhatsApp card, which may need an approval"),
        )
        .capability(
            "interactive.list",
            Some("one section, whose title is not shown; no header and no footer"),
        )
        .capability(
            "interactive.cta-url",
            Some("may need an approval, as WhatsApp's cards may"),
        )
        .capability(
            "interactive.flow",
            Some("a published flow by its id, without data for its first screen"),
        )
        .capability(
            "other",
            Some("parameters of the Messages resource, or a definition of a content as `Content`"),
        )
        .capability(
            "typing",
            Some("marks the message as read too, which Twilio cannot do alone"),
        )
        .capability(
            "voice",
            Some("OGG, sent as any sound: WhatsApp decides how it shows it, and nobody reports that it was played"),
        )
        .capability("to.phone", None)
        .capability("to.user-id", None)
}

/// What comes in: with a note where the event is another than over the Cloud API.
fn received(descriptor: Descriptor) -> Descriptor {
    const NO_DIGEST: &str = "without the digest of the bytes";
    const MEDIA: [&str; 5] = [
        "inbound.image",
        "inbound.video",
        "inbound.audio",
        "inbound.voice",
        "inbound.sticker",
    ];
    let descriptor = descriptor.capabilities(&[
        "inbound.text",
        "inbound.location",
        "inbound.reply",
        "inbound.forwarded",
        "inbound.button",
        "inbound.template-button",
        "inbound.list",
    ]);
    MEDIA
        .iter()
        .fold(descriptor, |this, name| {
            this.capability(name, Some(NO_DIGEST))
        })
        .capability(
            "inbound.document",
            Some("without the digest of the bytes and without the file's name"),
        )
        .capability(
            "inbound.contacts",
            Some("as a vCard: a medium of kind `document`, whose file has the people"),
        )
        .capability(
            "inbound.flow",
            Some("the answers themselves, without the envelope that has them as text in `response_json`"),
        )
        .capability(
            "inbound.referral",
            Some("the members that Twilio passes on: no `welcome_message`, a picture only where the advertisement has one"),
        )
        .capability("inbound.user-id", Some("without the username"))
}

fn endpoints(descriptor: Descriptor) -> Descriptor {
    descriptor
        .endpoint(
            API,
            &[HttpMethod::Post],
            &["/2010-04-01/Accounts/{account}/Messages.json"],
        )
        .endpoint(
            API,
            &[HttpMethod::Get],
            &["/2010-04-01/Accounts/{account}/Messages/{message}/Media/{media}"],
        )
        .endpoint(
            API,
            &[HttpMethod::Delete],
            &["/2010-04-01/Accounts/{account}/Messages/{message}/Media/{media}"],
        )
        .endpoint(CONTENT, &[HttpMethod::Post], &["/v1/Content"])
        .endpoint(
            CONTENT,
            &[HttpMethod::Get],
            &["/v1/Content/{sid}", "/v1/ContentAndApprovals"],
        )
        .endpoint(
            MESSAGING,
            &[HttpMethod::Post],
            &["/v2/Indicators/Typing.json"],
        )
        .endpoint(CDN[0], &[HttpMethod::Get], &["/"])
        .endpoint(CDN[1], &[HttpMethod::Get], &["/"])
}

fn inputs() -> Vec<Input> {
    const HOSTS: [&str; 3] = [API, CONTENT, MESSAGING];
    vec![
        Input::new(
            "number",
            Kind::Text,
            Level::Channel,
            "WhatsApp number",
            "The sending number with its plus sign, as in +14155238886.",
        )
        .pattern(r"^\+[1-9][0-9]{5,14}$"),
        Input::new(
            "account_sid",
            Kind::Text,
            Level::Account,
            "Account SID",
            "From the console's dashboard; of the subaccount, where the number belongs to one.",
        )
        .pattern("^AC[0-9a-fA-F]{32}$"),
        Input::secret(
            "auth_token",
            Level::Account,
            &HOSTS,
            "Auth token",
            "The account's primary auth token. Twilio signs its webhooks with it, so it is needed beside an API key too.",
        ),
        Input::new(
            "api_key_sid",
            Kind::Text,
            Level::Account,
            "API key SID",
            "Requests are made with this key instead of the auth token.",
        )
        .pattern("^SK[0-9a-fA-F]{32}$")
        .optional(),
        Input::secret(
            "api_key_secret",
            Level::Account,
            &HOSTS,
            "API key secret",
            "The secret of the API key.",
        )
        .optional(),
        Input::new(
            "messaging_service_sid",
            Kind::Text,
            Level::Channel,
            "Messaging service SID",
            "The number's messaging service; its rules then hold for what is sent.",
        )
        .pattern("^MG[0-9a-fA-F]{32}$")
        .optional(),
    ]
}

/// Messages and statuses come as forms, signed over URL and fields; JSON carries a digest of its body in the
/// signed URL.
fn webhook() -> Webhook {
    let signature = Verification::Mac(Mac {
        header: "x-twilio-signature".to_owned(),
        prefix: String::new(),
        separator: None,
        hash: Hash::Sha1,
        encoding: Encoding::Base64,
        key: "auth_token".to_owned(),
        key_encoding: None,
        over: vec![Signed::Url, Signed::FormSorted],
        freshness: None,
    });
    let mut webhook = Webhook::new(WEBHOOK, Level::Account, signature, WEBHOOK_BYTES_MAX);
    if let Some(check) = webhook.checks.first_mut() {
        check.when = Condition::ContentType("application/x-www-form-urlencoded".to_owned());
    }
    webhook.ack.status = 204;
    webhook
}
