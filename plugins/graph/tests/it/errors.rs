//! Every way a send can fail, as the host will act on it.

use serde_json::json;
use wharf_cloud_api::{ROWS, Slow, failure};
use wharf_plugin::prelude::*;
use wharf_plugin::types::{Bucket, Level};

use crate::fixture::{refused, response, resume};

fn graph_error(status: u16, code: u32) -> HttpResponse {
    let body = json!({ "error": {
        "message": format!("(#{code}) Something is wrong"),
        "type": "OAuthException",
        "code": code,
        "error_data": { "messaging_product": "whatsapp", "details": "In more words." },
        "fbtrace_id": "AbCdEf123",
    }});
    response(status, &body.to_string())
}

/// The codes of the provider's reference, by the class the host gets. A row that is lost or changed in
/// the plugin's table shows here.
const EXPECTED: &[(Code, Retry, &[u32])] = &[
    (
        Code::AuthFailed,
        Retry::Never,
        &[0, 3, 10, 102, 104, 190, 200, 250, 299, 131_005],
    ),
    (
        Code::ProviderUnavailable,
        Retry::Backoff,
        &[1, 2, 131_000, 131_016, 133_004, 2_494_100],
    ),
    (
        Code::ProviderUnavailable,
        Retry::AfterMs(60_000),
        &[131_057],
    ),
    (
        Code::ProviderUnavailable,
        Retry::AfterMs(300_000),
        &[133_015],
    ),
    (
        Code::RateLimited,
        Retry::Backoff,
        &[
            4, 17, 32, 341, 613, 80_001, 80_007, 80_008, 80_014, 130_429, 131_208, 138_002, 138_005,
        ],
    ),
    (Code::RateLimited, Retry::AfterMs(3_600_000), &[132_069]),
    (Code::RateLimited, Retry::AfterMs(3_600_000), &[131_048]),
    (Code::RateLimited, Retry::AfterMs(259_200_000), &[133_016]),
    (
        Code::RateLimited,
        Retry::Never,
        &[133_008, 133_009, 138_012],
    ),
    (Code::PairRateLimited, Retry::Backoff, &[131_056]),
    (
        Code::InvalidMessage,
        Retry::Never,
        &[
            100, 506, 131_008, 131_009, 131_021, 131_062, 131_202, 131_204, 131_209, 131_215,
            134_100, 135_000, 137_000, 139_100, 139_103, 147_001, 147_005, 2_388_019, 2_388_039,
            2_388_040, 2_388_047, 2_388_072, 2_388_073, 2_388_293, 2_388_299,
        ],
    ),
    (
        Code::Misconfigured,
        Retry::Never,
        &[
            33, 803, 131_030, 131_045, 132_068, 133_000, 133_005, 133_006, 133_010, 138_000,
            139_000, 139_004, 139_006, 200_005, 200_007, 2_388_001, 2_388_012, 2_388_091,
            2_388_093, 2_388_103,
        ],
    ),
    (
        Code::AccountRestricted,
        Retry::Never,
        &[368, 131_031, 131_037, 131_063, 134_102],
    ),
    (
        Code::AccountRestricted,
        Retry::AfterMs(86_400_000),
        &[131_064],
    ),
    (
        Code::PaymentRequired,
        Retry::Never,
        &[131_042, 131_044, 134_011],
    ),
    (
        Code::PolicyBlocked,
        Retry::Never,
        &[130_403, 130_472, 130_497, 131_207, 132_007, 138_006],
    ),
    (Code::PolicyBlocked, Retry::AfterMs(86_400_000), &[131_049]),
    (
        Code::RecipientUnknown,
        Retry::Never,
        &[131_020, 131_026, 131_041],
    ),
    (Code::RecipientOptedOut, Retry::Never, &[131_050]),
    (Code::WindowClosed, Retry::Never, &[131_047]),
    (
        Code::Unsupported,
        Retry::Never,
        &[131_051, 131_055, 131_060],
    ),
    (Code::MediaRejected, Retry::Never, &[131_052, 131_053]),
    (Code::TemplateUnknown, Retry::Never, &[132_001]),
    (Code::TemplateUnknown, Retry::AfterMs(600_000), &[134_101]),
    (
        Code::TemplateMismatch,
        Retry::Never,
        &[132_000, 132_005, 132_008, 132_012, 132_018],
    ),
    (Code::TemplatePaused, Retry::Never, &[132_015, 132_016]),
    (
        Code::Other,
        Retry::Never,
        &[
            131_043, 131_059, 131_201, 138_001, 138_003, 138_004, 138_007, 138_011, 138_013,
            138_023, 1_752_041, 2_593_107, 2_593_109,
        ],
    ),
];

