//! The one way to a route: an [`Operation`] that describes it, and its handler, added together.
//!
//! How a route declares itself. Each file of this folder that has routes has one function:
//!
//! ```ignore
//! pub(super) fn routes() -> Routes {
//!     Routes::new()
//!         .on(
//!             Operation::get("/v1/things", "list_things")
//!                 .about("things", "Things, newest first")
//!                 .query("limit", "How many at most", json!({"type": "integer"}))
//!                 .answers(200, "One page", shape::<ThingPage>()),
//!             list_things,
//!         )
//!         .on(
//!             Operation::post("/v1/things", "create_thing")
//!                 .about("things", "Makes a thing")
//!                 .takes(shape::<ThingIn>(), json!({"name": "first"}))
//!                 .answers(201, "The thing", shape::<Thing>())
//!                 .refuses(&[Code::Conflict]),
//!             create_thing,
//!         )
//! }
//! ```
//!
//! and [`super::all_routes`] one line for it. What follows from the rest is not said again: the path's
//! parameters, the scope (`wharf_core::scope::needed`), what a missing key, a body or a query bring along as
//! refusals. Query parameters that are not declared are refused here, before the handler. Shapes are structs in
//! `openapi/shapes/` with `#[derive(ToSchema)]`. Afterwards `cargo xtask openapi` writes the golden file.
//!
//! A test reads this folder and names every route that was added in another way.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::on;

use super::messages::Query;
use super::openapi::Operation;
use crate::app::App;

/// Routes with their descriptions.
#[derive(Default)]
pub(super) struct Routes {
    router: Router<Arc<App>>,
    operations: Vec<Operation>,
}

impl Routes {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// One operation and who answers it.
    pub(super) fn on<H, T>(mut self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        let mut route = on(operation.method(), handler);
        if operation.checks_query() {
            let known: Arc<[&'static str]> = operation.query_names().into();
            route = route.layer(middleware::from_fn(move |request, next| {
                only_known(Arc::clone(&known), request, next)
            }));
        }
        self.router = self.router.route(operation.path(), route);
        self.operations.push(operation);
        self
    }

    pub(super) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.operations.extend(other.operations);
        self
    }

    pub(super) fn into_router(self) -> Router<Arc<App>> {
        self.router
    }

    pub(super) fn operations(&self) -> &[Operation] {
        &self.operations
    }
}

/// A parameter that is not heeded would change what is asked for: it is refused.
async fn only_known(known: Arc<[&'static str]>, request: Request, next: Next) -> Response {
    match Query::read(request.uri().query(), &known) {
        Ok(_) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}
