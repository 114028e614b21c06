//! Bodies with stored media: what is assembled before the store is asked for anything.

use super::*;

fn media_part(name: &str, filename: Option<&str>) -> Part {
    Part {
        name: name.to_owned(),
        filename: filename.map(str::to_owned),
        content_type: None,
        data: PartData::Media(stored("med_1")),
    }
}

fn multipart(parts: Vec<Part>) -> Result<Prepared, Denied> {
    edit(|exchange| exchange.request.body = Body::Multipart(parts))
}

#[test]
fn a_multipart_body_keeps_media_where_they_are() {
    let value = Part {
        name: "messaging_product".to_owned(),
        filename: None,
        content_type: None,
        data: PartData::Value(vec![text("whatsapp")]),
    };
    let prepared = multipart(vec![value, media_part("file", Some("a\"b.jpg"))]).unwrap();
    let boundary = header(&prepared, "content-type")
        .strip_prefix("multipart/form-data; boundary=")
        .unwrap()
        .to_owned();
    let Wire::Streamed(segments) = &prepared.body else {
        panic!("must be streamed");
    };
    let [
        Segment::Bytes(before),
        Segment::Media(media),
        Segment::Bytes(after),
    ] = &segments[..]
    else {
        panic!("must be text, media, text");
    };
    assert_eq!(media.handle, "med_1");
    let before = std::str::from_utf8(before).unwrap();
    assert!(before.starts_with(&format!("--{boundary}\r\n")), "{before}");
    assert!(
        before
            .ends_with("name=\"file\"; filename=\"a%22b.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n"),
        "{before}"
    );
    assert_eq!(after, format!("\r\n--{boundary}--\r\n").as_bytes());
    let shown = std::str::from_utf8(&prepared.shown.body).unwrap();
    assert!(shown.contains("\r\n\r\n[media med_1]\r\n--"), "{shown}");
}

#[test]
fn a_media_part_has_a_file_name_in_any_case() {
    let disposition = |filename: Option<&str>, own: Option<&str>| {
        let mut part = media_part("file", filename);
        if let PartData::Media(media) = &mut part.data {
            media.filename = own.map(str::to_owned);
        }
        let prepared = multipart(vec![part]).unwrap();
        let body = prepared.journal()["body"].as_str().unwrap().to_owned();
        body.lines().nth(1).unwrap().to_owned()
    };
    let is =
        |name: &str| format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"");
    assert_eq!(disposition(Some("x.jpg"), Some("y.jpg")), is("x.jpg"));
    assert_eq!(disposition(None, Some("y.jpg")), is("y.jpg"));
    assert_eq!(disposition(None, None), is("file"));
}

#[test]
fn what_a_guest_says_of_media_cannot_break_a_head() {
    let mut part = media_part("file", None);
    if let PartData::Media(media) = &mut part.data {
        media.content_type = "image/jpeg\r\nX-Evil: 1".to_owned();
    }
    assert_eq!(
        multipart(vec![part]).err().map(|d| d.slug()),
        Some("egress-body")
    );
    let denied = refused(|exchange| {
        let mut media = stored("med_1");
        media.content_type = "image/jpeg\r\nX-Evil: 1".to_owned();
        exchange.request.body = Body::Media(media);
    });
    assert_eq!(denied.slug(), "egress-header");
    let many = (0..65).map(|_| media_part("file", None)).collect();
    assert_eq!(multipart(many).err().map(|d| d.slug()), Some("egress-body"));
}

#[test]
fn a_media_body_has_the_objects_type_and_more_time() {
    let prepared = edit(|exchange| exchange.request.body = Body::Media(stored("med_1"))).unwrap();
    assert_eq!(header(&prepared, "content-type"), "image/jpeg");
    assert!(!prepared.headers.contains_key("content-length"));
    assert_eq!(prepared.journal()["body"], "[media med_1]");
    assert_eq!(prepared.total_timeout.as_millis(), 120_000);
    assert_eq!(prepared.timeout.as_millis(), 30_000);
    let hurried = edit(|exchange| {
        exchange.request.body = Body::Media(stored("med_1"));
        exchange.request.timeout_ms = Some(1_000);
    })
    .unwrap();
    assert_eq!(hurried.total_timeout.as_millis(), 1_000);
}

#[test]
fn an_hmac_over_a_streamed_body_is_refused() {
    let denied = refused(|exchange| {
        exchange.request.body = Body::Media(stored("med_1"));
        exchange.request.headers = vec![field("x-signature", vec![body_hmac()])];
    });
    assert_eq!(denied, Denied::HmacMedia);
}

#[test]
fn a_stored_answer_has_more_time_and_its_errors_are_small() {
    let prepared = edit(|exchange| exchange.sink = Sink::Store).unwrap();
    assert!(prepared.store);
    assert_eq!(prepared.response_bytes_max, 64 << 10);
    assert_eq!(prepared.total_timeout.as_millis(), 120_000);
}
