//! Onboarding as a tenant runs it: over the API, with the plugins that ship, against the fakes of their
//! providers, to channels that send and receive.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that panics fails the test that called it"
)]

mod apps;
mod channels;
mod dialog360;
mod graph;
mod graph_failures;
mod repeated;
mod sessions;
mod twilio;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, query, query_scalar};
use wharf_store::{Context, on_db};
use wharf_test_support::eventually;

use crate::harness::{ACME, Answer, TO, TestGateway, WAIT, logged};

/// The address that every path is below.
const PUBLIC_URL: &str = "https://wharf.example.com";

/// A session as its tenant follows it.
struct Run<'g> {
    gateway: &'g TestGateway,
    tenant: &'static str,
    id: String,
    shown: Value,
}

impl<'g> Run<'g> {
    async fn begin(gateway: &'g TestGateway, body: Value) -> Self {
        Self::begin_by(gateway, ACME, body).await
    }

    async fn begin_by(gateway: &'g TestGateway, tenant: &'static str, body: Value) -> Self {
        let call = gateway.call("POST", "/v1/onboarding").by(tenant);
        let answer = call.json(&body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let id = answer.id();
        assert_eq!(answer.headers["location"], format!("/v1/onboarding/{id}"));
        let mut run = Self {
            gateway,
            tenant,
            id,
            shown: answer.body,
        };
        run.settle().await;
        run
    }

    async fn look(&mut self) {
        let path = format!("/v1/onboarding/{}", self.id);
        let answer = self
            .gateway
            .call("GET", &path)
            .by(self.tenant)
            .empty()
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        self.shown = answer.body;
    }

    async fn try_answer(&self, answers: Value) -> Answer {
        let path = format!("/v1/onboarding/{}/answers", self.id);
        let call = self.gateway.call("POST", &path).by(self.tenant);
        call.json(&json!({ "answers": answers })).await
    }

    /// Answers that must be taken; then the step that they begin.
    async fn answer(&mut self, answers: Value) -> &mut Self {
        let answer = self.try_answer(answers).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        self.shown = answer.body;
        self.settle().await;
        self
    }

    async fn decide(&mut self, choice: &str) -> &mut Self {
        self.answer(json!({ "decision": choice })).await
    }

    /// Until a person is needed or it has ended: pauses are over at once.
    async fn settle(&mut self) {
        let settled = eventually(WAIT, || async {
            let path = format!("/v1/onboarding/{}", self.id);
            let answer = self
                .gateway
                .call("GET", &path)
                .by(self.tenant)
                .empty()
                .await;
            if answer.body["status"] == "waiting" {
                hurry(self.gateway).await;
            }
            let is_open = answer.body["status"] == "running" || answer.body["status"] == "waiting";
            (!is_open).then_some(answer.body)
        });
        self.shown = settled
            .await
            .unwrap_or_else(|error| panic!("{error}: {:#}", self.shown));
    }

    fn status(&self) -> &str {
        self.shown["status"].as_str().unwrap()
    }

    #[track_caller]
    fn assert_status(&self, status: &str) -> &Self {
        assert_eq!(self.status(), status, "{:#}", self.shown);
        self
    }

    /// A question with these fields.
    #[track_caller]
    fn assert_asks(&self, fields: &[&str]) -> &Self {
        self.assert_status("question");
        let asked = self.shown["question"]["fields"].as_array().unwrap();
        let names: Vec<_> = asked
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, fields, "{:#}", self.shown);
        self
    }

    /// The choices of a field.
    fn choices(&self, field: &str) -> Vec<String> {
        let fields = self.shown["question"]["fields"].as_array().unwrap();
        let field = fields.iter().find(|it| it["name"] == field).unwrap();
        let choices = field["choices"].as_array().unwrap();
        let values = choices.iter().map(|it| it["value"].as_str().unwrap());
        values.map(str::to_owned).collect()
    }

    /// The last finding failed at this step, and says what to do.
    #[track_caller]
    fn assert_failed_at(&self, step: &str) -> &Value {
        let findings = self.shown["findings"].as_array().unwrap();
        let failed = findings.iter().rev().find(|it| it["verdict"] == "failed");
        let failed = failed.unwrap_or_else(|| panic!("nothing failed: {:#}", self.shown));
        assert_eq!(failed["step"], step, "{:#}", self.shown);
        let remedy = failed["remedy"].as_str().unwrap_or_default();
        assert!(!remedy.is_empty(), "{failed:#}");
        failed
    }

