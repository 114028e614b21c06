//! The OpenAPI document: complete, as checked in, and what the gateway serves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use wharf_core::Code;

use crate::harness::each;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every operation, with its path and method.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap();
        methods
            .iter()
            .map(|(method, operation)| (path.clone(), method.clone(), operation))
    });
    all.collect()
}

#[test]
fn the_description_is_the_one_that_is_checked_in() {
    let file = root().join("host/wharf/openapi.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let checked_in: Value = serde_json::from_str(&text).unwrap();
    let now = wharf::http::openapi();
    for (path, methods) in now["paths"].as_object().unwrap() {
        assert_eq!(
            &checked_in["paths"][path], methods,
            "{path} has changed: look at the difference and run `cargo xtask openapi`"
        );
    }
    assert!(
        now == checked_in,
        "the description has changed: run `cargo xtask openapi`"
    );
}

#[test]
fn every_operation_says_all_that_a_caller_needs() {
    let document = wharf::http::openapi();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let name = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{name}: {id} is taken");
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{name}");
        let tag = &operation["tags"][0];
        let tags = document["tags"].as_array().unwrap();
        assert!(
            tags.iter().any(|it| it["name"] == *tag),
            "{name}: the group {tag} is not described"
        );
        let responses = operation["responses"].as_object().unwrap();
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{name} never succeeds"
        );
        if path.starts_with("/v1/") || path.starts_with("/api/whatsapp/official/") {
            assert!(operation["x-wharf-scope"].is_string(), "{name}: no scope");
            for status in ["401", "403"] {
                assert!(responses.contains_key(status), "{name}: no {status}");
            }
        }
        let json = &operation["requestBody"]["content"]["application/json"];
        assert!(
            json.is_null() || json["example"].is_object(),
            "{name}: no example"
        );
        for name in path
            .split('{')
            .skip(1)
            .filter_map(|it| it.split('}').next())
        {
            let parameters = operation["parameters"].as_array().unwrap();
            let is_it = |it: &&Value| it["in"] == "path" && it["name"] == name;
            assert_eq!(parameters.iter().filter(is_it).count(), 1, "{path}: {name}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(document: &Value, value: &Value) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(reference)) = map.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                }
                map.values().for_each(|value| walk(document, value));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(document, value)),
            _ => {}
        }
    }
    let document = wharf::http::openapi();
    walk(&document, &document);
}

/// Refusals that belong to no operation: to a path or a method that is none.
const OF_NO_OPERATION: [Code; 1] = [Code::MethodNotAllowed];

#[test]
fn every_error_code_is_some_operations_answer() {
    let document = wharf::http::openapi();
    let mut told = BTreeSet::new();
    for (_, _, operation) in operations(&document) {
        for response in operation["responses"].as_object().unwrap().values() {
            let examples = &response["content"]["application/problem+json"]["examples"];
            let examples = examples.as_object().into_iter().flatten();
            told.extend(examples.map(|(code, _)| code.clone()));
        }
    }
    let missing: Vec<_> = Code::ALL
        .iter()
        .filter(|code| !OF_NO_OPERATION.contains(code) && !told.contains(code.as_str()))
        .collect();
    assert!(missing.is_empty(), "no operation answers with {missing:?}");
}

/// The first argument of every `.route(` in a file.
fn plain_routes(text: &str) -> impl Iterator<Item = &str> {
    let calls = text.split(".route(").skip(1);
    calls.filter_map(|rest| {
        let rest = rest.trim_start().strip_prefix('"')?;
        rest.split('"').next()
    })
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|it| it == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn every_route_is_described() {
    let found: Vec<_> = plain_routes("a.route(\n  \"/x\", get(x)).route(path, y)").collect();
    assert_eq!(found, ["/x"]);
    let document = wharf::http::openapi();
    let mut files = Vec::new();
    sources(&root().join("host/wharf/src/http"), &mut files);
    assert!(files.len() > 10);
    let mut missing = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for route in plain_routes(&text) {
            if document["paths"][route].is_null() {
                missing.push(format!(
                    "{route} in {}",
                    file.file_name().unwrap().display()
                ));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "these routes are not described; add them through `Routes::on` (see http/routes.rs): {missing:#?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_serves_the_document_and_a_page_that_needs_no_other_host() {
    each(async |gateway| {
        let look = |path: &'static str| gateway.call("GET", path).without_key().empty();
        let document = look("/openapi.json").await;
        assert_eq!(document.status, 200);
        assert_eq!(document.headers["content-type"], "application/json");
        assert_eq!(document.body, wharf::http::openapi());

        let page = look("/docs").await;
        assert_eq!(page.status, 200);
        let policy = &page.headers["content-security-policy"];
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "connect-src 'self'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(!page.text.contains("http://") && !page.text.contains("https://"));
        // Everything that the page loads is here.
        let loaded = page.text.split("=\"/docs/").skip(1);
        let loaded: Vec<_> = loaded.filter_map(|it| it.split('"').next()).collect();
        assert_eq!(loaded.len(), 3, "{}", page.text);
        for file in loaded {
            let path = format!("/docs/{file}");
            let answer = gateway.call("GET", &path).without_key().empty().await;
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        }
        look("/docs/nothing.js")
            .await
            .assert_problem(404, "not-found");
    })
    .await;
}
