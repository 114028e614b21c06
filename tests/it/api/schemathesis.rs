//! The description held against the gateway by a program that knows nothing else of it: every operation with
//! right and wrong input, no answer that is not described, and none with 5xx.

use std::process::Command;

use crate::harness::{PLAYGROUND, TestGateway, each, environment};

/// Random requests of the short form, beside those that try each limit; `cargo xtask schemathesis` asks for more.
const REQUESTS: u64 = 100;
/// Rounds that the long form may take: where an operation has few inputs, a round has fewer requests than asked for.
const ROUNDS_MAX: u64 = 50;

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,unsupported_method,\
                      negative_data_rejection";

#[expect(
    clippy::disallowed_methods,
    reason = "the tests' own switch, not the gateway's configuration"
)]
fn requests_wanted() -> u64 {
    let given = std::env::var("WHARF_SCHEMATHESIS_REQUESTS").ok();
    given.map_or(REQUESTS, |text| text.parse().unwrap())
}

/// One round with so many requests for each operation at most; returns how many there were in all.
async fn round(gateway: &TestGateway, program: &str, seed: u64, for_each: u64) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command
        .current_dir(folder.path())
        .args(["--no-color", "run", &gateway.url("/openapi.json")])
        // What is sent ends at the sandbox: no counterpart is asked for what it does not know.
        .args([
            "--header",
            &format!(
                "Authorization: Bearer {}",
                gateway.credentials.key_of(PLAYGROUND)
            ),
        ])
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"])
        .args([
            "--max-examples",
            &for_each.to_string(),
            "--seed",
            &seed.to_string(),
        ])
        .args([
            "--suppress-health-check",
            "all",
            "--warnings",
            "off",
            "--workers",
            "2",
        ]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    generated(&said).unwrap_or_else(|| panic!("no count of requests in: {said}"))
}

/// The number before "generated" in the summary.
fn generated(said: &str) -> Option<u64> {
    let line = said.lines().find(|line| line.contains(" generated"))?;
    let before = line.split(" generated").next()?;
    let digits = before.rsplit(' ').next()?;
    digits.replace(',', "").parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_undescribed_and_none_is_a_failure_of_ours() {
    let Some(program) = environment("WHARF_TEST_SCHEMATHESIS") else {
        return;
    };
    let wanted = requests_wanted();
    let document = wharf::http::openapi();
    let paths = document["paths"].as_object().unwrap().values();
    let operations: usize = paths
        .map(|methods| methods.as_object().unwrap().len())
        .sum();
    each(async |gateway| {
        // Something to find.
        let text = serde_json::json!({"to": "+4915112345678", "text": {"body": "Hello"}});
        let sent = gateway
            .call("POST", "/v1/messages")
            .by(PLAYGROUND)
            .json(&text)
            .await;
        assert_eq!(sent.status, 202, "{sent:?}");
        let for_each = (wanted / operations as u64).max(1);
        let (mut seed, mut asked) = (1, 0);
        while asked < wanted {
            assert!(
                seed <= ROUNDS_MAX,
                "only {asked} requests in {ROUNDS_MAX} rounds"
            );
            asked += round(gateway, &program, seed, for_each).await;
            seed += 1;
        }
    })
    .await;
}
