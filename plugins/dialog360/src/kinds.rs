//! What this plugin does beside the messages of `wharf_cloud_api`, by the names that the table of capabilities
//! compares.

/// By name, with the note where there is one.
pub(crate) const BESIDE: &[(&str, Option<&str>)] = &[
    ("to.phone", None),
    ("to.user-id", None),
    (
        "to.group",
        Some("the group must have been created over the Cloud API"),
    ),
    (
        "templates",
        Some(
            "list, create with example media as links, delete in all languages; 360dialog has no call to edit one, and sends marketing templates over Meta's marketing messages API where it can",
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
