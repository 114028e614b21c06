//! The small questions that the optional interfaces share: JSON answers, and lists that go on.

use serde_json::Value;
use wharf_plugin::flow::one_shot_or;
use wharf_plugin::prelude::*;

use crate::failure;

/// A page of a list: a hundred senders or fifty templates have some hundred KiB.
pub(crate) const PAGE_BYTES_MAX: u32 = 2 * 1024 * 1024;
/// What the host takes as a query.
const QUERY_BYTES_MAX: usize = 8 * 1024;

/// The JSON object of a 2xx answer.
pub(crate) fn answer(outcome: Outcome, replay: Replay) -> Result<Value, Error> {
    one_shot_or(
        outcome,
        replay,
        |response| response.json::<Value>().filter(Value::is_object),
        |response| failure::from_response(response, replay),
    )
}

/// A 2xx whose body says nothing; what is gone already is as good.
pub(crate) fn deleted(outcome: Outcome) -> Result<(), Error> {
    match outcome {
        Outcome::Response(response) if response.status == 404 => Ok(()),
        outcome => one_shot_or(
            outcome,
            Replay::Safe,
            |_| Some(()),
            |response| failure::from_response(response, Replay::Safe),
        ),
    }
}

/// The query of a list's next page, from a link of Twilio's. The link is followed only to the list it came
/// from: requests with our credentials go nowhere else.
pub(crate) fn next_query(link: &Value, list: &str) -> Result<Option<String>, Error> {
    let Some(link) = link.as_str().filter(|link| !link.is_empty()) else {
        return Ok(None);
    };
    let path = list
        .strip_prefix("https://")
        .and_then(|rest| rest.find('/'));
    let path = path.and_then(|at| list.get("https://".len() + at..));
    let query = [Some(list), path]
        .into_iter()
        .flatten()
        .find_map(|start| link.strip_prefix(start)?.strip_prefix('?'));
    match query {
        Some(query)
            if query.len() <= QUERY_BYTES_MAX && query.bytes().all(|b| b.is_ascii_graphic()) =>
        {
            Ok(Some(query.to_owned()))
        }
        _ => Err(Error::malformed(
            "the next page of a list lies elsewhere than the list",
            Replay::Safe,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_goes_on_only_where_it_began() {
        let list = "https://content.twilio.com/v1/Content";
        for (link, query) in [
            (json!(null), Ok(None)),
            (json!(""), Ok(None)),
            (
                json!("https://content.twilio.com/v1/Content?Page=1&PageToken=PA%20x"),
                Ok(Some("Page=1&PageToken=PA%20x".to_owned())),
            ),
            (json!("/v1/Content?Page=1"), Ok(Some("Page=1".to_owned()))),
            (
                json!("https://content.twilio.com/v1/Content/HX1?Page=1"),
                Err(()),
            ),
            (json!("https://evil.example/v1/Content?Page=1"), Err(())),
            (json!("https://content.twilio.com/v1/Content"), Err(())),
            (json!("/v1/Content?a b"), Err(())),
        ] {
            assert_eq!(next_query(&link, list).map_err(|_| ()), query, "{link}");
        }
    }
}
