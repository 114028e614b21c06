//! The description of the API as OpenAPI 3.1, made from the routes themselves.
//!
//! Owns what an operation says of itself and how that becomes a document. How a route declares itself stands in
//! `http::routes`. Knows no handler.

mod document;
mod operation;
mod schema;
pub(super) mod shapes;

pub(super) use document::document;
pub(super) use operation::{Access, Operation};
pub(super) use schema::{Shape, shape};
