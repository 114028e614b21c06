//! What messages this builds, in the words of a descriptor.

/// Capabilities by name, with the note where there is one.
pub const KINDS: &[(&str, Option<&str>)] = &[
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
];
