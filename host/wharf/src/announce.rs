//! Events: written in the transaction of what they tell, with a delivery for each endpoint that wants them.

use std::sync::Arc;

use serde_json::{Value, json};
use wharf_core::{
    ChannelId, DeliveryId, EventId, EventType, IdSource, MessageId, Status, TenantId,
};
use wharf_queue::{NewJob, Priority, Queue, Queues};
use wharf_store::{StoreError, Tx, deliveries, events};

use crate::app::App;
use crate::clock::rfc3339;
use crate::directory::Endpoint;
use crate::workers::jobs;

/// What writing an event needs, gathered before the transaction begins.
#[derive(Clone)]
pub(crate) struct Announcer {
    pub tenant: TenantId,
    endpoints: Arc<Vec<Arc<Endpoint>>>,
    ids: Arc<dyn IdSource>,
    queues: Queues,
    delivery_attempts_max: u32,
}

/// One fact to tell.
pub(crate) struct Fact {
    pub kind: EventType,
    pub channel: Option<ChannelId>,
    pub message: Option<MessageId>,
    pub data: Value,
}

impl Announcer {
    pub(crate) async fn of(app: &App, tenant: &TenantId) -> Result<Self, StoreError> {
        Ok(Self {
            tenant: tenant.clone(),
            endpoints: app.directory.endpoints(tenant).await?,
            ids: Arc::clone(&app.ids),
            queues: app.queues.clone(),
            delivery_attempts_max: jobs::delivery_attempts_max(&app.config),
        })
    }

    /// For jobs that belong to the same transaction.
    pub(crate) fn queues(&self) -> &Queues {
        &self.queues
    }

    pub(crate) fn ids(&self) -> &dyn IdSource {
        &*self.ids
    }

    /// Writes the event, its deliveries and their jobs.
    pub(crate) async fn announce(
        &self,
        tx: &mut Tx,
        fact: Fact,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let event = EventId::new(&*self.ids);
        let new = events::NewEvent {
            id: event,
            kind: fact.kind.as_str().to_owned(),
            channel: fact.channel,
            message: fact.message,
            data: fact.data,
            created_at: now_ms,
        };
        events::insert(tx, &self.tenant, &new).await?;
        let wanted: Vec<_> = self
            .endpoints
            .iter()
            .filter(|e| e.wants(fact.kind.as_str()))
            .collect();
        let mut pushed = Vec::with_capacity(wanted.len());
        for endpoint in wanted {
            let delivery = DeliveryId::new(&*self.ids);
            deliveries::insert(tx, &self.tenant, delivery, event, &endpoint.id, now_ms).await?;
            pushed.push(NewJob {
                id: wharf_core::JobId::new(&*self.ids),
                queue: Queue::Delivery,
                tenant: self.tenant.clone(),
                lane: format!("{}/{}", self.tenant, endpoint.id),
                order_key: None,
                kind: jobs::DELIVER,
                payload: json!({ "delivery": delivery }),
                priority: Priority::Normal,
                due_at: now_ms,
                attempts_max: self.delivery_attempts_max,
            });
        }
        if !pushed.is_empty() {
            self.queues.push(tx, &pushed, now_ms).await?;
        }
        Ok(())
    }
}

/// The data of a `message.status` event: what changed and how to find the message.
pub(crate) struct StatusChange<'a> {
    pub message: MessageId,
    pub channel: &'a ChannelId,
    pub to: &'a str,
    pub reference: Option<&'a str>,
    pub provider_message_id: Option<&'a str>,
    pub status: Status,
    pub at_ms: i64,
    pub error: Option<&'a Value>,
}

impl StatusChange<'_> {
    pub(crate) fn fact(&self) -> Fact {
        Fact {
            kind: EventType::MessageStatus,
            channel: Some(self.channel.clone()),
            message: Some(self.message),
            data: json!({
                "message_id": self.message,
                "channel": self.channel,
                "to": self.to,
                "reference": self.reference,
                "provider_message_id": self.provider_message_id,
                "status": self.status,
                "at": rfc3339(self.at_ms),
                "error": self.error,
            }),
        }
    }
}
