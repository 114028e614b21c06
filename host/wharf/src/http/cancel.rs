//! `POST /v1/messages/{id}/cancel`: a message that nobody has begun to send is not sent.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use wharf_core::{Code, MessageId, Status};
use wharf_store::messages;

use super::Problem;
use super::auth::Caller;
use super::openapi::shapes::messages::OutboundMessage;
use super::openapi::{Operation, shape};
use super::routes::Routes;
use crate::app::App;
use crate::view;
use crate::workers::cancel::{Canceled, cancel};

pub(super) fn routes() -> Routes {
    Routes::new().on(
        Operation::post("/v1/messages/{id}/cancel", "cancel_message")
            .about(
                "messages",
                "Takes back a message that nobody has begun to send",
            )
            .more("However often it is asked.")
            .answers(200, "The canceled message", shape::<OutboundMessage>())
            .refuses(&[Code::CancelTooLate]),
        cancel_message,
    )
}

/// 200 with the canceled message, however often it is asked; 409 with why when it is too late.
async fn cancel_message(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let missing = || Problem::new(Code::NotFound);
    let id: MessageId = id.parse().map_err(|_| missing())?;
    match cancel(&app, &caller.tenant, id).await? {
        Canceled::NoSuch => Err(missing()),
        Canceled::TooLate(status) => Err(Problem::new(Code::CancelTooLate)
            .detail(why(status))
            .with("message_status", status.as_str())),
        Canceled::Done => {
            let mut conn = app.db.read().await?;
            let message = messages::get(&mut conn, &caller.tenant, id).await?;
            let message = message.ok_or_else(missing)?;
            Ok(Json(view::message(&message)).into_response())
        }
    }
}

fn why(status: Status) -> String {
    match status {
        Status::Queued | Status::Sending => {
            "it is being sent at this moment; its status says what became of it".to_owned()
        }
        Status::Unknown => {
            "it may have been sent: the provider's answer was lost, and a status may settle it"
                .to_owned()
        }
        other => format!("its status is {other} already"),
    }
}
