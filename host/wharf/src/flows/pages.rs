//! Flows that end in a list, told page by page: templates, and what was missed in an outage.

use wharf_core::provider::{
    CallContext, CatchUp, InboundItem, Outcome, PageStep, TemplateEntry, TemplatesRequest,
    TemplatesStep,
};
use wharf_runtime::{CallError, Plugin};
use wharf_store::StoreError;

use super::FlowError;
use super::driver::Driver;

/// Takes what a flow brings. The next page is asked for once this one is taken.
pub trait PageSink<T>: Send {
    fn page(&mut self, items: Vec<T>) -> impl Future<Output = Result<(), FlowError>> + Send;
}

/// Keeps every item in memory, up to a number.
pub struct Collected<T> {
    pub items: Vec<T>,
    items_max: usize,
}

impl<T> Collected<T> {
    pub fn new(items_max: usize) -> Self {
        Self {
            items: Vec::new(),
            items_max,
        }
    }
}

impl<T: Send> PageSink<T> for Collected<T> {
    async fn page(&mut self, items: Vec<T>) -> Result<(), FlowError> {
        if self.items.len() + items.len() > self.items_max {
            return Err(FlowError::Items {
                max: self.items_max,
            });
        }
        self.items.extend(items);
        Ok(())
    }
}

/// For sinks that write to the store.
impl<T, F, R> PageSink<T> for F
where
    T: Send,
    F: FnMut(Vec<T>) -> R + Send,
    R: Future<Output = Result<(), StoreError>> + Send,
{
    async fn page(&mut self, items: Vec<T>) -> Result<(), FlowError> {
        self(items).await.map_err(FlowError::Store)
    }
}

type Paged<T> = Result<PageStep<T>, CallError>;

/// The two functions of such an interface, with what both are given.
pub(super) trait Pages: Sync {
    type Item: Send;

    fn start(
        &self,
        plugin: &Plugin,
        context: &CallContext,
    ) -> impl Future<Output = Paged<Self::Item>> + Send;

    fn resume(
        &self,
        plugin: &Plugin,
        context: &CallContext,
        state: &[u8],
        outcome: &Outcome,
    ) -> impl Future<Output = Paged<Self::Item>> + Send;
}

pub(super) async fn run<P: Pages>(
    mut driver: Driver<'_>,
    flow: &P,
    sink: &mut impl PageSink<P::Item>,
) -> Result<(), FlowError> {
    let mut step = flow.start(driver.plugin, &driver.context()).await?;
    loop {
        let exchange = match step {
            PageStep::Done(items) => return sink.page(items).await,
            PageStep::Page(items, exchange) => {
                sink.page(items).await?;
                exchange
            }
            PageStep::Exchange(exchange) => exchange,
        };
        let outcome = driver.exchange(&exchange).await?;
        let context = driver.context();
        step = flow
            .resume(driver.plugin, &context, &exchange.state, &outcome)
            .await?;
    }
}

pub(super) struct OfTemplates<'a>(pub(super) &'a TemplatesRequest);

impl Pages for OfTemplates<'_> {
    type Item = TemplateEntry;

    async fn start(
        &self,
        plugin: &Plugin,
        context: &CallContext,
    ) -> Result<TemplatesStep, CallError> {
        plugin.templates_start(context, self.0).await
    }

    async fn resume(
        &self,
        plugin: &Plugin,
        context: &CallContext,
        state: &[u8],
        outcome: &Outcome,
    ) -> Result<TemplatesStep, CallError> {
        plugin
            .templates_resume(context, self.0, state, outcome)
            .await
    }
}

pub(super) struct OfCatchUp {
    pub(super) since_ms: u64,
}

impl Pages for OfCatchUp {
    type Item = InboundItem;

    async fn start(&self, plugin: &Plugin, context: &CallContext) -> Result<CatchUp, CallError> {
        plugin.catch_up(context, self.since_ms).await
    }

    async fn resume(
        &self,
        plugin: &Plugin,
        context: &CallContext,
        state: &[u8],
        outcome: &Outcome,
    ) -> Result<CatchUp, CallError> {
        plugin
            .catch_up_resume(context, self.since_ms, state, outcome)
            .await
    }
}