#[test]
fn every_documented_code_has_its_class_whatever_the_http_status() {
    for (code, retry, numbers) in EXPECTED {
        for number in *numbers {
            for status in [200, 400, 429, 500] {
                let error = refused(graph_error(status, *number));
                assert_eq!(
                    (error.code, error.retry),
                    (*code, *retry),
                    "{number} as HTTP {status}"
                );
                assert_eq!(error.provider_code, Some(number.to_string()));
                assert_eq!(error.trace_id.as_deref(), Some("AbCdEf123"));
                assert_eq!(
                    error.detail,
                    format!("(#{number}) Something is wrong: In more words.")
                );
                assert!(error.remedy.is_some(), "{number} needs a remedy");
            }
        }
    }
}

#[test]
fn every_row_of_the_table_is_expected_above() {
    for row in ROWS.iter().filter(|row| row.subcode.is_none()) {
        let is_expected = |number: u32| {
            EXPECTED
                .iter()
                .any(|(_, _, numbers)| numbers.contains(&number))
        };
        assert!(
            (row.first..=row.last).any(is_expected),
            "{}..={}",
            row.first,
            row.last
        );
    }
}

#[test]
fn rows_are_sorted_so_that_they_are_found_by_halving_and_remedies_are_sentences() {
    for pair in ROWS.windows(2) {
        let [row, next] = pair else {
            panic!("two rows")
        };
        let is_exception = (row.first, row.last) == (next.first, next.last);
        assert!(
            row.last < next.first || (is_exception && row.subcode.is_some()),
            "{} stands before {}",
            row.first,
            next.first
        );
    }
    for row in ROWS {
        assert!(row.first <= row.last);
        assert!(
            row.remedy.ends_with('.') && row.remedy.len() > 20,
            "{}",
            row.remedy
        );
        assert_ne!(row.retry, Retry::Uncertain, "Meta's own refusal is certain");
        let pauses = row.slow != Slow::No;
        assert!(
            !pauses || row.retry != Retry::Never,
            "{} pauses others but gives up itself",
            row.first
        );
    }
}

#[test]
fn every_row_is_found_by_its_own_code_and_subcode() {
    for row in ROWS {
        for number in [row.first, row.last] {
            let error = failure::from_code(number, row.subcode, None, String::new());
            assert_eq!((error.code, error.retry), (row.code, row.retry), "{number}");
            assert_eq!(error.remedy.as_deref(), Some(row.remedy), "{number}");
        }
    }
}

#[test]
fn a_subcode_that_is_a_code_of_its_own_decides() {
    let remedy = |subcode| failure::from_code(100, subcode, Some(400), String::new()).remedy;
    assert_ne!(remedy(Some(2_388_040)), remedy(None));
    assert_eq!(remedy(Some(2_388_040)), remedy_of(2_388_040));
    assert_eq!(remedy(Some(999)), remedy(None), "an unknown subcode");
    assert_eq!(remedy(Some(9_999_999)), remedy(None));
    // A small subcode is never taken for a code.
    assert_eq!(remedy(Some(190)), remedy(None));
}

fn remedy_of(code: u32) -> Option<String> {
    failure::from_code(code, None, None, String::new()).remedy
}

