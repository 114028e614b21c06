use super::*;
use wharf_core::provider::Level;

fn endpoint(host: &str, methods: &[HttpMethod], paths: &[&str]) -> Endpoint {
    Endpoint {
        host: host.to_owned(),
        methods: methods.to_vec(),
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        host_setting: None,
    }
}

fn descriptor() -> Descriptor {
    let mut by_setting = endpoint("*.api.example.net", &[HttpMethod::Post], &["/"]);
    by_setting.host_setting = Some("base".to_owned());
    Descriptor {
        id: "com.example.test".to_owned(),
        name: "Test".to_owned(),
        version: "1.0.0".to_owned(),
        vendor: "Example".to_owned(),
        homepage: None,
        capabilities: Vec::new(),
        inputs: Vec::new(),
        endpoints: vec![
            endpoint(
                "graph.example.com",
                &[HttpMethod::Post, HttpMethod::Get],
                &["/v1/{phone}/messages", "/media/", "/me"],
            ),
            endpoint("*.cdn.example.org", &[HttpMethod::Get], &["/"]),
            endpoint("bücher.example", &[HttpMethod::Get], &["/"]),
            by_setting,
        ],
        webhooks: Vec::new(),
        sender_setting: String::new(),
        account_setting: None,
        rates: Vec::new(),
        flows: Vec::new(),
        response_headers: Vec::new(),
    }
}

fn check(method: HttpMethod, url: &str, settings: &[(&str, &str)]) -> Result<Url, Denied> {
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    check_target(url, method, &descriptor(), &settings)
}

fn slug(url: &str) -> &'static str {
    check(HttpMethod::Get, url, &[]).map_or_else(|denied| denied.slug(), |_| "allowed")
}

#[test]
fn declared_endpoints_are_reached() {
    for url in [
        "https://graph.example.com/v1/123/messages",
        "https://GRAPH.Example.COM/v1/123/messages",
        "HTTPS://graph.example.com/me",
        "https://graph.example.com:443/me",
        "https://graph.example.com/media/",
        "https://graph.example.com/media/a/b/c",
        "https://graph.example.com/%6de",
        "https://a.cdn.example.org/anything",
        "https://a.b.cdn.example.org",
        "https://bücher.example/x",
        "https://BÜCHER.example/x",
        "https://xn--bcher-kva.example/x",
    ] {
        assert_eq!(slug(url), "allowed", "{url}");
    }
    let url = check(HttpMethod::Get, "https://GRAPH.example.com/me", &[]).unwrap();
    assert_eq!(url.as_str(), "https://graph.example.com/me");
}

#[test]
fn other_hosts_methods_and_paths_are_refused() {
    for (url, expected) in [
        ("https://evil.example/v1/123/messages", "egress-host"),
        ("https://graph.example.com.evil.example/me", "egress-host"),
        ("https://xgraph.example.com/me", "egress-host"),
        ("https://cdn.example.org/x", "egress-host"),
        ("https://evilcdn.example.org/x", "egress-host"),
        ("https://.cdn.example.org/x", "egress-host"),
        ("https://gr\u{430}ph.example.com/me", "egress-host"),
        ("https://graph.example.com/v1/123", "egress-endpoint"),
        ("https://graph.example.com/v1//messages", "egress-endpoint"),
        (
            "https://graph.example.com/v1/1/2/messages",
            "egress-endpoint",
        ),
        (
            "https://graph.example.com/v1/1/messages/",
            "egress-endpoint",
        ),
        ("https://graph.example.com/media", "egress-endpoint"),
        ("https://graph.example.com/me/", "egress-endpoint"),
        ("https://graph.example.com/", "egress-endpoint"),
    ] {
        assert_eq!(slug(url), expected, "{url}");
    }
    let denied = check(HttpMethod::Delete, "https://graph.example.com/me", &[]).unwrap_err();
    assert_eq!(denied.slug(), "egress-endpoint");
    assert!(denied.to_string().contains("DELETE"), "{denied}");
}

