//! What holds after every test, whatever it was about.

use sqlx::query_scalar;
use wharf_store::on_db;

use super::{ACME, GLOBEX, PLAYGROUND, TestGateway, logs};

/// Every text of these tables, row by row. What is sealed is bytes and stands elsewhere.
const TEXTS: [(&str, &str); 10] = [
    (
        "message",
        "contact || content || coalesce(details, '') || coalesce(error, '')",
    ),
    ("message_status", "detail"),
    ("attempt", "coalesce(error, '')"),
    ("exchange", "label || request || coalesce(outcome, '')"),
    ("event", "type || data"),
    (
        "webhook",
        "owner || query || headers || coalesce(error, '')",
    ),
    (
        "delivery_attempt",
        "coalesce(error, '') || coalesce(body, '')",
    ),
    ("job", "payload || coalesce(reason, '')"),
    (
        "onboarding",
        "coalesce(question, '') || findings || coalesce(error, '') || channels",
    ),
    ("channel", "settings || coalesce(title, '')"),
];

impl TestGateway {
    pub(super) async fn audit(&self) {
        self.wait_idle().await;
        let dead = self.rows("job where state = 2").await;
        assert_eq!(
            dead,
            self.dead_expected.get(),
            "{:#?}",
            self.reasons().await
        );
        assert_eq!(self.sink.violations(), [""; 0]);
        let refused = self.graph.refusals();
        assert!(
            refused.is_empty(),
            "the fake was asked wrongly: {refused:#?}"
        );
        self.counterparts.assert_asked_rightly();
        self.no_secret_is_readable().await;
    }

    async fn no_secret_is_readable(&self) {
        let places = self.readable().await;
        for (name, secret) in self.credentials.all() {
            for (place, text) in &places {
                assert!(!text.contains(&secret), "{name} is readable in {place}");
            }
        }
    }

    /// Everything that people get to read, each with a name for where.
    async fn readable(&self) -> Vec<(String, String)> {
        let mut places = Vec::new();
        for tenant in [ACME, GLOBEX, PLAYGROUND] {
            for id in self.texts("message", "'msg_' || id", tenant).await {
                let path = format!("/v1/messages/{id}");
                let answer = self.call("GET", &path).by(tenant).empty().await;
                assert_eq!(answer.status, 200, "{answer:?}");
                places.push((format!("GET {path}"), answer.text));
            }
        }
        for delivery in self.sink.deliveries() {
            let body = String::from_utf8_lossy(&delivery.body).into_owned();
            places.push((format!("delivery {}", delivery.webhook_id), body));
        }
        for (table, columns) in TEXTS {
            let texts = self.texts(table, columns, "").await;
            places.extend(
                texts
                    .into_iter()
                    .map(|text| (format!("table {table}"), text)),
            );
        }
        // The bodies of webhooks are bytes.
        for body in self.webhook_bodies().await {
            places.push(("table webhook".to_owned(), body));
        }
        let logged = logs::all();
        assert!(logged.contains("wharf serves on"), "nothing was logged");
        places.push(("the log".to_owned(), logged));
        places
    }

    /// One text of each row, of one tenant or of all.
    async fn texts(&self, table: &str, column: &str, tenant: &str) -> Vec<String> {
        let of = match tenant {
            "" => String::new(),
            tenant => format!(" where tenant_id = '{tenant}'"),
        };
        let sql = sqlx::AssertSqlSafe(format!("select {column} from {table}{of}"));
        let mut conn = self.db().read().await.unwrap();
        on_db!(&mut conn, |c| query_scalar(sql).fetch_all(c).await).unwrap()
    }

    async fn webhook_bodies(&self) -> Vec<String> {
        let mut conn = self.db().read().await.unwrap();
        let bodies: Vec<Vec<u8>> = on_db!(&mut conn, |c| query_scalar("select body from webhook")
            .fetch_all(c)
            .await)
        .unwrap();
        let text = |body: &Vec<u8>| String::from_utf8_lossy(body).into_owned();
        bodies.iter().map(text).collect()
    }

    async fn reasons(&self) -> Vec<String> {
        self.texts(
            "job where state = 2",
            "queue || ': ' || coalesce(reason, '')",
            "",
        )
        .await
    }
}
