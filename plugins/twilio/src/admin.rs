//! What the description has beside sending: the webhook of event streams, the lists and resources that are
//! asked for, the flows with their inputs.

use wharf_plugin::manifest::{Check, Condition, Descriptor, Mac, Signed, Verification, Webhook};
use wharf_plugin::types::{Encoding, Hash, HttpMethod, Level};

use crate::account::{API, CONTENT, MESSAGING};
use crate::onboarding;

/// Event streams and the console's debugger.
const EVENTS: &str = "events";
/// A batch of events; Twilio names no limit, and the host takes this much.
const EVENTS_BYTES_MAX: u32 = 4 * 1024 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

pub(crate) fn extend(descriptor: Descriptor) -> Descriptor {
    use HttpMethod::{Delete, Get, Post, Put};
    const SENDERS: &str = "/v2/Channels/Senders";
    const SENDER: &str = "/v2/Channels/Senders/{sid}";
    const CONTENT_ONE: &str = "/v1/Content/{sid}";
    const SUBMIT: &str = "/v1/Content/{sid}/ApprovalRequests/whatsapp";
    let mut descriptor = descriptor
        .webhook(events())
        .endpoint(
            API,
            &[Get],
            &[
                "/2010-04-01/Accounts.json",
                // The account itself, as AC....json.
                "/2010-04-01/Accounts/{account}",
                "/2010-04-01/Accounts/{account}/Balance.json",
                "/2010-04-01/Accounts/{account}/Messages.json",
                "/2010-04-01/Accounts/{account}/Messages/{message}/Media.json",
            ],
        )
        .endpoint(API, &[Post], &["/2010-04-01/Accounts.json"])
        .endpoint(CONTENT, &[Get], &["/v1/ContentAndApprovals"])
        .endpoint(CONTENT, &[Post], &[SUBMIT])
        .endpoint(CONTENT, &[Put, Delete], &[CONTENT_ONE])
        .endpoint(MESSAGING, &[Get, Post], &[SENDERS, SENDER]);
    for flow in onboarding::flows() {
        descriptor = descriptor.flow(flow);
    }
    descriptor.inputs.extend(onboarding::inputs());
    descriptor
}

/// Debugger events come as forms, event streams as JSON, whose body is signed by its digest in the URL. What
/// has another type is refused: nothing would prove it.
fn events() -> Webhook {
    let signed = |over: Vec<Signed>| {
        Verification::Mac(Mac {
            header: "x-twilio-signature".to_owned(),
            prefix: String::new(),
            separator: None,
            hash: Hash::Sha1,
            encoding: Encoding::Base64,
            key: "auth_token".to_owned(),
            key_encoding: None,
            over,
            freshness: None,
        })
    };
    let digest = Verification::BodyDigest(wharf_plugin::manifest::BodyDigest {
        param: "bodySHA256".to_owned(),
        hash: Hash::Sha256,
        encoding: Encoding::Hex,
    });
    let when = |content_type: &str, verify| Check {
        when: Condition::ContentType(content_type.to_owned()),
        verify,
    };
    let form = signed(vec![Signed::Url, Signed::FormSorted]);
    let mut webhook = Webhook::new(EVENTS, Level::Account, form.clone(), EVENTS_BYTES_MAX);
    webhook.checks = vec![
        when(FORM, form),
        when(JSON, signed(vec![Signed::Url])),
        when(JSON, digest),
    ];
    webhook.ack.status = 204;
    webhook
}
