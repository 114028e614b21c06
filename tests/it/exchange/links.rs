//! Signed links to stored objects, as a provider or a browser follows them.

use bytes::Bytes;
use ulid::Ulid;
use wharf_core::provider::MediaRef;
use wharf_egress::NewMedia;
use wharf_store::media::MediaOrigin;

use super::media::{finished, new_media, tenant};
use crate::harness::{ACME, GLOBEX, TestGateway, each};

/// Stores an object of `acme` and gives back the path of a link to it.
async fn linked(gateway: &TestGateway, new: NewMedia, whole: &[u8]) -> String {
    let store = gateway.app().media.of(&tenant(ACME), MediaOrigin::Tenant);
    let mut sink = store.create(new).await.unwrap();
    sink.write(Bytes::copy_from_slice(whole)).await.unwrap();
    let media = finished(sink, whole).await.unwrap();
    let link = store.link(&media, 60).unwrap();
    let path = link.strip_prefix("https://wharf.example.com").unwrap();
    path.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_gives_the_object_to_whoever_has_it() {
    each(async |gateway| {
        let new = new_media("image/png", Some("Größe 1.png"));
        let path = linked(gateway, new, b"0123456789").await;
        let get = |method: &str| gateway.call(method, &path).without_key();
        let answer = get("GET").empty().await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "0123456789"));
        let header = |name: &str| answer.headers[name].as_str();
        assert_eq!(header("content-type"), "image/png");
        assert_eq!(header("content-length"), "10");
        assert_eq!(header("x-content-type-options"), "nosniff");
        let named = "inline; filename*=UTF-8''Gr%C3%B6%C3%9Fe%201.png";
        assert_eq!(header("content-disposition"), named);
        let head = get("HEAD").empty().await;
        assert_eq!((head.status, head.text.as_str()), (200, ""));
        assert_eq!(head.headers["content-length"], "10");

        for (asked, status, text) in [
            ("bytes=2-4", 206, "234"),
            ("bytes=7-", 206, "789"),
            ("bytes=-3", 206, "789"),
            ("bytes=5-99", 206, "56789"),
            ("bytes=10-", 200, "0123456789"),
            ("bytes=4-2", 200, "0123456789"),
            ("bytes=0-1,4-5", 200, "0123456789"),
            ("bytes=-0", 200, "0123456789"),
            ("lines=1-2", 200, "0123456789"),
        ] {
            let part = get("GET").header("range", asked).empty().await;
            assert_eq!((part.status, part.text.as_str()), (status, text), "{asked}");
        }
        let part = get("GET").header("range", "bytes=2-4").empty().await;
        assert_eq!(part.headers["content-range"], "bytes 2-4/10");
        let old = get("GET")
            .header("range", "bytes=2-4")
            .header("if-range", "\"old\"");
        assert_eq!(old.empty().await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_browser_could_run_is_saved_instead() {
    each(async |gateway| {
        for kind in [
            "text/html",
            "image/svg+xml",
            "application/pdf",
            "Image/PNG; a=b",
        ] {
            let path = linked(gateway, new_media(kind, None), b"<script>").await;
            let answer = gateway.call("GET", &path).without_key().empty().await;
            let wanted = if kind.starts_with("Image/PNG") {
                "inline"
            } else {
                "attachment"
            };
            assert_eq!(answer.headers["content-disposition"], wanted, "{kind}");
            assert!(answer.headers["content-security-policy"].contains("sandbox"));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_wrong_ended_or_anothers_leads_nowhere() {
    each(async |gateway| {
        let app = gateway.app();
        let path = linked(gateway, new_media("image/png", None), b"0123456789").await;
        let (id, rest) = path
            .strip_prefix("/media/")
            .unwrap()
            .split_once('.')
            .unwrap();
        let (expiry, mac) = rest.split_once('.').unwrap();
        let later = i64::from_str_radix(expiry, 16).unwrap() + 1;
        let other_mac = match mac.strip_prefix('A') {
            Some(rest) => format!("B{rest}"),
            None => format!("A{}", &mac[1..]),
        };
        // Signed by the right key, and for another tenant than the object's.
        let media = MediaRef {
            handle: format!("med_{id}"),
            content_type: String::new(),
            size: 0,
            sha256: Vec::new(),
            filename: None,
        };
        let others = app
            .media
            .of(&tenant(GLOBEX), MediaOrigin::Tenant)
            .link(&media, 60)
            .unwrap();
        let others = others.rsplit_once('/').unwrap().1.to_owned();
        let ended = app
            .media
            .of(&tenant(ACME), MediaOrigin::Tenant)
            .link(&media, 0)
            .unwrap();
        let ended = ended.rsplit_once('/').unwrap().1.to_owned();
        for token in [
            "x".to_owned(),
            format!("{id}.{expiry}"),
            format!("{id}.{later:x}.{mac}"),
            format!("{id}.0{expiry}.{mac}"),
            format!("{}.{expiry}.{mac}", id.to_lowercase()),
            format!("{id}.{expiry}.{other_mac}"),
            format!("{id}.{expiry}.{mac}A"),
            format!("{}.{expiry}.{mac}", Ulid::from_parts(1, 1)),
            others,
            ended,
        ] {
            let answer = gateway.call("GET", &format!("/media/{token}"));
            answer
                .without_key()
                .empty()
                .await
                .assert_problem(404, "not-found");
        }
        let good = gateway.call("GET", &path).without_key().empty().await;
        assert_eq!(good.status, 200);
        let posted = gateway.call("POST", &path).without_key().empty().await;
        posted.assert_problem(405, "method-not-allowed");
    })
    .await;
}
