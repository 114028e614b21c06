//! A registry on loopback that answers as it is told, and complains about requests no client should make.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use wharf::plugins::source::{Access, Fetched, RegistryAuth, Source, SourceError};
use wharf::plugins::{Digest, Folder};

const COMPONENT: &[u8] = b"component";
const LAYER: &str = "application/wasm";
const OLD_LAYER: &str = "application/vnd.wasm.content.layer.v1+wasm";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

#[derive(Clone, Copy, PartialEq)]
enum Guarded {
    Open,
    Basic,
    Bearer,
}

struct Registry {
    manifests: HashMap<String, (String, Vec<u8>)>,
    blobs: HashMap<String, Vec<u8>>,
    guarded: Guarded,
    own: String,
    complaints: Vec<String>,
}

struct Fake {
    address: String,
    state: Arc<Mutex<Registry>>,
}

fn manifest(layers: &[(&str, &Digest, usize)], config: &str) -> Value {
    let layers = layers.iter().map(|(kind, digest, size)| {
        json!({ "mediaType": kind, "digest": digest.to_string(), "size": size })
    });
    json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": { "mediaType": config, "digest": Digest::of(b"{}").to_string(), "size": 2 },
        "layers": layers.collect::<Vec<_>>(),
    })
}

fn right() -> Value {
    manifest(&[(LAYER, &Digest::of(COMPONENT), COMPONENT.len())], CONFIG)
}

impl Fake {
    async fn start(manifest: &Value, guarded: Guarded) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("localhost:{}", listener.local_addr().unwrap().port());
        let bytes = manifest.to_string().into_bytes();
        let kind = manifest["mediaType"]
            .as_str()
            .unwrap_or(OCI_MANIFEST)
            .to_owned();
        let state = Arc::new(Mutex::new(Registry {
            manifests: HashMap::from([
                (
                    Digest::of(&bytes).to_string(),
                    (kind.clone(), bytes.clone()),
                ),
                ("1.0.0".to_owned(), (kind, bytes)),
            ]),
            blobs: HashMap::from([(Digest::of(COMPONENT).to_string(), COMPONENT.to_vec())]),
            guarded,
            own: address.clone(),
            complaints: Vec::new(),
        }));
        let app = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, state }
    }

    fn source(&self, version: &str) -> String {
        format!("oci:{}/acme/providers/test{version}", self.address)
    }

    async fn pull(&self, auth: &RegistryAuth) -> Result<Fetched, SourceError> {
        pull(&self.source(":1.0.0"), auth).await
    }

    fn no_complaints(&self) {
        let state = self.state.lock().unwrap();
        assert!(state.complaints.is_empty(), "{:?}", state.complaints);
    }
}

async fn pull(source: &str, auth: &RegistryAuth) -> Result<Fetched, SourceError> {
    let dir = tempfile::tempdir().unwrap();
    let access = Access {
        ca_pem: None,
        auth,
        proxy: None,
        no_proxy: &[],
    };
    let source = Source::parse(source, None)?;
    source.fetch(&Folder::new(dir.path(), 64), &access).await
}