    /// The step was refused with this code, and what to do is said.
    #[track_caller]
    fn assert_error(&self, code: &str) -> &Value {
        let error = &self.shown["error"];
        assert_eq!(error["code"], code, "{:#}", self.shown);
        let remedy = error["remedy"].as_str().unwrap_or_default();
        assert!(!remedy.is_empty(), "{error:#}");
        error
    }

    /// It is done; the ids of its channels.
    #[track_caller]
    fn done(&self) -> Vec<String> {
        self.assert_status("done");
        let channels = self.shown["channels"].as_array().unwrap();
        let ids = channels.iter().map(|it| it["id"].as_str().unwrap());
        ids.map(str::to_owned).collect()
    }

    /// Where the browser is sent, with what it is sent with.
    #[track_caller]
    fn visit(&self) -> (url::Url, Vec<(String, String)>) {
        self.assert_status("visit");
        let url: url::Url = self.shown["visit"]["url"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let query = url.query_pairs().into_owned().collect();
        (url, query)
    }
}

/// What a query says of a name.
fn of<'q>(query: &'q [(String, String)], name: &str) -> &'q str {
    let found = query.iter().find(|(known, _)| known == name);
    &found.unwrap_or_else(|| panic!("no {name} in {query:?}")).1
}

/// Jobs of sessions that wait are due now.
async fn hurry(gateway: &TestGateway) {
    let hurried = gateway.db().write(|tx| {
        Box::pin(async move {
            let sql = "update job set due_at = 0 where kind = 'onboarding-turn' and state = 0";
            on_db!(&mut **tx, |c| query(AssertSqlSafe(sql.to_owned()))
                .execute(c)
                .await
                .map(drop))
            .doing("make jobs due")
        })
    });
    hurried.await.unwrap();
}

/// A browser comes back to the gateway with this.
async fn come_back(gateway: &TestGateway, path_and_query: &str) -> Answer {
    let answer = gateway
        .call("GET", path_and_query)
        .without_key()
        .empty()
        .await;
    assert_eq!(answer.headers["referrer-policy"], "no-referrer");
    assert!(answer.headers["content-type"].starts_with("text/html"));
    answer
}

/// Sends a text through the channel; its id once the provider took it.
async fn send_through(gateway: &TestGateway, channel: &str) -> String {
    let body = json!({ "channel": channel, "to": TO, "text": { "body": "Over the new number" } });
    let answer = gateway.send(body).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let id = answer.id();
    gateway
        .wait_message(&id, |message| {
            ["sent", "delivered", "read"].contains(&message["status"].as_str().unwrap())
        })
        .await;
    id
}

/// The channel of the first message from a customer that the tenant's endpoint gets.
async fn received_by(gateway: &TestGateway) -> String {
    let event = eventually(WAIT, || async {
        let events = gateway.delivered();
        let mut events = events.into_iter();
        events.find(|event| event["type"] == "message.received")
    });
    let event = event.await.unwrap();
    event["data"]["channel"].as_str().unwrap().to_owned()
}

/// None of these is readable where people read, nor in any text of the database.
async fn assert_hidden(gateway: &TestGateway, secrets: &[&str]) {
    let mut places = vec![("the log".to_owned(), logged())];
    for path in ["/v1/onboarding", "/v1/channels", "/v1/plugins"] {
        let answer = gateway.call("GET", path).empty().await;
        for session in answer.body["data"].as_array().into_iter().flatten() {
            let path = format!("{path}/{}", session["id"].as_str().unwrap_or("none"));
            let text = gateway.call("GET", &path).empty().await.text;
            places.push((format!("GET {path}"), text));
        }
        places.push((format!("GET {path}"), answer.text));
    }
    for (table, columns) in [
        (
            "onboarding",
            "coalesce(question, '') || findings || coalesce(error, '') || channels",
        ),
        ("channel", "settings || coalesce(title, '')"),
        ("job", "payload || coalesce(reason, '')"),
    ] {
        let sql = AssertSqlSafe(format!("select {columns} from {table}"));
        let mut conn = gateway.db().read().await.unwrap();
        let texts: Vec<String> =
            on_db!(&mut conn, |c| query_scalar(sql).fetch_all(c).await).unwrap();
        places.extend(
            texts
                .into_iter()
                .map(|text| (format!("table {table}"), text)),
        );
    }
    for (place, text) in &places {
        for secret in secrets {
            assert!(secret.len() >= 6, "{secret:?} would be found by chance");
            assert!(!text.contains(secret), "{secret} is readable in {place}");
        }
    }
}