#[test]
fn a_request_that_may_be_repeated_is_when_its_answer_says_nothing() {
    for (status, retry) in [
        (200, Retry::Backoff),
        (502, Retry::Backoff),
        (400, Retry::Never),
    ] {
        let error = failure::from_answer(&response(status, ""), Replay::Safe);
        assert_eq!(error.retry, retry, "HTTP {status}");
    }
}

#[test]
fn a_missing_object_is_told_from_a_wrong_parameter_by_the_subcode() {
    let body = r#"{"error":{"message":"Unsupported post request","type":"GraphMethodException","code":100,"error_subcode":33,"fbtrace_id":"A"}}"#;
    assert_eq!(refused(response(400, body)).code, Code::Misconfigured);
}

#[test]
fn throttling_slows_what_it_counts() {
    let pace = |code| {
        let error = refused(graph_error(400, code));
        let [pace] = error.pace.as_slice() else {
            panic!("{code}: {:?}", error.pace)
        };
        (pace.bucket.clone(), pace.pause_ms)
    };
    assert_eq!(pace(4), (Bucket::Level(Level::App), Some(60_000)));
    assert_eq!(pace(80_007), (Bucket::Level(Level::Account), Some(60_000)));
    assert_eq!(pace(130_429), (Bucket::Level(Level::Channel), Some(1_000)));
    assert_eq!(pace(131_056), (Bucket::Recipient, Some(6_000)));
    assert_eq!(pace(131_057), (Bucket::Level(Level::Channel), Some(60_000)));
}

#[test]
fn the_usage_header_says_how_long_to_wait() {
    let with_usage = |usage: &str| {
        let mut answer = graph_error(400, 80_007);
        answer
            .headers
            .push(("x-business-use-case-usage".to_owned(), usage.to_owned()));
        let error = refused(answer);
        (error.retry, error.pace[0].pause_ms)
    };
    let usage = r#"{"1":[{"type":"whatsapp","call_count":100,"estimated_time_to_regain_access":7},{"type":"whatsapp_business_management","estimated_time_to_regain_access":2}]}"#;
    assert_eq!(with_usage(usage), (Retry::AfterMs(420_000), Some(420_000)));
    for unusable in [
        "",
        "[]",
        "{\"1\":[{}]}",
        r#"{"1":[{"estimated_time_to_regain_access":0}]}"#,
        r#"{"1":[{"estimated_time_to_regain_access":99999999999999999}]}"#,
    ] {
        assert_eq!(
            with_usage(unusable),
            (Retry::Backoff, Some(60_000)),
            "{unusable}"
        );
    }
}

#[test]
fn codes_the_table_lacks_fall_back_to_what_meta_says_then_to_the_status() {
    for (status, transient, code, retry) in [
        (400, None, Code::Other, Retry::Never),
        (400, Some(true), Code::ProviderUnavailable, Retry::Backoff),
        (400, Some(false), Code::Other, Retry::Never),
        (401, None, Code::AuthFailed, Retry::Never),
        (429, None, Code::RateLimited, Retry::Backoff),
        (500, None, Code::ProviderUnavailable, Retry::Backoff),
        (200, None, Code::MalformedResponse, Retry::Uncertain),
    ] {
        let body =
            json!({ "error": { "message": "New", "code": 999_999, "is_transient": transient } });
        let error = refused(response(status, &body.to_string()));
        assert_eq!((error.code, error.retry), (code, retry), "HTTP {status}");
        assert_eq!(error.provider_code.as_deref(), Some("999999"));
        assert_eq!(error.detail, "New");
    }
}

