//! The checker itself: each rule is shown a run that breaks it.

use super::*;

/// A run in which everything went well: one message read, one failed, one unknown, one text in.
fn clean() -> Evidence {
    let stored = |id: &str, status, has_error| Stored {
        id: id.to_owned(),
        reference: format!("key of {id}"),
        status,
        has_error,
    };
    let told = |id: &str, created_ms, message: &str, status| Event {
        id: id.to_owned(),
        created_ms,
        acknowledged: true,
        fact: Fact::Status {
            message: message.to_owned(),
            status,
        },
    };
    let send = |message: &str, accepted, ambiguous| Send {
        message: message.to_owned(),
        to: format!("phone of {message}"),
        accepted,
        ambiguous,
    };
    Evidence {
        asked: ["good", "bad", "open"]
            .map(|id| Asked {
                key: format!("key of {id}"),
                told: BTreeSet::from([id.to_owned()]),
            })
            .to_vec(),
        requests: 3,
        stored: vec![
            stored("good", Status::Read, false),
            stored("bad", Status::Failed, true),
            stored("open", Status::Unknown, true),
        ],
        sends: vec![
            send("good", false, false),
            send("good", true, false),
            send("open", false, true),
        ],
        inbound: BTreeSet::from(["wamid.1".to_owned()]),
        events: vec![
            told("evt_1", 10, "good", Status::Sent),
            told("evt_2", 20, "good", Status::Read),
            told("evt_3", 30, "bad", Status::Failed),
            told("evt_4", 40, "open", Status::Unknown),
            Event {
                id: "evt_5".to_owned(),
                created_ms: 50,
                acknowledged: true,
                fact: received("wamid.1"),
            },
        ],
        dead: vec![Dead {
            queue: "send".to_owned(),
            message: Some("bad".to_owned()),
            reason: "refused".to_owned(),
        }],
        complaints: Vec::new(),
        kills: 1,
        concurrency: 1,
    }
}

fn received(wamid: &str) -> Fact {
    Fact::Received {
        provider_message_id: wamid.to_owned(),
    }
}

/// Breaks the clean run in one way; exactly these words must come up, and nothing else.
#[track_caller]
fn finds(break_it: impl FnOnce(&mut Evidence), expected: &[&str]) {
    let mut evidence = clean();
    break_it(&mut evidence);
    let found = judge(&evidence).violations;
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            found.contains(expected),
            "{found:?} does not say {expected:?}"
        );
    }
}

#[test]
fn a_clean_run_passes_and_is_counted() {
    let verdict = judge(&clean());
    assert_eq!(verdict.violations, [""; 0]);
    let counts = (
        verdict.failed,
        verdict.unknown_by_fault,
        verdict.unknown_by_kill,
    );
    assert_eq!(counts, (1, 1, 0));
}

#[test]
fn a_lost_message_is_found() {
    finds(
        |run| {
            run.stored.remove(1);
            run.dead.clear();
            run.events.remove(2);
        },
        &[
            "bad was answered with 2xx and is lost",
            "stands for 0 messages",
        ],
    );
    finds(
        |run| run.asked[0].told.clear(),
        &["was answered with {}, not with one id"],
    );
    finds(
        |run| run.stored[1].status = Status::Queued,
        &[
            "bad stays queued for ever",
            "a job of queue send",
            "but was told as",
        ],
    );
}

#[test]
fn a_key_with_two_messages_is_found() {
    finds(
        |run| run.stored[1].reference = run.stored[0].reference.clone(),
        &["stands for 2 messages", "stands for 0 messages"],
    );
    finds(
        |run| {
            run.asked[0].told.insert("open".to_owned());
        },
        &["not with one id"],
    );
    finds(|run| drop(run.asked.remove(0)), &["nobody asked for"]);
}

#[test]
fn a_double_send_is_found() {
    finds(
        |run| run.sends.push(run.sends[1].clone()),
        &["good was accepted 2 times", "got 2 messages"],
    );
    finds(
        |run| run.sends[0].message = "stranger".to_owned(),
        &["stranger was sent and is no message"],
    );
}

#[test]
fn a_status_that_lies_is_found() {
    // The provider took it and said so, and the gateway still does not know.
    finds(
        |run| run.sends[2].accepted = true,
        &["open was read, but stands at unknown"],
    );
    finds(
        |run| run.sends[1].accepted = false,
        &["good is read, but the provider never took it"],
    );
    finds(
        |run| run.stored[1].has_error = false,
        &["bad is failed and does not say why"],
    );
    finds(
        |run| {
            run.kills = 0;
            run.sends[2].ambiguous = false;
        },
        &["more than the 0 that kills can explain"],
    );
}

#[test]
fn a_dead_letter_must_belong_to_a_failed_message() {
    finds(
        |run| run.dead.clear(),
        &["bad failed without a dead letter"],
    );
    finds(
        |run| {
            run.dead.push(Dead {
                queue: "delivery".to_owned(),
                message: None,
                reason: "given up".to_owned(),
            });
        },
        &["a job of queue delivery"],
    );
}

#[test]
fn a_lost_or_doubled_text_is_found() {
    finds(
        |run| drop(run.events.pop()),
        &["wamid.1 was acknowledged and is lost"],
    );
    finds(
        |run| {
            let mut again = run.events[4].clone();
            again.id = "evt_6".to_owned();
            run.events.push(again);
        },
        &["wamid.1 made 2 events"],
    );
    finds(
        |run| run.events[4].fact = received("wamid.2"),
        &[
            "wamid.1 was acknowledged and is lost",
            "nobody wrote the text wamid.2",
        ],
    );
    finds(
        |run| run.events[4].acknowledged = false,
        &["evt_5 was given up"],
    );
}

#[test]
fn a_status_told_twice_backwards_or_not_at_all_is_found() {
    finds(
        |run| run.events[0].created_ms = 21,
        &["good was told backwards: [Read, Sent]"],
    );
    // The same millisecond has no order.
    finds(|run| run.events[0].created_ms = 20, &[]);
    finds(
        |run| run.events.push(run.events[1].clone()),
        &["good was told the same twice"],
    );
    finds(
        |run| drop(run.events.remove(1)),
        &["good is read, but was told as [Sent]"],
    );
}
