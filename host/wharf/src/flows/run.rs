//! Asks a plugin until it is done: for one result, or for a list that comes page by page.

use wharf_core::provider::{PageStep, Step};
use wharf_store::StoreError;

use super::FlowError;
use super::driver::Driver;
use super::question::{After, Question};

/// Takes what a flow brings. The next page is asked for once this one is taken.
pub trait PageSink<T>: Send {
    fn page(&mut self, items: Vec<T>) -> impl Future<Output = Result<(), FlowError>> + Send;
}

/// The one result of a flow.
pub(super) async fn to_end<T: Send>(
    mut driver: Driver<'_>,
    question: &impl Question<Answer = Step<T>>,
) -> Result<T, FlowError> {
    let mut after = None;
    loop {
        let context = driver.context();
        match question
            .ask(driver.plugin, &context, after.as_ref())
            .await?
        {
            Step::Done(end) => return Ok(end),
            Step::Exchange(exchange) => {
                let outcome = driver.exchange(&exchange).await?;
                after = Some(After { exchange, outcome });
            }
        }
    }
}

/// All pages of a list, into `sink`.
pub(super) async fn to_last_page<T: Send>(
    mut driver: Driver<'_>,
    question: &impl Question<Answer = PageStep<T>>,
    sink: &mut impl PageSink<T>,
) -> Result<(), FlowError> {
    let mut after = None;
    loop {
        let context = driver.context();
        let exchange = match question
            .ask(driver.plugin, &context, after.as_ref())
            .await?
        {
            PageStep::Done(items) => return sink.page(items).await,
            PageStep::Page(items, exchange) => {
                sink.page(items).await?;
                exchange
            }
            PageStep::Exchange(exchange) => exchange,
        };
        let outcome = driver.exchange(&exchange).await?;
        after = Some(After { exchange, outcome });
    }
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
