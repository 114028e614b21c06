//! Every exchange of every golden case against Twilio's own OpenAPI documents: paths, methods, parameters and
//! the shape of what is sent. They were written by nobody who wrote the plugin or its cases.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Hosts of Twilio's API with the document that describes each.
const DOCUMENTS: [(&str, &str); 3] = [
    ("api.twilio.com", "twilio_api_v2010.messages.json"),
    ("content.twilio.com", "twilio_content_v1.json"),
    ("messaging.twilio.com", "twilio_messaging_v2.json"),
];
/// Where signed links lead: not an API.
const CDN: [&str; 2] = ["mms.twiliocdn.com", "media.twiliocdn.com"];
/// What is only read, and what the documents leave out: a medium's file, whose description is at the same path
/// with `.json`, and the account's balance, which is no part of the messages' document.
const LEFT_OUT: [&str; 2] = [
    "/2010-04-01/Accounts/{AccountSid}/Messages/{MessageSid}/Media/{Sid}",
    "/2010-04-01/Accounts/{AccountSid}/Balance.json",
];
/// Where a result may hold an exchange.
const EXCHANGES: [&str; 4] = ["/exchange", "/page/1", "/page/next", "/next/exchange"];

#[test]
fn every_exchange_of_the_cases_is_one_that_twilio_describes() {
    let documents: Vec<(&str, Value)> = DOCUMENTS
        .iter()
        .map(|(host, file)| {
            (
                *host,
                read(
                    &root()
                        .join("../../tests/fixtures/twilio/openapi")
                        .join(file),
                ),
            )
        })
        .collect();
    let (mut problems, mut checked) = (Vec::new(), 0);
    for file in files() {
        let case = read(&file);
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        for request in requests(&case) {
            checked += 1;
            for problem in problems_of(&request, &documents) {
                problems.push(format!("{name}: {problem}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(checked > 200, "only {checked} exchanges were found");
}

#[test]
fn what_twilio_does_not_describe_is_noticed() {
    let documents = [(
        "content.twilio.com",
        read(&root().join("../../tests/fixtures/twilio/openapi/twilio_content_v1.json")),
    )];
    let request = |path: &str, document: Value| {
        serde_json::json!({
            "method": "post", "url": format!("https://content.twilio.com{path}"),
            "query": { "fields": [] }, "body": { "json": { "document": document } },
        })
    };
    let types = serde_json::json!({ "twilio/quick-reply": { "body": "a", "actions": [{ "type": "QUICK_REPLY", "title": "b" }] } });
    let good = serde_json::json!({ "language": "en", "types": types });
    assert_eq!(
        problems_of(&request("/v1/Content", good.clone()), &documents),
        [""; 0]
    );
    let mut wrong = good.clone();
    wrong["types"]["twilio/quick-reply"]["actions"][0]["type"] = "URL".into();
    wrong["types"]["twilio/quick-reply"]["footer"] = "c".into();
    wrong["language"] = 7.into();
    let found = problems_of(&request("/v1/Content", wrong), &documents).join("\n");
    for part in [
        "/language: is no string",
        "/actions/0/type: is none of",
        "has no footer",
    ] {
        assert!(found.contains(part), "{found}");
    }
    assert!(problems_of(&request("/v1/Contents", good), &documents)[0].contains("no path"));
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn files() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("cases")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The requests that a case expects.
fn requests(case: &Value) -> Vec<Value> {
    let steps = case["then"].as_array().into_iter().flatten();
    let results = std::iter::once(&case["expect"]).chain(steps.map(|step| &step["expect"]));
    results
        .flat_map(|result| {
            EXCHANGES
                .iter()
                .filter_map(|pointer| result.pointer(pointer))
        })
        .filter_map(|exchange| exchange.get("request").cloned())
        .collect()
}

fn problems_of(request: &Value, documents: &[(&str, Value)]) -> Vec<String> {
    let (url, method) = (
        request["url"].as_str().unwrap(),
        request["method"].as_str().unwrap(),
    );
    let (host, path) = url
        .strip_prefix("https://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let path = format!("/{path}");
    if CDN.contains(&host) || (method == "get" && is_left_out(&path)) {
        return Vec::new();
    }
    let Some((_, document)) = documents.iter().find(|(known, _)| *known == host) else {
        return vec![format!("no document describes {host}")];
    };
    let paths = document["paths"].as_object().unwrap();
    // A path that is written out comes before one with a place.
    let mut found: Vec<&String> = paths
        .keys()
        .filter(|known| matches_path(known, &path))
        .collect();
    found.sort_by_key(|known| known.matches('{').count());
    let Some(known) = found.first() else {
        return vec![format!("no path of {host} is {path}")];
    };
    let item = &paths[*known];
    let operation = &item[method];
    if operation.is_null() {
        return vec![format!("{known} has no method {method}")];
    }
    let mut problems = Vec::new();
    query(request, item, operation, document, &mut problems);
    body(
        &request["body"],
        &operation["requestBody"]["content"],
        document,
        &mut problems,
    );
    problems
        .into_iter()
        .map(|problem| format!("{method} {known}: {problem}"))
        .collect()
}

fn is_left_out(path: &str) -> bool {
    let is = |template: &&str| {
        template.ends_with(".json") == path.ends_with(".json") && matches_path(template, path)
    };
    LEFT_OUT.iter().any(is)
}

fn matches_path(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) =
        (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template
            .iter()
            .zip(path)
            .all(|(wanted, given)| match wanted.split_once('{') {
                None => *wanted == given,
                Some((before, rest)) => {
                    let after = rest.split_once('}').unwrap().1;
                    given.len() > before.len() + after.len()
                        && given.starts_with(before)
                        && given.ends_with(after)
                }
            })
}

fn query(
    request: &Value,
    item: &Value,
    operation: &Value,
    document: &Value,
    problems: &mut Vec<String>,
) {
    let known: Vec<String> = [item, operation]
        .iter()
        .flat_map(|holder| holder["parameters"].as_array().into_iter().flatten())
        .map(|parameter| resolved(parameter, document))
        .filter(|parameter| parameter["in"] == "query")
        .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
        .collect();
    let raw = request["query"]["raw"].as_str().unwrap_or_default();
    let pairs = raw.split('&').filter(|pair| !pair.is_empty());
    let mut given: Vec<&str> = pairs.map(|pair| pair.split('=').next().unwrap()).collect();
    let fields = request["query"]["fields"].as_array().into_iter().flatten();
    given.extend(fields.map(|field| field["name"].as_str().unwrap()));
    for name in given {
        if !known.iter().any(|known| known == name) {
            problems.push(format!("has no query parameter {name}"));
        }
    }
}

fn body(given: &Value, content: &Value, document: &Value, problems: &mut Vec<String>) {
    if given == "empty" {
        return;
    }
    if let Some(fields) = given["form"].as_array() {
        let schema = &content["application/x-www-form-urlencoded"]["schema"];
        return form(fields, &resolved(schema, document), document, problems);
    }
    let schema = &content["application/json"]["schema"];
    if schema.is_null() || given["json"].is_null() {
        problems.push(format!("takes no such body: {given}"));
        return;
    }
    // What the host inserts is not in the document yet, so it is not missed.
    let inserts = given["json"]["insert"]
        .as_array()
        .is_some_and(|inserts| !inserts.is_empty());
    let mut found = Vec::new();
    shape("", &given["json"]["document"], schema, document, &mut found);
    problems.extend(
        found
            .into_iter()
            .filter(|problem| !(inserts && problem.contains("is missing"))),
    );
}

fn form(fields: &[Value], schema: &Value, document: &Value, problems: &mut Vec<String>) {
    let mut seen: Vec<&str> = Vec::new();
    for field in fields {
        let name = field["name"].as_str().unwrap();
        let property = resolved(&schema["properties"][name], document);
        if property.is_null() {
            problems.push(format!("has no parameter {name}"));
            continue;
        }
        if seen.contains(&name) && property["type"] != "array" {
            problems.push(format!("{name} is there twice"));
        }
        seen.push(name);
        let text: Option<&str> = match field["value"].as_array().map(Vec::as_slice) {
            Some([piece]) => piece["text"].as_str(),
            _ => None,
        };
        if let Some(text) = text {
            value(name, text, &property, problems);
        }
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        if !seen.contains(&required.as_str().unwrap()) {
            problems.push(format!("{required} is missing"));
        }
    }
}

/// A form's text against its parameter's type.
fn value(name: &str, text: &str, property: &Value, problems: &mut Vec<String>) {
    let fits = match property["type"].as_str() {
        Some("integer") => text.parse::<i64>().is_ok(),
        Some("number") => text.parse::<f64>().is_ok(),
        Some("boolean") => matches!(text, "true" | "false"),
        _ => true,
    };
    if !fits {
        problems.push(format!("{name} is no {}: {text}", property["type"]));
    }
    listed(name, &text.into(), property, problems);
    sid(name, text, property, problems);
}

fn listed(at: &str, value: &Value, schema: &Value, problems: &mut Vec<String>) {
    if let Some(values) = schema["enum"].as_array()
        && !values.contains(value)
    {
        problems.push(format!("{at}: is none of {values:?}: {value}"));
    }
}

/// The documents' only patterns are those of ids: two letters and 32 hexadecimal digits.
fn sid(at: &str, text: &str, schema: &Value, problems: &mut Vec<String>) {
    let Some(prefix) = schema["pattern"]
        .as_str()
        .and_then(|pattern| pattern.strip_prefix('^')?.strip_suffix("[0-9a-fA-F]{32}$"))
    else {
        return;
    };
    // One prefix, or several as in `(SM|MM)`.
    let prefixes = prefix.trim_matches(['(', ')']).split('|');
    let digits = prefixes
        .filter_map(|prefix| text.strip_prefix(prefix))
        .next()
        .unwrap_or_default();
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        problems.push(format!("{at}: is no {prefix} id: {text}"));
    }
}

fn shape(at: &str, value: &Value, schema: &Value, document: &Value, problems: &mut Vec<String>) {
    let schema = resolved(schema, document);
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer" | "number") => value.is_number(),
        _ => true,
    };
    if !fits {
        problems.push(format!(
            "{at}: is no {}: {value}",
            schema["type"].as_str().unwrap()
        ));
        return;
    }
    listed(at, value, &schema, problems);
    if let Some(text) = value.as_str() {
        sid(at, text, &schema, problems);
    }
    for (index, element) in value.as_array().into_iter().flatten().enumerate() {
        shape(
            &format!("{at}/{index}"),
            element,
            &schema["items"],
            document,
            problems,
        );
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let other = &schema["additionalProperties"];
        match (&schema["properties"][name], other) {
            (Value::Null, Value::Bool(false)) => problems.push(format!("{at}: has no {name}")),
            (Value::Null, Value::Object(_)) => {
                shape(&format!("{at}/{name}"), member, other, document, problems)
            }
            (Value::Null, _) if at.is_empty() => {
                problems.push(format!("the document has no {name}"))
            }
            (Value::Null, _) => {}
            (property, _) => shape(
                &format!("{at}/{name}"),
                member,
                property,
                document,
                problems,
            ),
        }
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        if value.is_object() && value.get(required.as_str().unwrap()).is_none() {
            problems.push(format!("{at}: {required} is missing"));
        }
    }
}

/// A schema or parameter, its reference followed.
fn resolved(value: &Value, document: &Value) -> Value {
    let mut value = value;
    while let Some(reference) = value["$ref"].as_str() {
        value = document
            .pointer(reference.trim_start_matches('#'))
            .unwrap_or(&Value::Null);
    }
    value.clone()
}
