//! The pure domain of Wharf: types, limits and decisions.
//!
//! Nothing here performs I/O or knows of tokio, sqlx, axum or wasmtime; clock, ids and randomness
//! come in by argument, so every rule can be tested as a function.

pub mod api_key;
pub mod code;
pub mod event_type;
pub mod fetch;
pub mod ids;
pub mod nearest;
pub mod phone;
pub mod provider;
pub mod rate;
pub mod reason;
pub mod request;
pub mod retry;
pub mod scope;
pub mod status;
pub mod webhook;

pub use code::Code;
pub use event_type::EventType;
pub use ids::{
    AppId, ChannelId, Clock, DeliveryId, EndpointId, EventId, IdError, IdSource, JobId, MediaId,
    MessageId, OnboardingId, TemplateId, TenantId, WebhookId,
};
pub use reason::Reason;
pub use status::Status;
