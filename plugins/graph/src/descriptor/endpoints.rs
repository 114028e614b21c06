//! Which calls the plugin may make. One endpoint a topic, so that who approves it reads what for.

use wharf_plugin::manifest::Descriptor;
use wharf_plugin::types::HttpMethod;

use super::{HOST, LOGIN_HOST, MEDIA_HOST, MEDIA_PATH};

pub(super) fn messages(descriptor: Descriptor) -> Descriptor {
    descriptor
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
}

/// Tokens, numbers, subscriptions.
pub(super) fn onboarding(descriptor: Descriptor) -> Descriptor {
    descriptor
        .endpoint(
            HOST,
            &[HttpMethod::Get],
            &[
                "/{version}/oauth/access_token",
                "/{version}/debug_token",
                "/{version}/{account}/phone_numbers",
            ],
        )
        .endpoint(
            HOST,
            &[HttpMethod::Post],
            &[
                "/{version}/{phone}/register",
                "/{version}/{phone}/deregister",
                "/{version}/{phone}/request_code",
                "/{version}/{phone}/verify_code",
                "/{version}/{phone}/smb_app_data",
            ],
        )
        .endpoint(
            HOST,
            &[HttpMethod::Get, HttpMethod::Post, HttpMethod::Delete],
            &["/{version}/{account}/subscribed_apps"],
        )
        .endpoint(
            HOST,
            &[HttpMethod::Get, HttpMethod::Post],
            &["/{version}/{app}/subscriptions"],
        )
        // Where a browser logs in; the gateway itself has nothing to do there.
        .endpoint(LOGIN_HOST, &[HttpMethod::Get], &["/{version}/dialog/oauth"])
}

/// Numbers and accounts are read, settings of numbers and templates changed and uploads sent by their ids.
pub(super) fn nodes(descriptor: Descriptor) -> Descriptor {
    descriptor.endpoint(
        HOST,
        &[HttpMethod::Get, HttpMethod::Post],
        &["/{version}/{id}"],
    )
}

pub(super) fn templates(descriptor: Descriptor) -> Descriptor {
    descriptor
        .endpoint(
            HOST,
            &[HttpMethod::Get, HttpMethod::Post, HttpMethod::Delete],
            &["/{version}/{account}/message_templates"],
        )
        .endpoint(HOST, &[HttpMethod::Post], &["/{version}/{app}/uploads"])
}

pub(super) fn profile(descriptor: Descriptor) -> Descriptor {
    descriptor.endpoint(
        HOST,
        &[HttpMethod::Get, HttpMethod::Post],
        &["/{version}/{phone}/whatsapp_business_profile"],
    )
}
