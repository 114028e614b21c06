//! The native test kit: contexts, messages and outcomes to call a plugin with, and golden cases.
//!
//! A plugin is pure functions over plain values, so its tests are plain too:
//!
//! ```
//! use wharf_plugin::prelude::*;
//! use wharf_plugin::testing;
//!
//! # struct Acme;
//! # impl Provider for Acme {
//! #     fn describe() -> Descriptor { Descriptor::new("a.b", "A", "1", "V") }
//! #     fn start(_: &Context, message: &Message) -> Result<Progress, Error> {
//! #         Ok(Exchange::post_json("send", "https://api.example.com/", "{}").bearer("key").into())
//! #     }
//! # }
//! let progress = Acme::start(&testing::context(&[("sender", "demo")]), &testing::text("Hello"));
//! let exchange = testing::show(&testing::exchange(progress));
//! assert_eq!(exchange["request"]["headers"][0]["value"][1], serde_json::json!({ "secret": "key" }));
//! ```
//!
//! The files in `cases/` run natively with [`Golden`] and, unchanged, in the sandbox with
//! `wharf plugin test`.

mod golden;
mod outcomes;
mod read;
mod samples;
mod show;

use crate::messages::{Content, Message};
use crate::types::{Context, Exchange};

pub use golden::Golden;
pub use outcomes::{answer, answer_with, broken_answers, failures, garbage};
pub use read::{Wrong, read};
pub use samples::contents;
pub use show::show;

/// The moment of every test that does not choose its own.
pub const NOW_MS: u64 = 1_790_000_000_000;
/// The id of every message that does not choose its own: a ULID, as the gateway makes them.
pub const MESSAGE_ID: &str = "01J9ZQ5Y3W8V7T6S5R4Q3P2N1M";
/// Who every message goes to that does not choose its own.
pub const PHONE: &str = "4915112345678";

/// A context with these settings.
#[must_use]
pub fn context(settings: &[(&str, &str)]) -> Context {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Context {
        settings: settings.iter().map(owned).collect(),
        now: NOW_MS,
        seed: b"wharf-golden-case-seed-32-bytes!".to_vec(),
        locale: None,
    }
}

/// A message with this content, to [`PHONE`].
#[must_use]
pub fn message(content: Content) -> Message {
    Message {
        id: MESSAGE_ID.to_owned(),
        to: crate::messages::Address::Phone(PHONE.to_owned()),
        sender: "sender".to_owned(),
        content,
        reply_to: None,
        options: "{}".to_owned(),
    }
}

/// A text message.
#[must_use]
pub fn text(body: &str) -> Message {
    message(Content::Text(crate::messages::Text {
        body: body.to_owned(),
        preview_url: false,
    }))
}

/// The exchange that a step asks for; any step of any interface.
///
/// # Panics
/// When it asks for none: the test has failed.
pub fn exchange<P: serde::Serialize, E: std::fmt::Debug>(progress: Result<P, E>) -> Exchange {
    let progress = match progress {
        Ok(progress) => show(&progress),
        Err(error) => panic!("expected an exchange, got {error:?}"),
    };
    let exchange = ["/exchange", "/page/1", "/page/next", "/next/exchange"]
        .iter()
        .find_map(|pointer| progress.pointer(pointer));
    match exchange.map(read) {
        Some(Ok(exchange)) => exchange,
        Some(Err(wrong)) => panic!("the exchange cannot be read again: {wrong}"),
        None => panic!("expected an exchange, got {progress}"),
    }
}

/// The JSON document of an exchange's body.
///
/// # Panics
/// When its body is not JSON: the test has failed.
#[must_use]
pub fn document(exchange: &Exchange) -> serde_json::Value {
    match &exchange.request.body {
        crate::types::Body::Json(json) => {
            serde_json::from_str(&json.document).expect("the body's document is JSON")
        }
        body => panic!("expected a JSON body, got {body:?}"),
    }
}
