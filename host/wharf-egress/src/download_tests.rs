use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[test]
fn a_redirect_to_an_address_that_is_not_public_is_refused() {
    for private in [
        "https://127.0.0.1/",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
    ] {
        let refused = literal(&url(private));
        assert!(
            matches!(refused, Err(DownloadError::Private { .. })),
            "{private}"
        );
    }
    assert!(literal(&url("https://8.8.8.8/")).is_ok());
    assert!(literal(&url("https://example.com/")).is_ok());
}

#[tokio::test]
async fn a_name_of_this_machine_is_found_for_the_operator_and_not_for_a_redirect() {
    let downloader = Downloader::new(None, None, &[]).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = url(&format!(
        "http://localhost:{}/",
        listener.local_addr().unwrap().port()
    ));
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).await.unwrap();
        let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    });
    let (client, proxied) = downloader.client(&at, true);
    assert!(!proxied);
    let refused = client.get(at.clone()).send().await.unwrap_err();
    let mut cause: &dyn std::error::Error = &refused;
    while let Some(source) = cause.source() {
        cause = source;
    }
    assert!(
        cause.to_string().contains("not public (loopback)"),
        "{cause}"
    );
    let (client, _) = downloader.client(&at, false);
    assert_eq!(client.get(at.clone()).send().await.unwrap().status(), 204);
    serving.await.unwrap();
}

#[tokio::test]
async fn the_proxy_of_the_configuration_is_asked_for_a_tunnel() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy {
        url: url(&format!("http://{}", listener.local_addr().unwrap())),
        credentials: Some(SecretString::from("wharf:secret")),
    };
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        let answer = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        String::from_utf8(request).unwrap()
    });
    let no_proxy = ["*.internal.example".to_owned()];
    let downloader = Downloader::new(None, Some(&proxy), &no_proxy).unwrap();
    let by_proxy = |at: &str| downloader.client(&url(at), false).1;
    assert!(by_proxy("https://files.example/"));
    assert!(!by_proxy("https://a.internal.example/"));
    assert!(!by_proxy("http://localhost:5000/"));
    let fetched = downloader
        .get(&url("https://files.example/a.wasm"), &HeaderMap::new(), 10)
        .await;
    assert!(
        matches!(fetched, Err(DownloadError::Request { .. })),
        "{fetched:?}"
    );
    let asked = asked.await.unwrap().to_ascii_lowercase();
    assert!(asked.starts_with("connect files.example:443 "), "{asked}");
    // printf 'wharf:secret' | base64
    assert!(
        asked.contains("proxy-authorization: basic d2hhcmy6c2vjcmv0"),
        "{asked}"
    );
}
