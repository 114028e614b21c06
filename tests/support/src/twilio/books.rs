//! The books of a fake: accounts, senders, contents, messages, media, and what passed between people.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::account::Account;
use super::address::Address;
use super::config::{FakeTwilioConfig, Limits, MessagingService, SharedWaba};
use super::content::Content;
use super::error::TwilioError;
use super::fetch::FetchedFile;
use super::media::Medium;
use super::message::Message;
use super::sender::Sender;

const WINDOW_MS: u64 = 24 * 60 * 60 * 1000;

/// A second and what happened in it.
type Second = (u64, u32);

#[derive(Default)]
pub(super) struct Books {
    pub(super) accounts: Vec<Account>,
    pub(super) senders: Vec<Sender>,
    pub(super) services: Vec<MessagingService>,
    pub(super) wabas: Vec<SharedWaba>,
    pub(super) contents: Vec<Content>,
    /// By the order of their arrival.
    pub(super) messages: BTreeMap<u64, Message>,
    places: HashMap<String, u64>,
    pub(super) media: Vec<Medium>,
    pub(super) fetched: Vec<FetchedFile>,
    /// Account and name of templates that were rejected or deleted.
    pub(super) burned_names: BTreeSet<(String, String)>,
    /// Number and person, and when the person wrote last.
    last_inbound_ms: BTreeMap<(String, String), u64>,
    calls: BTreeMap<String, Second>,
    sends: BTreeMap<String, Second>,
    next_message: u64,
}

impl Books {
    pub(super) fn new(config: &FakeTwilioConfig) -> Self {
        Self {
            accounts: config.accounts.clone(),
            senders: config.senders.iter().map(Sender::online).collect(),
            services: config.services.clone(),
            wabas: config.wabas.clone(),
            ..Self::default()
        }
    }

    pub(super) fn account(&self, sid: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.sid == sid)
    }

    /// A sender that may send and receive.
    pub(super) fn online_sender(&self, account: &str, number: &str) -> Option<&Sender> {
        let mut senders = self.senders.iter();
        senders.find(|it| it.account_sid == account && it.number == number && it.is_online())
    }

    pub(super) fn service(&self, account: &str, sid: &str) -> Option<&MessagingService> {
        let mut services = self.services.iter();
        services.find(|service| service.sid == sid && service.account_sid == account)
    }

    pub(super) fn content(&self, account: &str, sid: &str) -> Result<&Content, TwilioError> {
        let mut contents = self.contents.iter();
        contents
            .find(|content| content.sid == sid && content.account_sid == account)
            .ok_or_else(|| TwilioError::not_found(&format!("/v1/Content/{sid}")))
    }

    pub(super) fn content_mut(&mut self, sid: &str) -> Result<&mut Content, TwilioError> {
        let mut contents = self.contents.iter_mut();
        contents
            .find(|content| content.sid == sid)
            .ok_or_else(|| TwilioError::not_found(&format!("/v1/Content/{sid}")))
    }

    /// Takes a content out; the name of its template is gone with it.
    pub(super) fn forget_content(&mut self, sid: &str) {
        if let Some(content) = self.contents.iter().find(|content| content.sid == sid)
            && let Some(approval) = &content.approval
        {
            let name = (content.account_sid.clone(), approval.name.clone());
            self.burned_names.insert(name);
        }
        self.contents.retain(|content| content.sid != sid);
    }

    /// Approves what a review without people has had long enough.
    pub(super) fn review(&mut self, now_ms: u64) {
        let approvals = self.contents.iter_mut();
        for approval in approvals.filter_map(|content| content.approval.as_mut()) {
            if approval.status == "received"
                && approval.approved_at_ms.is_some_and(|at| at <= now_ms)
            {
                approval.status = "approved".to_owned();
            }
        }
    }

    pub(super) fn find_message(&self, sid: &str) -> Option<&Message> {
        self.messages.get(self.places.get(sid)?)
    }

    pub(super) fn message(&self, account: &str, sid: &str) -> Result<&Message, TwilioError> {
        self.find_message(sid)
            .filter(|message| message.account_sid == account)
            .ok_or_else(|| TwilioError::not_found(&format!("Message {sid}")))
    }

    pub(super) fn message_mut(&mut self, sid: &str) -> Result<&mut Message, TwilioError> {
        let place = self.places.get(sid);
        place
            .and_then(|place| self.messages.get_mut(place))
            .ok_or_else(|| TwilioError::not_found(&format!("Message {sid}")))
    }

    pub(super) fn add_message(&mut self, message: Message) {
        self.next_message += 1;
        self.places.insert(message.sid.clone(), self.next_message);
        self.messages.insert(self.next_message, message);
    }

    pub(super) fn forget_message(&mut self, sid: &str) {
        if let Some(place) = self.places.remove(sid) {
            self.messages.remove(&place);
        }
    }

    /// Counts an API call in its second.
    pub(super) fn count_call(
        &mut self,
        account: &str,
        limits: &Limits,
        now_ms: u64,
    ) -> Result<(), TwilioError> {
        let Some(max) = limits.calls_per_second else {
            return Ok(());
        };
        if count(&mut self.calls, account, now_ms) > max {
            return Err(TwilioError::of_code(20_429).retry_after(1));
        }
        Ok(())
    }

    /// Whether a message of this number is beyond the sender's rate.
    pub(super) fn is_beyond_rate(&mut self, number: &str, limits: &Limits, now_ms: u64) -> bool {
        limits
            .sender_per_second
            .is_some_and(|max| count(&mut self.sends, number, now_ms) > max)
    }

    /// Messages of a number that were not sent yet.
    pub(super) fn waiting(&self, number: &str) -> usize {
        let messages = self.messages.values();
        messages
            .filter(|message| message.status == "queued")
            .filter(|message| {
                message
                    .from
                    .as_ref()
                    .is_some_and(|from| from.key() == number)
            })
            .count()
    }

    /// A customer wrote: the window is open for a day.
    pub(super) fn note_inbound(&mut self, number: &str, person: &Address, now_ms: u64) {
        let pair = (number.to_owned(), person.key().to_owned());
        self.last_inbound_ms.insert(pair, now_ms);
    }

    pub(super) fn is_window_open(&self, number: &str, person: &Address, now_ms: u64) -> bool {
        let pair = (number.to_owned(), person.key().to_owned());
        self.last_inbound_ms
            .get(&pair)
            .is_some_and(|at| now_ms < at.saturating_add(WINDOW_MS))
    }
}

fn count(seconds: &mut BTreeMap<String, Second>, key: &str, now_ms: u64) -> u32 {
    let second = seconds.entry(key.to_owned()).or_default();
    if second.0 != now_ms / 1000 {
        *second = (now_ms / 1000, 0);
    }
    second.1 += 1;
    second.1
}
