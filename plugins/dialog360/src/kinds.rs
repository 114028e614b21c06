//! What this plugin does, by the names that the table of capabilities compares. Messages are the Cloud
//! API's, and `wharf_cloud_api::outbound` builds them.

/// By name, with the note where there is one.
pub(crate) const KINDS: &[(&str, Option<&str>)] = &[
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
    (
        "template",
        Some("360dialog sends marketing templates over Meta's marketing messages API where it can"),
    ),
    (
        "template.carousel",
        Some("up to three stored media are uploaded, more go as links to the gateway"),
    ),
    ("read", None),
    ("typing", None),
    ("interactive.buttons", None),
    ("interactive.list", None),
    ("interactive.cta-url", None),
    ("interactive.location-request", None),
    ("interactive.flow", None),
    (
        "interactive.carousel",
        Some("stored media of the cards go as links to the gateway"),
    ),
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
    ("to.phone", None),
    ("to.user-id", None),
    (
        "to.group",
        Some("the group must have been created over the Cloud API"),
    ),
    (
        "templates",
        Some(
            "list, create with example media as links, delete in all languages; 360dialog has no call to edit one",
        ),
    ),
    ("profile", None),
    (
        "health",
        Some("the number's quality and limit for partners only"),
    ),
    (
        "onboarding.partner",
        Some("360dialog's own signup, several numbers at once"),
    ),
    ("onboarding.manual", None),
];
