//! What this plugin does beside the messages of `wharf_cloud_api`.

/// What it does beside messages, by names of this project's own.
pub(super) const BESIDE: &[(&str, Option<&str>)] = &[
    ("to.phone", None),
    ("to.user-id", None),
    (
        "to.group",
        Some("the group must have been created over the Cloud API"),
    ),
    (
        "templates",
        Some("list, create with example media, edit, delete"),
    ),
    ("profile", None),
    ("health", None),
    (
        "onboarding.embedded-signup",
        Some("new numbers, and numbers that stay in the app"),
    ),
    ("onboarding.manual", None),
];