async fn answer(State(state): State<Arc<Mutex<Registry>>>, request: Request) -> Response {
    let mut state = state.lock().unwrap();
    let (path, query) = (
        request.uri().path().to_owned(),
        request.uri().query().unwrap_or_default().to_owned(),
    );
    let header = |name: header::HeaderName| {
        let value = request.headers().get(name).and_then(|it| it.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let authorization = header(header::AUTHORIZATION);
    let basic = format!("Basic {}", STANDARD.encode("me:pw"));
    if path == "/token" {
        let scoped = query.contains("scope=repository%3Aacme%2Fproviders%2Ftest%3Apull")
            && query.contains("service=fake");
        if !scoped {
            state.complaints.push(format!("a token for what? {query}"));
        }
        return match authorization == basic {
            true => axum::Json(json!({ "token": "t0ken" })).into_response(),
            false => StatusCode::UNAUTHORIZED.into_response(),
        };
    }
    let (wanted, challenge) = match state.guarded {
        Guarded::Open => (String::new(), String::new()),
        Guarded::Basic => (basic, "Basic realm=\"fake\"".to_owned()),
        Guarded::Bearer => {
            let realm = format!(
                "Bearer realm=\"http://{}/token\",service=\"fake\",scope=\"repository:x:pull\"",
                state.own
            );
            ("Bearer t0ken".to_owned(), realm)
        }
    };
    if authorization != wanted {
        return (
            StatusCode::UNAUTHORIZED,
            [(header::WWW_AUTHENTICATE, challenge)],
        )
            .into_response();
    }
    let Some(rest) = path.strip_prefix("/v2/acme/providers/test/") else {
        state.complaints.push(format!("no client asks for {path}"));
        return StatusCode::NOT_FOUND.into_response();
    };
    if let Some(version) = rest.strip_prefix("manifests/") {
        if !header(header::ACCEPT).contains(OCI_MANIFEST) {
            state
                .complaints
                .push("a manifest without saying which".to_owned());
        }
        return match state.manifests.get(version) {
            Some((kind, bytes)) => {
                ([(header::CONTENT_TYPE, kind.clone())], bytes.clone()).into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        };
    }
    let blob = rest
        .strip_prefix("blobs/")
        .and_then(|digest| state.blobs.get(digest));
    match blob {
        Some(bytes) => bytes.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn told(error: &SourceError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn a_component_is_pulled_by_tag_and_pinned_to_its_manifest() {
    for layer in [LAYER, OLD_LAYER] {
        let manifest = manifest(&[(layer, &Digest::of(COMPONENT), COMPONENT.len())], CONFIG);
        let fake = Fake::start(&manifest, Guarded::Open).await;
        let fetched = fake.pull(&RegistryAuth::Anonymous).await.unwrap();
        let pinned = Digest::of(manifest.to_string().as_bytes());
        assert_eq!(
            (fetched.bytes.as_slice(), fetched.manifest_digest),
            (COMPONENT, Some(pinned))
        );
        assert_eq!(fetched.source, fake.source(":1.0.0"));
        let exact = fake.source(&format!("@{pinned}"));
        let fetched = pull(&exact, &RegistryAuth::Anonymous).await.unwrap();
        assert_eq!(
            (fetched.digest, fetched.source),
            (Digest::of(COMPONENT), exact)
        );
        fake.no_complaints();
    }
}

#[tokio::test]
async fn what_is_no_wasm_artifact_is_told_what_it_is() {
    let digest = Digest::of(COMPONENT);
    let one = (LAYER, &digest, COMPONENT.len());
    let mut versions = right();
    versions["schemaVersion"] = json!(1);
    let mut md5 = right();
    md5["layers"][0]["digest"] = json!("md5:12");
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [] });
    for (manifest, what) in [
        (manifest(&[one, one], CONFIG), "2 layers"),
        (manifest(&[], CONFIG), "0 layers"),
        (
            manifest(&[("application/tar", &digest, 9)], CONFIG),
            "application/tar",
        ),
        (
            manifest(&[one], "application/vnd.oci.image.config.v1+json"),
            "is not a wasm artifact",
        ),
        (
            manifest(&[(LAYER, &digest, 65)], CONFIG),
            "component_bytes_max",
        ),
        (
            manifest(&[(LAYER, &digest, 8)], CONFIG),
            "its manifest says 8",
        ),
        (index, "index of several"),
        (versions, "schema version is 1"),
        (md5, "no sha256 digest"),
        (
            json!({ "mediaType": OCI_MANIFEST }),
            "the manifest is not one",
        ),
    ] {
        let fake = Fake::start(&manifest, Guarded::Open).await;
        let error = fake.pull(&RegistryAuth::Anonymous).await.unwrap_err();
        assert!(told(&error).contains(what), "{}", told(&error));
        fake.no_complaints();
    }
}

#[tokio::test]
async fn bytes_that_are_not_what_their_digest_says_are_refused() {
    let fake = Fake::start(&right(), Guarded::Open).await;
    let digest = Digest::of(COMPONENT).to_string();
    fake.state
        .lock()
        .unwrap()
        .blobs
        .insert(digest, b"Component".to_vec());
    let error = fake.pull(&RegistryAuth::Anonymous).await.unwrap_err();
    assert!(
        told(&error).contains("the component is not what its digest says"),
        "{}",
        told(&error)
    );

    let fake = Fake::start(&right(), Guarded::Open).await;
    let wanted = Digest::of(right().to_string().as_bytes());
    let other = manifest(
        &[(OLD_LAYER, &Digest::of(COMPONENT), COMPONENT.len())],
        CONFIG,
    );
    let lie = (OCI_MANIFEST.to_owned(), other.to_string().into_bytes());
    fake.state
        .lock()
        .unwrap()
        .manifests
        .insert(wanted.to_string(), lie);
    let error = pull(
        &fake.source(&format!("@{wanted}")),
        &RegistryAuth::Anonymous,
    )
    .await
    .unwrap_err();
    assert!(
        told(&error).contains("the manifest is not what its digest says"),
        "{}",
        told(&error)
    );
    let missing = pull(&fake.source(":9.9.9"), &RegistryAuth::Anonymous)
        .await
        .unwrap_err();
    assert!(
        told(&missing).contains("is not in the registry"),
        "{}",
        told(&missing)
    );
}

#[tokio::test]
async fn credentials_are_shown_as_the_registry_asks() {
    let me = |password: &str| RegistryAuth::Basic {
        user: "me".to_owned(),
        password: SecretString::from(password.to_owned()),
    };
    let token = |text: &str| RegistryAuth::Bearer(SecretString::from(text.to_owned()));
    for guarded in [Guarded::Basic, Guarded::Bearer] {
        let fake = Fake::start(&right(), guarded).await;
        assert_eq!(fake.pull(&me("pw")).await.unwrap().bytes, COMPONENT);
        for wrong in [me("wr0ng"), RegistryAuth::Anonymous, token("wr0ng")] {
            let error = fake.pull(&wrong).await.unwrap_err();
            assert!(told(&error).contains("--auth-file"), "{}", told(&error));
            assert!(!told(&error).contains("wr0ng"), "{}", told(&error));
        }
        fake.no_complaints();
    }
    let fake = Fake::start(&right(), Guarded::Bearer).await;
    assert_eq!(fake.pull(&token("t0ken")).await.unwrap().bytes, COMPONENT);
}

#[tokio::test]
async fn docker_files_of_credentials_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.json");
    let fake = Fake::start(&right(), Guarded::Basic).await;
    let write = |json: Value| std::fs::write(&path, json.to_string()).unwrap();
    let read = || RegistryAuth::from_file(&path, &fake.address);
    write(json!({ "auths": { &fake.address: { "auth": STANDARD.encode("me:pw") } } }));
    assert_eq!(fake.pull(&read().unwrap()).await.unwrap().bytes, COMPONENT);
    write(json!({ "auths": { "elsewhere.example.com": { "auth": STANDARD.encode("me:pw") } } }));
    assert!(matches!(read(), Ok(RegistryAuth::Anonymous)));
    for (wrong, what) in [
        (
            json!({ "auths": { &fake.address: { "auth": "%%%" } } }),
            "USER:PASSWORD",
        ),
        (
            json!({ "auths": { &fake.address: {} }, "credsStore": "desktop" }),
            "helper program",
        ),
        (
            json!({ "credHelpers": { &fake.address: "ecr" } }),
            "helper program",
        ),
    ] {
        write(wrong);
        let error = read().err().unwrap();
        assert!(error.to_string().contains(what), "{error}");
    }
    std::fs::write(&path, "no json").unwrap();
    assert!(read().err().unwrap().to_string().contains("config.json"));
}

#[test]
fn a_reference_is_read_strictly() {
    for good in [
        "ghcr.io/acme/test:1.0.0",
        "localhost:5000/test:latest",
        "docker.io/acme/test:1",
        &format!("ghcr.io/acme/test:1.0.0@{}", Digest::of(b"x")),
    ] {
        let source = Source::parse(&format!("oci:{good}"), None).unwrap();
        assert_eq!(source.default_name(), "test");
    }
    for bad in [
        "test:1",
        "acme/test:1",
        "ghcr.io/acme/test",
        "ghcr.io/Acme/test:1",
        "ghcr.io/../test:1",
        "ghcr.io/acme/test:a/b",
        "ghcr.io/acme/test@sha256:12",
        "ghcr.io/acme//test:1",
        "me@ghcr.io/test:1",
        "ghcr.io?x/test:1",
    ] {
        assert!(Source::parse(&format!("oci:{bad}"), None).is_err(), "{bad}");
    }
}
