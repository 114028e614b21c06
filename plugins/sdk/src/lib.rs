//! What a Wharf provider plugin is written with.
//!
//! A plugin is a set of pure functions: it says what it is ([`Provider::describe`]), turns a message
//! into a request that the host performs ([`Provider::start`], [`Provider::resume`]) and reads the
//! provider's webhooks ([`Provider::parse`]). What else a provider can do has a trait of its own
//! ([`MediaProvider`], [`TemplateProvider`], ...), and [`export_provider!`] names those a plugin implements.
//! It has no socket, no clock and no storage, and no secret ever reaches it. Everything here is plain data,
//! so a plugin's tests run natively, without wasm (the module `testing`).
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

mod adapter;
mod describe;
mod document;
mod export;
mod failure;
mod fingerprint;
pub mod flow;
#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "an allocator hands out memory")]
mod heap;
pub mod log;
mod paging;
mod provider;
mod request;
mod response;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod value;
mod webhook;

/// Generated from `wit/provider.wit`; use the tidy modules below instead.
#[doc(hidden)]
#[cfg(target_arch = "wasm32")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "provider-full",
        pub_export_macro: true,
        export_macro_name: "export_everything",
        default_bindings_module: "wharf_plugin::bindings",
        additional_derives: [PartialEq],
    });
}
/// The same natively, where the test kit reads and shows every value.
#[doc(hidden)]
#[cfg(not(target_arch = "wasm32"))]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "provider-full",
        pub_export_macro: true,
        export_macro_name: "export_everything",
        default_bindings_module: "wharf_plugin::bindings",
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
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
/// Media at the provider.
pub mod media {
    pub use crate::bindings::exports::wharf::provider::media::*;
}
/// Templates at the provider.
pub mod templates {
    pub use crate::bindings::exports::wharf::provider::templates::*;
}
/// What the provider says of an account.
pub mod health {
    pub use crate::bindings::exports::wharf::provider::health::*;
}
/// Lost answers and missed webhooks.
pub mod reconcile {
    pub use crate::bindings::exports::wharf::provider::reconcile::*;
}
/// The public profile of a number.
pub mod profile {
    pub use crate::bindings::exports::wharf::provider::profile::*;
}
/// Flows that an operator starts.
pub mod onboarding {
    pub use crate::bindings::exports::wharf::provider::onboarding::*;
}

#[doc(hidden)]
pub use adapter::{Adapter, implements};
#[doc(hidden)]
pub use document::{document, with_whole_characters};
pub use export::sections;
pub use fingerprint::fingerprint;
pub use flow::one_shot;
pub use paging::Page;
pub use provider::{
    HealthProvider, MediaProvider, OnboardingProvider, ProfileProvider, Provider,
    ReconcileProvider, TemplateProvider,
};
pub use value::{piece, text};

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
    pub use crate::{Page, Provider, fingerprint, one_shot, piece, text};
}
