//! Calls about media: uploads, links that end, their bytes, and resumable uploads.

use std::collections::BTreeMap;

use serde_json::json;

use super::Shared;
use super::serve::Target;
use crate::cloud::media::shown;
use crate::cloud::serve::{Refusal, Reply, Request};
use crate::cloud::{GraphError, Platform, multipart};

/// An upload that goes on where it stopped.
#[derive(Debug, Default)]
pub(super) struct Uploads(BTreeMap<String, Session>);

#[derive(Debug)]
struct Session {
    length: usize,
    received: usize,
}

pub(super) fn upload(
    shared: &Shared,
    request: &Request,
    target: &Target<'_>,
) -> Result<Reply, Refusal> {
    let number = shared.number_of(target.path[0], &target.caller, "POST")?;
    let content_type = request.header("content-type").unwrap_or_default();
    let parts = multipart::parse(content_type, &request.body).map_err(GraphError::parameter)?;
    let now_ms = shared.platform.clock.now_ms();
    let id = shared
        .platform
        .world()
        .media
        .upload(&number.id, &parts, now_ms)?;
    Ok(Reply::ok(json!({ "id": id })))
}

pub(super) fn of_medium(
    shared: &Shared,
    request: &Request,
    target: &Target<'_>,
) -> Result<Reply, Refusal> {
    let id = target.path[0];
    let unknown = || GraphError::unknown_object(id, request.method.as_str());
    let now_ms = shared.platform.clock.now_ms();
    let owner = shared.platform.world().media.owner(id).map(str::to_owned);
    let owner = owner.ok_or_else(unknown)?;
    shared
        .number_of(&owner, &target.caller, request.method.as_str())
        .map_err(|_| unknown())?;
    let named = request.parameter("phone_number_id");
    if named.is_some_and(|named| named != owner) {
        return Err(unknown().into());
    }
    let mut world = shared.platform.world();
    if world.media.find(id, &owner, now_ms).is_none() {
        return Err(unknown().into());
    }
    match request.method.as_str() {
        "GET" => {
            let url = world
                .media
                .link(&shared.config.expected_media_host, id, now_ms);
            let medium = world.media.find(id, &owner, now_ms).ok_or_else(unknown)?;
            let mut body = shown(medium, &url);
            // A string in the OpenAPI document; both are seen.
            body["file_size"] = json!(medium.bytes.len().to_string());
            Ok(Reply::ok(body))
        }
        "DELETE" => {
            world.media.delete(id);
            Ok(Reply::success())
        }
        _ => Err(unknown().into()),
    }
}

/// The bytes behind a link: for who holds the token too, and for five minutes.
pub(super) fn download(shared: &Shared, request: &Request) -> Result<Reply, Refusal> {
    let now_ms = shared.platform.clock.now_ms();
    let caller = shared
        .access()
        .authorize(request, &shared.config, "Bearer ", now_ms)?;
    let gone = || GraphError {
        status: axum::http::StatusCode::NOT_FOUND,
        ..GraphError::parameter("The media does not exist, or its URL has expired.")
    };
    if request.method != "GET" || request.path != "/whatsapp_business/attachments/" {
        return Err(gone().into());
    }
    let found = shared
        .platform
        .world()
        .media
        .by_link(&request.query, now_ms)
        .cloned();
    let medium = found.ok_or_else(gone)?;
    shared
        .number_of(&medium.phone_number_id, &caller, "GET")
        .map_err(|_| gone())?;
    Ok(Reply::Bytes {
        content_type: medium.content_type,
        bytes: medium.bytes,
    })
}

pub(super) fn begin_upload(
    shared: &Shared,
    request: &Request,
    target: &Target<'_>,
) -> Result<Reply, Refusal> {
    if target.path[0] != shared.config.app_id {
        return Err(GraphError::unknown_object(target.path[0], "POST").into());
    }
    let length = request
        .parameter("file_length")
        .and_then(|length| length.parse().ok());
    let (Some(length), Some(_)) = (length, request.parameter("file_type")) else {
        let complaint = "The parameters file_length and file_type are required.";
        return Err(GraphError::parameter(complaint).into());
    };
    let id = Platform::secret("upload:MTphdHRhY2htZW50O");
    shared.uploads().0.insert(
        id.clone(),
        Session {
            length,
            received: 0,
        },
    );
    Ok(Reply::ok(json!({ "id": id })))
}

pub(super) fn send_upload(
    shared: &Shared,
    request: &Request,
    target: &Target<'_>,
) -> Result<Reply, Refusal> {
    let id = target.path[0];
    let verb = request.method.as_str();
    let mut uploads = shared.uploads();
    let session = uploads
        .0
        .get_mut(id)
        .ok_or_else(|| GraphError::unknown_object(id, verb))?;
    if verb == "GET" {
        return Ok(Reply::ok(
            json!({ "id": id, "file_offset": session.received }),
        ));
    }
    let offset = request
        .header("file_offset")
        .and_then(|offset| offset.parse().ok());
    if verb != "POST" || offset != Some(session.received) {
        let complaint = format!("The header file_offset must be {}.", session.received);
        return Err(GraphError::parameter(complaint).into());
    }
    session.received += request.body.len();
    if session.received > session.length {
        return Err(GraphError::parameter("There is more than file_length says.").into());
    }
    if session.received < session.length {
        return Ok(Reply::ok(
            json!({ "id": id, "file_offset": session.received }),
        ));
    }
    Ok(Reply::ok(
        json!({ "h": Platform::secret("4::aW1hZ2UvanBlZw==:ARa") }),
    ))
}
