//! Rules of the steps of a flow.

use serde_json::{Value, json};

use super::{changed, echo, refused};

fn question_rules() -> Vec<(Value, &'static str)> {
    let ask =
        |question: Value| json!({ "Ask": { "title": "T", "questions": [question], "state": [] } });
    let question = |input: &str, choices: Value, many: bool| json!({ "input": input, "choices": choices, "many": many });
    let visit = |url: &str, query: Value| json!({ "Visit": { "url": url, "query": query, "returns": [], "state": [] } });
    let query = |piece: Value| json!([{ "name": "q", "value": [piece] }]);
    vec![
        (
            ask(question("nothing", json!([]), false)),
            "names the input `nothing`",
        ),
        (
            ask(question("number", json!([]), true)),
            "wants many of no choices",
        ),
        (
            ask(question("code", json!([["a", "A"]]), false)),
            "offers choices for a secret",
        ),
        (
            ask(question("number", json!(vec![["a", "A"]; 501]), false)),
            "ask.choices has 501",
        ),
        (
            json!({ "Ask": { "title": "T", "questions": [], "state": [] } }),
            "ask.questions is empty",
        ),
        (
            visit("http://api.example.com/", json!([])),
            "must begin with https://",
        ),
        (
            visit("https://evil.example.net/", json!([])),
            "leads to evil.example.net",
        ),
        (
            visit("https://api.example.com@evil.net/", json!([])),
            "which no endpoint names",
        ),
        (
            visit("https://api.example.com:8443/", json!([])),
            "which no endpoint names",
        ),
        (
            visit("https://api.example.com/?a=b", json!([])),
            "has a query",
        ),
        (
            visit("https://api.example.com/\n", json!([])),
            "control characters",
        ),
        (
            visit(
                "https://api.example.com/",
                query(json!({ "Secret": "token" })),
            ),
            "a browser sees it",
        ),
        (
            json!({ "Wait": { "ms": 86_400_001, "state": [] } }),
            "wait is longer than a day",
        ),
        (
            json!({ "Wait": { "ms": 1, "state": vec![0; 16_385] } }),
            "wait.state has 16385",
        ),
    ]
}

fn end_rules() -> Vec<(Value, &'static str)> {
    let mint = |secret: &str, length: u8| json!({ "Mint": { "secret": secret, "alphabet": "Hex", "length": length, "state": [] } });
    let channel = |slot: &str, settings: Value| json!({ "slot": slot, "sender": "1", "title": "t", "settings": settings });
    let done = |channels: Value| json!({ "Done": { "settings": [], "channels": channels } });
    vec![
        (mint("token", 5), "mint.length has 5, at least 6"),
        (mint("token", 129), "mint.length has 129"),
        (mint("sender", 6), "names the secret `sender`"),
        (mint("token/A B", 6), "names the secret `token/A B`"),
        (
            done(json!([channel("a", json!([])), channel("a", json!([]))])),
            "the slot `a` twice",
        ),
        (
            done(json!([channel("A B", json!([]))])),
            "channel.slot must be a name",
        ),
        (
            done(json!([channel("a", json!([["nothing", "1"]]))])),
            "sets `nothing`, which is no declared input",
        ),
        (
            done(json!([channel("a", json!([["token", "1"]]))])),
            "sets the secret `token`",
        ),
        (
            done(json!(vec![channel("a", json!([])); 101])),
            "done.channels has 101",
        ),
    ]
}

#[tokio::test]
async fn a_step_of_a_flow_that_breaks_a_rule_is_refused() {
    let Some(plugin) = echo().await else { return };
    let progress =
        json!({ "settings": [], "findings": [], "next": { "Wait": { "ms": 1, "state": [] } } });
    for (next, rule) in question_rules().into_iter().chain(end_rules()) {
        let answer = changed(progress.clone(), "/next", next);
        refused(&plugin, "onboarding", &answer, rule).await;
    }
    let finding = |step: &str, title: &str| json!([{ "step": step, "verdict": "Ok", "title": title, "detail": "", "remedy": null }]);
    let rules = [
        (
            "/findings",
            finding("nowhere", "T"),
            "names the step `nowhere`",
        ),
        ("/findings", finding("token", ""), "has no title"),
        (
            "/settings",
            json!([["sender", "a\nb"]]),
            "settings `sender` has control characters",
        ),
        (
            "/settings",
            json!([["code", "1"]]),
            "sets `code`, which is no declared input",
        ),
    ];
    for (pointer, value, rule) in rules {
        let answer = changed(progress.clone(), pointer, value);
        refused(&plugin, "onboarding", &answer, rule).await;
    }
}
