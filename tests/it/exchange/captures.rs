//! Captured secrets: live at once, kept for their owner, seen by nobody.

use axum::http::StatusCode;
use secrecy::SecretString;
use serde_json::Value;
use wharf_egress::Secrets;

use super::script::{accepted, capturing, get, post, step, with_token};
use super::{Provider, TOKEN, actor_of, channel, each_echo, send_by};
use crate::harness::{Setup, logged};
use secrecy::ExposeSecret;

const CAPTURED: &str = "captured-token-58122-of-the-account";

/// Gets a token, then sends with it.
fn renewing() -> [Value; 3] {
    [
        step(capturing(get("token", 1), "/access_token", "token")),
        step(with_token(post("messages", 2))),
        accepted("m-1"),
    ]
}

fn sending() -> [Value; 2] {
    [step(with_token(post("messages", 1))), accepted("m-2")]
}

async fn provider() -> Provider {
    Provider::answering(|seen| match seen.path.as_str() {
        "/v1/token" => {
            let body = format!("{{\"access_token\":\"{CAPTURED}\",\"expires_in\":3600}}");
            (StatusCode::OK, body)
        }
        _ => (StatusCode::OK, "{}".to_owned()),
    })
    .await
}

fn presented(provider: &Provider) -> Vec<String> {
    let seen = provider.seen();
    let sends = seen.iter().filter(|seen| seen.path == "/v1/messages");
    sends
        .map(|seen| seen.headers["authorization"].to_str().unwrap().to_owned())
        .collect()
}

fn exposed(secret: Option<SecretString>) -> String {
    secret.unwrap().expose_secret().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_captured_secret_is_live_for_the_next_exchange_and_for_the_accounts_channels() {
    let provider = provider().await;
    let adjust = |setup: &mut Setup| {
        setup.acme += &channel("echo", "w", &renewing());
        setup.acme += &channel("twin", "w", &sending());
        setup.acme += &channel("apart", "w2", &sending());
    };
    each_echo(&provider, adjust, async |gateway| {
        // Read before, so that the caches hold what was configured.
        for name in ["echo", "twin", "apart"] {
            let (actor, _) = actor_of(gateway, name).await;
            assert_eq!(exposed(actor.get("token")), TOKEN);
        }
        for name in ["echo", "twin", "apart"] {
            let id = send_by(gateway, name).await;
            gateway.wait_status(&id, "sent").await;
        }
        let wanted = [CAPTURED, CAPTURED, TOKEN].map(|token| format!("Bearer {token}"));
        assert_eq!(presented(&provider), wanted);
        let kept = "credential where owner = 'account:acme/echo/w' and slot = -1
                    and expires_at > 0 and tenant_id = 'acme'";
        assert_eq!(gateway.rows(kept).await, 1);
        assert!(!logged().contains(CAPTURED));
        let shown = "exchange where request like '%captured-token%'
                     or outcome like '%captured-token%'";
        assert_eq!(gateway.rows(shown).await, 0);
        assert_eq!(
            gateway
                .rows("exchange where outcome like '%[captured]%'")
                .await,
            1
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_what_was_to_be_captured_leaves_the_old_secret() {
    let provider = Provider::answering(|_| (StatusCode::OK, "{\"nothing\":1}")).await;
    let adjust = |setup: &mut Setup| setup.acme += &channel("echo", "w", &renewing());
    each_echo(&provider, adjust, async |gateway| {
        let id = send_by(gateway, "echo").await;
        gateway.wait_status(&id, "sent").await;
        // The plugin of this test reads no outcome, so it goes on and sends with what there is.
        assert_eq!(presented(&provider), [format!("Bearer {TOKEN}")]);
        assert_eq!(gateway.rows("credential where slot = -1").await, 0);
    })
    .await;
}
