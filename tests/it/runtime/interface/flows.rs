//! Steps of onboarding flows arrive whole, and what flows declare is checked at load.

use serde_json::{Value, json};
use wharf_core::provider::{
    Alphabet, Connected, EmbeddedSignup, Field, Finding, FindingVerdict, Finished, FlowNext,
    FlowProgress, InputKind, Launch, Mint, Pause, Piece, Prompt, Purpose, Question, Visit,
};
use wharf_runtime::{LoadReason, Plugin};

use super::super::load;
use super::{answering, component, describing, description, echo};

fn text(text: &str) -> String {
    text.to_owned()
}

fn pairs(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(text(name), text(value))]
}

async fn step(plugin: &Plugin, progress: &Value) -> FlowProgress {
    let answer = answering(progress);
    let started = plugin.onboarding_start(&answer, "connect", &[]).await;
    let answered = plugin.onboarding_answer(&answer, "connect", &[], &[]).await;
    let started = started.unwrap();
    assert_eq!(started, answered.unwrap());
    // As it is stored while somebody thinks.
    let stored = serde_json::to_string(&started).unwrap();
    assert_eq!(
        serde_json::from_str::<FlowProgress>(&stored).unwrap(),
        started
    );
    started
}

fn questions() -> Vec<(FlowNext, Value)> {
    let state = vec![0, 255];
    let question = |input: &str, many, choices| Question {
        input: text(input),
        choices,
        many,
    };
    vec![
        (
            FlowNext::Ask(Prompt {
                title: text("Which?"),
                questions: vec![
                    question("number", true, pairs("1", "One")),
                    question("code", false, Vec::new()),
                ],
                state: state.clone(),
            }),
            json!({ "Ask": { "title": "Which?", "state": [0, 255], "questions": [
                { "input": "number", "choices": [["1", "One"]], "many": true },
                { "input": "code", "choices": [], "many": false },
            ] } }),
        ),
        (
            FlowNext::Visit(Visit {
                url: text("https://eu.login.example.com/oauth"),
                query: vec![Field {
                    name: text("redirect_uri"),
                    value: vec![Piece::ReturnUrl],
                }],
                returns: vec![text("code")],
                state: state.clone(),
            }),
            json!({ "Visit": {
                "url": "https://eu.login.example.com/oauth",
                "query": [{ "name": "redirect_uri", "value": ["ReturnUrl"] }],
                "returns": ["code"], "state": [0, 255],
            } }),
        ),
        (
            FlowNext::Wait(Pause { ms: 500, state }),
            json!({ "Wait": { "ms": 500, "state": [0, 255] } }),
        ),
    ]
}

fn ends() -> Vec<(FlowNext, Value)> {
    let mint = |secret: &str, alphabet| {
        FlowNext::Mint(Mint {
            secret: text(secret),
            alphabet,
            length: 6,
            state: vec![0, 255],
        })
    };
    let mint_json = |secret: &str, alphabet: &str| json!({ "Mint": { "secret": secret, "alphabet": alphabet, "length": 6, "state": [0, 255] } });
    vec![
        (
            mint("token", Alphabet::Digits),
            mint_json("token", "Digits"),
        ),
        (mint("token/a", Alphabet::Hex), mint_json("token/a", "Hex")),
        (
            mint("code", Alphabet::Base64url),
            mint_json("code", "Base64url"),
        ),
        (
            FlowNext::Done(Finished {
                settings: pairs("app_id", "1"),
                channels: vec![Connected {
                    slot: text("a"),
                    sender: text("106"),
                    title: text("+49 1"),
                    settings: pairs("sender", "106"),
                }],
            }),
            json!({ "Done": { "settings": [["app_id", "1"]], "channels": [
                { "slot": "a", "sender": "106", "title": "+49 1", "settings": [["sender", "106"]] },
            ] } }),
        ),
    ]
}

