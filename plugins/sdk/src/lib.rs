//! What a Wharf provider plugin is written with.
//!
//! A plugin is a set of pure functions: it says what it is ([`Provider::describe`]), turns a message
//! into a request that the host performs ([`Provider::start`], [`Provider::resume`]) and reads the
//! provider's webhooks ([`Provider::parse`]). It has no socket, no clock and no storage, and no secret
//! ever reaches it. Everything here is plain data, so a plugin's tests run natively, without wasm.
//!
//! ```
//! use wharf_plugin::prelude::*;
//!
//! struct Echo;
//!
//! impl Provider for Echo {
//!     fn describe() -> Descriptor {
//!         Descriptor::new("com.example.echo", "Echo", "0.1.0", "Example").sender("sender")
//!     }
//!     fn start(_: &Context, message: &Message) -> Result<Progress, Error> {
//!         let document = format!(r#"{{"id":"{}"}}"#, message.id);
//!         Ok(Exchange::post_json("send", "https://api.example.com/send", document).into())
//!     }
//! }
//! wharf_plugin::export_provider!(Echo);
//! # fn main() {}
//! ```

mod describe;
mod failure;
mod fingerprint;
pub mod log;
mod paging;
mod provider;
mod request;

/// Generated from `wit/provider.wit`; use the tidy modules below instead.
#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "provider",
        pub_export_macro: true,
        export_macro_name: "export_bindings",
        default_bindings_module: "wharf_plugin::bindings",
        additional_derives: [PartialEq],
    });
}

/// Values shared by the other modules: requests, pieces, outcomes.
pub mod types {
    pub use crate::bindings::wharf::provider::types::*;
}
/// The closed list of provider failures the host acts on.
pub mod errors {
    pub use crate::bindings::wharf::provider::errors::*;
}
/// What a tenant sends.
pub mod messages {
    pub use crate::bindings::wharf::provider::messages::*;
}
/// What a plugin is and wants.
pub mod manifest {
    pub use crate::bindings::exports::wharf::provider::manifest::*;
}
/// The way of a message out.
pub mod outbound {
    pub use crate::bindings::exports::wharf::provider::outbound::*;
}
/// What a webhook holds.
pub mod inbound {
    pub use crate::bindings::exports::wharf::provider::inbound::*;
}

pub use fingerprint::fingerprint;
pub use paging::Page;
#[doc(hidden)]
pub use provider::Adapter;
pub use provider::Provider;
pub use request::{piece, text};

/// The names nearly every plugin needs.
pub mod prelude {
    pub use crate::errors::{Code, Error, Retry};
    pub use crate::inbound::{Event, Item, Parsed, Route, Webhook};
    pub use crate::manifest::Descriptor;
    pub use crate::messages::{Address, Content, Message};
    pub use crate::outbound::{Accepted, Progress};
    pub use crate::types::{
        Context, Exchange, HttpResponse, Outcome, Party, Piece, Replay, TransportFailure,
    };
    pub use crate::{Page, Provider, fingerprint, piece, text};
}
