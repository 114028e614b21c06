//! The books of a platform: accounts, their numbers, media and templates.

use serde_json::{Value, json};

use super::config::{Limits, PhoneNumber};
use super::error::GraphError;
use super::media::MediaStore;
use super::number::{Number, fields_of};
use super::templates::Template;
use super::traffic::Traffic;

const HOUR_MS: u64 = 60 * 60 * 1000;
/// Templates of an account whose business is not verified.
const TEMPLATES_MAX: usize = 250;
const ACCOUNT_FIELDS: &[&str] = &[
    "id",
    "name",
    "currency",
    "timezone_id",
    "message_template_namespace",
    "account_review_status",
    "business_verification_status",
    "status",
    "health_status",
    "owner_business_info",
];

/// A WhatsApp business account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Whether our app gets its webhooks.
    pub(crate) is_subscribed: bool,
    /// Webhooks of this account go there, where fields allow it.
    pub(crate) callback: Option<String>,
    /// Start of the hour and calls in it.
    calls: (u64, u32),
}

impl Account {
    pub(crate) fn new(id: &str, is_subscribed: bool) -> Self {
        Self {
            id: id.to_owned(),
            name: "Lucky Shrub".to_owned(),
            is_subscribed,
            callback: None,
            calls: (0, 0),
        }
    }
}

pub(crate) struct World {
    pub(crate) accounts: Vec<Account>,
    pub(crate) numbers: Vec<Number>,
    pub(crate) templates: Vec<Template>,
    pub(crate) media: MediaStore,
    pub(super) traffic: Traffic,
    next_id: u64,
}

impl World {
    /// Numbers of the configuration are connected, and their accounts subscribed.
    pub(crate) fn new(numbers: &[PhoneNumber]) -> Self {
        let mut world = Self {
            accounts: Vec::new(),
            numbers: Vec::new(),
            templates: Vec::new(),
            media: MediaStore::new(),
            traffic: Traffic::default(),
            next_id: 1_406_460_440_000_000,
        };
        for number in numbers {
            world.open_account(&number.account_id, true);
            world.numbers.push(Number::connected(number));
        }
        world
    }

    /// Opens an account, unless there is one; a new one has the sample template.
    pub(crate) fn open_account(&mut self, id: &str, is_subscribed: bool) {
        if self.accounts.iter().any(|account| account.id == id) {
            return;
        }
        self.accounts.push(Account::new(id, is_subscribed));
        self.add_template(id, Template::hello_world());
    }

    pub(crate) fn add_template(&mut self, account_id: &str, template: Template) -> String {
        let id = self.next_id();
        self.templates.push(Template {
            id: id.clone(),
            account_id: account_id.to_owned(),
            ..template
        });
        id
    }

    /// Takes in a template that `POST` was given.
    pub(crate) fn create_template(&mut self, template: Template) -> Result<Template, GraphError> {
        let of_account = || {
            self.templates
                .iter()
                .filter(|known| known.account_id == template.account_id)
        };
        if of_account()
            .any(|known| known.name == template.name && known.language == template.language)
        {
            return Err(GraphError {
                subcode: Some(2_388_024),
                ..GraphError::parameter("Content in this language already exists")
            });
        }
        if of_account().count() >= TEMPLATES_MAX {
            return Err(GraphError::of_code(2_388_019));
        }
        let id = self.add_template(&template.account_id.clone(), template);
        self.template(&id)
            .cloned()
            .ok_or_else(|| GraphError::unknown_object(&id, "GET"))
    }

    pub(crate) fn next_id(&mut self) -> String {
        self.next_id += 1;
        self.next_id.to_string()
    }

