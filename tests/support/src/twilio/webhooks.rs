//! The sender of webhooks: signs with the account's token, posts, and gives up as soon as Twilio does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use axum::http::{Method, Request, header};
use bytes::Bytes;
use http_body_util::Full;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::config::WebhookPolicy;
use super::signature;
use crate::http_client::{Answer, HttpClient};

/// Twilio waits no longer for an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// Somewhat more than any file may have, so that one that is too large is seen as such.
const FILE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// One webhook and how far its delivery has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRecord {
    /// Without the fragment, which is never sent.
    pub url: String,
    pub form: Vec<(String, String)>,
    /// Posts so far, each of which may have reached the receiver.
    pub posts: u32,
    /// The receiver answered 2xx.
    pub acknowledged: bool,
    /// Status or failure of the latest post.
    pub last_answer: Option<Result<u16, String>>,
}

/// A webhook that is to be sent.
pub(super) struct Webhook {
    /// As it was configured, with its fragment.
    pub(super) url: String,
    pub(super) fallback_url: Option<String>,
    pub(super) account_sid: String,
    pub(super) form: Vec<(String, String)>,
}

/// The primary token of an account at this moment.
pub(super) type TokenOf = Box<dyn Fn(&str) -> anyhow::Result<String> + Send + Sync>;

pub(super) struct WebhookSender {
    client: HttpClient,
    files: HttpClient,
    policy: WebhookPolicy,
    token_of: TokenOf,
    under_way: Semaphore,
    closed: watch::Sender<bool>,
    records_max: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Public addresses and who answers for them on this machine.
    receivers: Vec<(String, String)>,
    next_id: u64,
    records: BTreeMap<u64, WebhookRecord>,
}

impl WebhookSender {
    pub(super) fn new(policy: WebhookPolicy, records_max: usize, token_of: TokenOf) -> Self {
        Self {
            client: HttpClient::new(READ_TIMEOUT),
            files: HttpClient::new(READ_TIMEOUT).with_answers_up_to(FILE_BYTES_MAX),
            under_way: Semaphore::new(policy.concurrent_max.max(1)),
            policy,
            token_of,
            closed: watch::Sender::new(false),
            records_max,
            state: Mutex::default(),
        }
    }

    /// Posts to addresses that begin with `public` go to `local` instead; they are signed as before.
    pub(super) fn connect_to(&self, public: String, local: String) {
        self.state().receivers.push((public, local));
    }

    /// Posts what `webhook()` returns after `delay`.
    pub(super) fn deliver(
        self: &Arc<Self>,
        delay: Duration,
        webhook: impl FnOnce() -> Option<Webhook> + Send + 'static,
    ) {
        let sender = Arc::clone(self);
        tokio::spawn(async move {
            let mut closed = sender.closed.subscribe();
            tokio::select! {
                // An error means that the fake is gone, which ends its webhooks too.
                _ = closed.wait_for(|closed| *closed) => {}
                () = async {
                    tokio::time::sleep(delay).await;
                    if let Some(webhook) = webhook() {
                        sender.post_all(webhook).await;
                    }
                } => {}
            }
        });
    }

    /// Ends all deliveries.
    pub(super) fn close(&self) {
        self.closed.send_replace(true);
    }

    pub(super) fn records(&self) -> Vec<WebhookRecord> {
        self.state().records.values().cloned().collect()
    }

    /// Gets a file, or only what is said of it.
    pub(super) async fn get(&self, url: &str, only_head: bool) -> anyhow::Result<Answer> {
        let method = if only_head { Method::HEAD } else { Method::GET };
        let request = Request::builder()
            .method(method)
            .uri(self.connected(url))
            .header(header::USER_AGENT, "TwilioProxy/1.1")
            .body(Full::default())
            .with_context(|| format!("could not build a request of {url}"))?;
        self.files.send(request).await
    }