#[test]
fn urls_the_parser_would_forgive_are_refused() {
    for url in [
        "http://graph.example.com/me",
        "https:/graph.example.com/me",
        "https:graph.example.com/me",
        "//graph.example.com/me",
        " https://graph.example.com/me",
        "https://graph.example.com/me\n",
        "https://graph.exa\tmple.com/me",
        "https:\\\\graph.example.com\\me",
        "https://graph.example.com\\@evil.example/me",
        "https://graph.example.com/me?x=1",
        "https://graph.example.com/me?",
        "https://graph.example.com/me#x",
        "https://user@graph.example.com/me",
        "https://user:pw@graph.example.com/me",
        "https://@graph.example.com/me",
        "https://graph.example.com:8443/me",
        "https://graph.example.com:80/me",
        "https://graph.example.com./me",
        "https://127.0.0.1/me",
        "https://2130706433/me",
        "https://0x7f.0.0.1/me",
        "https://[::1]/me",
        "https://[::ffff:127.0.0.1]/me",
        "https:///me",
        "https:////graph.example.com/me",
        "https:///graph.example.com/media/x",
        "https://",
        "",
    ] {
        assert_eq!(slug(url), "egress-url", "{url:?}");
    }
    let long = format!(
        "https://graph.example.com/media/{}",
        "a".repeat(URL_BYTES_MAX)
    );
    assert_eq!(slug(&long), "egress-too-large");
}

#[test]
fn paths_cannot_climb_out() {
    for path in [
        "/media/../me",
        "/media/./x",
        "/media/%2e%2e/me",
        "/media/%2E./me",
        "/media/.%2e",
        "/media/%252e%252e/me",
        "/media/%25252e%25252e/me",
        "/media/..%2fme",
        "/media/%2e%2e%2fme",
        "/media/a%2fb",
        "/media/a%5cb",
        "/media/a%252fb",
        "/media/a%00",
        "/media/a%0d%0aHost:%20evil",
        "/v1/..%2f..%2fadmin/messages",
        "/v1/../messages",
    ] {
        assert_eq!(
            slug(&format!("https://graph.example.com{path}")),
            "egress-path",
            "{path}"
        );
    }
    assert_eq!(
        slug("https://graph.example.com/media/a..b/...%zz"),
        "allowed"
    );
}

#[test]
fn a_host_setting_chooses_one_host_of_the_suffix() {
    let to = |url: &str, settings: &[(&str, &str)]| {
        check(HttpMethod::Post, url, settings).map_or_else(|denied| denied.slug(), |_| "allowed")
    };
    let eu = "https://eu.api.example.net/x";
    assert_eq!(to(eu, &[("base", "eu.api.example.net")]), "allowed");
    assert_eq!(to(eu, &[("base", "EU.api.example.net")]), "allowed");
    assert_eq!(
        to(eu, &[("base", "https://eu.api.example.net/")]),
        "allowed"
    );
    assert_eq!(to(eu, &[("base", "us.api.example.net")]), "egress-host");
    assert_eq!(to(eu, &[("other", "eu.api.example.net")]), "egress-host");
    assert_eq!(to(eu, &[]), "egress-host");
    let evil = [("base", "evil.example")];
    assert_eq!(to("https://evil.example/x", &evil), "egress-host");
}

#[test]
fn a_wildcard_needs_a_suffix_of_two_labels() {
    assert!(host_matches("*.example.com", "a.example.com"));
    assert!(host_matches("*.example.com", "a.b.example.com"));
    assert!(!host_matches("*.example.com", "example.com"));
    assert!(!host_matches("*.com", "example.com"));
    assert!(!host_matches("*", "example.com"));
    assert!(host_matches("Graph.Example.com", "graph.example.com"));
}

#[test]
fn header_names_are_tokens_and_never_steer_the_connection() {
    for name in [
        "authorization",
        "X-Custom_1",
        "D360-API-KEY",
        "idempotency-key",
    ] {
        assert!(header_name(name).is_ok(), "{name}");
    }
    for name in [
        "",
        "a b",
        "a:b",
        "a\r\nhost",
        "a\0",
        "ä",
        "Host",
        "HOST",
        "content-length",
        "Transfer-Encoding",
        "connection",
        "Keep-Alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "Cookie",
        "proxy-authorization",
        "Proxy-Connection",
        "accept-encoding",
        "range",
        "X-HTTP-Method-Override",
        "x-original-url",
    ] {
        assert_eq!(
            header_name(name).map_err(|denied| denied.slug()),
            Err("egress-header"),
            "{name}"
        );
    }
}

#[test]
fn a_slot_belongs_to_its_declared_secret() {
    let mut descriptor = descriptor();
    let input = |name: &str, kind| Input {
        name: name.to_owned(),
        kind,
        level: Level::Channel,
        required: true,
        title: String::new(),
        help: String::new(),
        choices: Vec::new(),
        pattern: String::new(),
        audience: Vec::new(),
    };
    descriptor.inputs = vec![
        input("token", InputKind::Secret),
        input("phone", InputKind::Text),
    ];
    assert!(secret_input(&descriptor, "token").is_some());
    assert!(secret_input(&descriptor, "token/4915").is_some());
    assert!(secret_input(&descriptor, "phone").is_none());
    assert!(secret_input(&descriptor, "tok").is_none());
}