    pub(crate) fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }

    pub(crate) fn account_mut(&mut self, id: &str) -> Option<&mut Account> {
        self.accounts.iter_mut().find(|account| account.id == id)
    }

    pub(crate) fn number(&self, id: &str) -> Option<&Number> {
        self.numbers.iter().find(|number| number.base.id == id)
    }

    pub(crate) fn number_mut(&mut self, id: &str) -> Option<&mut Number> {
        self.numbers.iter_mut().find(|number| number.base.id == id)
    }

    pub(crate) fn template(&self, id: &str) -> Option<&Template> {
        self.templates.iter().find(|template| template.id == id)
    }

    pub(crate) fn template_mut(&mut self, id: &str) -> Option<&mut Template> {
        self.templates.iter_mut().find(|template| template.id == id)
    }

    /// Deletes every language of a name, or the one with the id; how many there were.
    pub(crate) fn delete_templates(
        &mut self,
        account_id: &str,
        name: &str,
        id: Option<&str>,
    ) -> usize {
        let before = self.templates.len();
        self.templates.retain(|template| {
            let is_meant = template.account_id == account_id
                && template.name == name
                && id.is_none_or(|id| template.id == id);
            !is_meant
        });
        before - self.templates.len()
    }

    /// Counts a management call of an account in its hour.
    pub(crate) fn count_call(
        &mut self,
        account_id: &str,
        limits: &Limits,
        now_ms: u64,
    ) -> Result<(), GraphError> {
        let Some(account) = self.account_mut(account_id) else {
            return Ok(());
        };
        let hour = now_ms / HOUR_MS;
        if account.calls.0 != hour {
            account.calls = (hour, 0);
        }
        account.calls.1 += 1;
        match limits.management_per_hour {
            Some(max) if account.calls.1 > max => Err(GraphError::of_code(80_008)),
            _ => Ok(()),
        }
    }

    /// The share of the hour's calls, in percent.
    pub(crate) fn usage(&self, account_id: &str, limits: &Limits, now_ms: u64) -> u32 {
        let calls = self
            .account(account_id)
            .filter(|account| account.calls.0 == now_ms / HOUR_MS)
            .map_or(0, |account| account.calls.1);
        limits
            .management_per_hour
            .map_or(0, |max| calls * 100 / max.max(1))
    }

    pub(crate) fn set_identity(&mut self, who: &str, hash: &str) {
        self.traffic.set_identity(who, hash);
    }

    /// `GET /{account}`.
    pub(crate) fn shown_account(
        &self,
        id: &str,
        fields: Option<&str>,
    ) -> Result<Value, GraphError> {
        let account = self
            .account(id)
            .ok_or_else(|| GraphError::unknown_object(id, "GET"))?;
        let default = ["id", "name", "timezone_id", "message_template_namespace"];
        let wanted = fields_of(fields, ACCOUNT_FIELDS, &default, "WhatsAppBusinessAccount")?;
        let all = json!({
            "id": account.id,
            "name": account.name,
            "currency": "USD",
            "timezone_id": "1",
            "message_template_namespace": "ba30dd89_2ebd_41e4_b805_f2c05ae04cc9",
            "account_review_status": "APPROVED",
            "business_verification_status": "verified",
            "status": "ACTIVE",
            "health_status": self.health_of(id, None),
            "owner_business_info": { "id": "2729063490586005", "name": account.name },
        });
        let mut shown = json!({ "id": account.id });
        for field in wanted {
            shown[field] = all[field].clone();
        }
        Ok(shown)
    }

    /// `health_status` of an account, or of a number with its account.
    pub(crate) fn health_of(&self, account_id: &str, number: Option<&Number>) -> Value {
        let mut entities = Vec::new();
        if let Some(number) = number {
            let mut entity = json!({
                "entity_type": "PHONE_NUMBER",
                "id": number.base.id,
                "can_send_message": if number.registered { &number.can_send } else { "BLOCKED" },
            });
            if !number.registered {
                entity["errors"] = json!([{
                    "error_code": 141_000,
                    "error_description": "The phone number is not registered.",
                    "possible_solution": "Register the phone number.",
                }]);
            }
            entities.push(entity);
        }
        let others = [
            ("WABA", account_id),
            ("BUSINESS", "2729063490586005"),
            ("APP", "670843887433847"),
        ];
        for (kind, id) in others {
            entities
                .push(json!({ "entity_type": kind, "id": id, "can_send_message": "AVAILABLE" }));
        }
        let worst = ["BLOCKED", "LIMITED"]
            .into_iter()
            .find(|state| {
                entities
                    .iter()
                    .any(|entity| entity["can_send_message"] == **state)
            })
            .unwrap_or("AVAILABLE");
        json!({ "can_send_message": worst, "entities": entities })
    }
}