#[test]
fn codes_of_a_strange_type_do_no_harm() {
    for (code, expected) in [
        ("\"131047\"", Code::WindowClosed),
        ("-1", Code::Other),
        ("1e99", Code::Other),
        ("null", Code::Other),
        ("{}", Code::Other),
    ] {
        let error = refused(response(400, &format!(r#"{{"error":{{"code":{code}}}}}"#)));
        assert_eq!(error.code, expected, "{code}");
        assert_eq!(error.detail, "Meta gave no reason");
    }
}

#[test]
fn answers_that_are_not_metas() {
    let html = "<html><body>Bad Gateway</body></html>";
    for (status, body, code, retry) in [
        (200, "", Code::MalformedResponse, Retry::Uncertain),
        (200, html, Code::MalformedResponse, Retry::Uncertain),
        (200, "{}", Code::MalformedResponse, Retry::Uncertain),
        (
            200,
            r#"{"messages":[]}"#,
            Code::MalformedResponse,
            Retry::Uncertain,
        ),
        (
            200,
            r#"{"messages":[{"id":""}]}"#,
            Code::MalformedResponse,
            Retry::Uncertain,
        ),
        (
            200,
            r#"{"messages":[{"id":"wamid.1"#,
            Code::MalformedResponse,
            Retry::Uncertain,
        ),
        (
            200,
            r#"{"messages":{"id":5}}"#,
            Code::MalformedResponse,
            Retry::Uncertain,
        ),
        (302, "", Code::MalformedResponse, Retry::Never),
        (400, "", Code::MalformedResponse, Retry::Never),
        (
            400,
            r#"{"error":"text"}"#,
            Code::MalformedResponse,
            Retry::Never,
        ),
        (400, "[]", Code::MalformedResponse, Retry::Never),
        (401, html, Code::AuthFailed, Retry::Never),
        (403, html, Code::AuthFailed, Retry::Never),
        (404, html, Code::Misconfigured, Retry::Never),
        (408, "", Code::ProviderUnavailable, Retry::Backoff),
        (429, html, Code::RateLimited, Retry::Backoff),
        (500, "", Code::ProviderUnavailable, Retry::Uncertain),
        (502, html, Code::ProviderUnavailable, Retry::Uncertain),
        (503, html, Code::ProviderUnavailable, Retry::Backoff),
        (504, html, Code::ProviderUnavailable, Retry::Uncertain),
    ] {
        let error = refused(response(status, body));
        assert_eq!(
            (error.code, error.retry),
            (code, retry),
            "HTTP {status} {body}"
        );
        assert!(error.detail.contains(&status.to_string()));
        assert!(
            !error.detail.contains("Bad Gateway"),
            "a page's words are nobody's business"
        );
    }
}

#[test]
fn a_body_that_is_not_text_does_no_harm() {
    let mut answer = response(200, "");
    answer.body = vec![0xff, 0xfe, 0, 1];
    answer.headers = vec![("x-fb-trace-id".to_owned(), "Trace1".to_owned())];
    let error = refused(answer);
    assert_eq!(
        (error.code, error.retry),
        (Code::MalformedResponse, Retry::Uncertain)
    );
    assert_eq!(error.trace_id.as_deref(), Some("Trace1"));
}

#[test]
fn long_complaints_are_cut() {
    let body = json!({ "error": { "code": 131_009, "message": "\u{e4}".repeat(5_000) } });
    assert_eq!(
        refused(response(400, &body.to_string()))
            .detail
            .chars()
            .count(),
        600
    );
}

#[test]
fn a_lost_answer_is_uncertain_and_what_was_never_sent_is_not() {
    for (failure, retry) in [
        (TransportFailure::Dns, Retry::Backoff),
        (TransportFailure::Connect, Retry::Backoff),
        (TransportFailure::Tls, Retry::Backoff),
        (TransportFailure::TimeoutBeforeSend, Retry::Backoff),
        (TransportFailure::TimeoutAfterSend, Retry::Uncertain),
        (TransportFailure::Reset, Retry::Uncertain),
        (TransportFailure::Interrupted, Retry::Uncertain),
        (TransportFailure::Canceled, Retry::Uncertain),
        (TransportFailure::BodyTooLarge, Retry::Uncertain),
        (TransportFailure::Other, Retry::Uncertain),
        (TransportFailure::Denied, Retry::Never),
    ] {
        assert_eq!(
            resume(Outcome::Failed(failure)).unwrap_err().retry,
            retry,
            "{failure:?}"
        );
    }
}