    /// One post with this signature; the same token marks the repetitions of one webhook.
    pub(super) async fn post(
        &self,
        url: &str,
        form: &[(String, String)],
        signature: &str,
        idempotency_token: &str,
    ) -> anyhow::Result<Answer> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = Request::post(self.connected(url))
            .header(
                header::CONTENT_TYPE,
                "application/x-www-form-urlencoded; charset=UTF-8",
            )
            .header(header::USER_AGENT, "TwilioProxy/1.1")
            .header("x-twilio-signature", signature)
            .header("i-twilio-idempotency-token", idempotency_token)
            .body(Full::new(Bytes::from(body)))
            .with_context(|| format!("could not build a webhook to {url}"))?;
        self.client.send(request).await
    }

    /// One post of JSON.
    pub(super) async fn post_json(
        &self,
        url: &str,
        body: String,
        signature: &str,
    ) -> anyhow::Result<Answer> {
        let request = Request::post(self.connected(url))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, "TwilioProxy/1.1")
            .header("x-twilio-signature", signature)
            .body(Full::new(Bytes::from(body)))
            .with_context(|| format!("could not build a webhook to {url}"))?;
        self.client.send(request).await
    }

    /// First to the URL, and when that fails to the fallback, if there is one.
    async fn post_all(&self, webhook: Webhook) {
        let token = crate::cloud::Platform::secret("");
        let (url, policy) = overridden(&webhook.url, &self.policy);
        let id = self.enter(&url, &webhook.form);
        if self.post_one(id, &url, &policy, &webhook, &token).await {
            return;
        }
        if let Some(fallback) = &webhook.fallback_url {
            let (url, policy) = overridden(fallback, &self.policy);
            self.post_one(id, &url, &policy, &webhook, &token).await;
        }
    }

    async fn post_one(
        &self,
        id: u64,
        url: &str,
        policy: &WebhookPolicy,
        webhook: &Webhook,
        token: &str,
    ) -> bool {
        let started = Instant::now();
        for repetition in 0..=policy.retries {
            if repetition > 0 {
                tokio::time::sleep(policy.pause).await;
            }
            let answer = {
                // The semaphore is never closed; without a permit the post would only be early.
                let _permit = self.under_way.acquire().await;
                match (self.token_of)(&webhook.account_sid) {
                    Ok(key) => {
                        let signature = signature::sign(&key, url, &webhook.form);
                        self.post(url, &webhook.form, &signature, token).await
                    }
                    Err(error) => Err(error),
                }
            };
            let word = kind_of(&answer);
            self.note(id, answer);
            let Some(word) = word else { return true };
            let is_retried = policy.retry_on.iter().any(|on| on == "all" || on == word);
            if !is_retried || started.elapsed() >= policy.total {
                return false;
            }
        }
        false
    }

    fn connected(&self, url: &str) -> String {
        let state = self.state();
        state
            .receivers
            .iter()
            .find_map(|(public, local)| Some(format!("{local}{}", url.strip_prefix(public)?)))
            .unwrap_or_else(|| url.to_owned())
    }

    fn enter(&self, url: &str, form: &[(String, String)]) -> u64 {
        let mut state = self.state();
        while state.records.len() >= self.records_max.max(1) {
            state.records.pop_first();
        }
        let id = state.next_id;
        state.next_id += 1;
        let planned = WebhookRecord {
            url: url.to_owned(),
            form: form.to_vec(),
            posts: 0,
            acknowledged: false,
            last_answer: None,
        };
        state.records.insert(id, planned);
        id
    }

    fn note(&self, id: u64, answer: anyhow::Result<Answer>) {
        let mut state = self.state();
        let Some(record) = state.records.get_mut(&id) else {
            return;
        };
        record.posts += 1;
        record.acknowledged = matches!(&answer, Ok(answer) if answer.status.is_success());
        record.last_answer = Some(match answer {
            Ok(answer) => Ok(answer.status.as_u16()),
            Err(error) => Err(format!("{error:#}")),
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The word of a retry policy for a failure; none for a success.
fn kind_of(answer: &anyhow::Result<Answer>) -> Option<&'static str> {
    match answer {
        Ok(answer) if answer.status.is_success() => None,
        Ok(answer) if answer.status.is_server_error() => Some("5xx"),
        Ok(_) => Some("4xx"),
        Err(error) if error.to_string().starts_with("could not reach") => Some("ct"),
        Err(_) => Some("rt"),
    }
}

/// The URL without its fragment, and the policy with what the fragment says: `#rc=2&rp=5xx,ct`.
fn overridden(url: &str, policy: &WebhookPolicy) -> (String, WebhookPolicy) {
    let mut policy = policy.clone();
    let Some((url, fragment)) = url.split_once('#') else {
        return (url.to_owned(), policy);
    };
    for (name, value) in fragment.split('&').filter_map(|pair| pair.split_once('=')) {
        match (name, value.parse::<u64>()) {
            ("rc", Ok(count)) if count <= 5 => policy.retries = u32::try_from(count).unwrap_or(5),
            ("tt", Ok(ms)) if (100..=15_000).contains(&ms) => {
                policy.total = Duration::from_millis(ms);
            }
            ("rp", _) => policy.retry_on = value.split(',').map(str::to_owned).collect(),
            _ => {}
        }
    }
    (url.to_owned(), policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_set_the_policy_and_stay_out_of_the_address() {
        let (url, policy) = overridden(
            "https://a.example/hook?x=1#rc=3&rp=5xx,rt&tt=900&e=ashburn",
            &WebhookPolicy::default(),
        );
        assert_eq!(url, "https://a.example/hook?x=1");
        assert_eq!(policy.retries, 3);
        assert_eq!(policy.retry_on, ["5xx", "rt"]);
        assert_eq!(policy.total, Duration::from_millis(900));
        let (_, wrong) = overridden("https://a.example#rc=6", &WebhookPolicy::default());
        assert_eq!(wrong.retries, 1);
    }
}