#[tokio::test]
async fn every_step_of_a_flow_arrives_as_it_is() {
    let Some(plugin) = echo().await else { return };
    let verdicts = [
        FindingVerdict::Ok,
        FindingVerdict::Warning,
        FindingVerdict::Failed,
        FindingVerdict::Waiting,
    ];
    for ((next, next_json), verdict) in questions()
        .into_iter()
        .chain(ends())
        .zip(verdicts.into_iter().cycle())
    {
        let expected = FlowProgress {
            settings: pairs("sender", "106"),
            findings: vec![Finding {
                step: text("token"),
                verdict,
                title: text("T"),
                detail: text("D"),
                remedy: Some(text("R")),
            }],
            next,
        };
        let progress = step(
            &plugin,
            &json!({
                "settings": [["sender", "106"]],
                "findings": [{
                    "step": "token", "verdict": format!("{verdict:?}"), "title": "T", "detail": "D",
                    "remedy": "R",
                }],
                "next": next_json,
            }),
        )
        .await;
        assert_eq!(progress, expected);
    }
}

#[tokio::test]
async fn a_description_tells_its_flows() {
    let Some(plugin) = echo().await else { return };
    let flows = &plugin.descriptor().flows;
    assert_eq!(flows.len(), 2);
    assert_eq!(flows[0].purpose, Purpose::Connect);
    assert_eq!(flows[0].launch, Launch::Form);
    assert_eq!(flows[0].inputs[0].kind, InputKind::Secret);
    assert_eq!(
        flows[0].steps,
        [
            (text("token"), text("Get a token")),
            (text("register"), text("Register the number")),
        ]
    );
    assert_eq!(
        flows[1].launch,
        Launch::EmbeddedSignup(EmbeddedSignup {
            app_id_setting: text("app_id"),
            config_setting: text("config_id"),
            solution_setting: None,
            feature: Some(text("whatsapp_business_app_onboarding")),
        })
    );
}

#[tokio::test]
async fn every_purpose_is_known() {
    let Some(bytes) = component() else { return };
    let purposes = [
        Purpose::Connect,
        Purpose::Reconnect,
        Purpose::Webhooks,
        Purpose::Disconnect,
        Purpose::Other,
    ];
    let mut described = description();
    let flow = described["flows"][0].clone();
    let flows = purposes.map(|purpose| {
        let mut flow = flow.clone();
        flow["id"] = json!(format!("{purpose:?}").to_lowercase());
        flow["purpose"] = json!(format!("{purpose:?}"));
        flow
    });
    described["flows"] = json!(flows);
    let plugin = load(describing(bytes, &described)).await.unwrap();
    let told = plugin.descriptor().flows.iter().map(|flow| flow.purpose);
    assert!(told.eq(purposes));
}

#[tokio::test]
async fn flows_that_break_the_rules_are_refused_with_each_rule() {
    let Some(bytes) = component() else { return };
    let mut described = description();
    let flows = &mut described["flows"];
    flows[0]["id"] = json!("Connect!");
    flows[0]["title"] = json!("");
    flows[0]["steps"] = json!([["token", "A"], ["token", "B"], ["", "C"]]);
    let mut taken = flows[0]["inputs"][0].clone();
    taken["name"] = json!("sender");
    flows[0]["inputs"] = json!([taken, taken]);
    flows[1]["steps"] = json!([]);
    flows[1]["launch"]["EmbeddedSignup"]["app_id_setting"] = json!("nowhere");
    flows[1]["launch"]["EmbeddedSignup"]["config_setting"] = json!("token");
    flows[1]["launch"]["EmbeddedSignup"]["feature"] = json!("a\nb");
    let flow = flows[1].clone();
    flows.as_array_mut().unwrap().push(flow);
    let error = load(describing(bytes, &described)).await.err().unwrap();
    let LoadReason::Descriptor { problems } = &error.reason else {
        panic!("expected problems, got {error}");
    };
    let text = problems.join("\n");
    for rule in [
        "flows names `signup` twice",
        "flow `Connect!` must have an id",
        "flow `Connect!` needs a title",
        "flow `Connect!` steps names `token` twice",
        "flow `Connect!` step `` must have a name",
        "flow `Connect!` inputs names `sender` twice",
        "flow `Connect!` input `sender` has the name of an input of the description",
        "flow `signup` steps must name at least one",
        "flow `signup` names the input `nowhere`, which is not declared",
        "flow `signup` names a secret",
        "flow `signup` has a feature that is not one line",
    ] {
        assert!(text.contains(rule), "{rule} is not in:\n{text}");
    }
}
