//! Pieces that the host computes: links, the return URL and signed tokens.

use super::*;
use wharf_core::provider::{Jwt, JwtAlgorithm, MediaLink};

fn link(handle: &str, lifetime_s: u32) -> Piece {
    Piece::MediaLink(MediaLink {
        media: stored(handle),
        lifetime_s,
    })
}

fn jwt(key: &str, header: &str, claims: &str) -> Piece {
    Piece::Jwt(Jwt {
        key: key.to_owned(),
        algorithm: JwtAlgorithm::Hs256,
        header: header.to_owned(),
        claims: claims.to_owned(),
    })
}

fn in_form(piece: Piece) -> Result<Prepared, Denied> {
    edit(|exchange| exchange.request.body = Body::Form(vec![field("x", vec![piece])]))
}

#[test]
fn a_media_link_goes_out_and_its_name_into_the_journal() {
    let prepared = in_form(link("med_1", 600)).unwrap();
    assert_eq!(
        wire(&prepared),
        b"x=https%3A%2F%2Fgw.example%2Fmedia%2Fmed_1%3Fe%3D600%26s%3D0123456789abcdef"
    );
    assert_eq!(prepared.journal()["body"], "x=[media-link med_1]");
    let echoed = "fetching https://gw.example/media/med_1?e=600&s=0123456789abcdef";
    assert_eq!(
        prepared.redactor.text(echoed),
        "fetching [media-link med_1]"
    );
    for refused in [link("med_2", 600), link("med_1", 0), link("med_1", 604_801)] {
        let denied = in_form(refused).err().map(|denied| denied.slug());
        assert_eq!(denied, Some("egress-media-link"));
    }
    assert!(in_form(link("med_1", 604_800)).is_ok());
}

#[test]
fn the_return_url_is_there_in_a_flow_only() {
    let prepared = in_form(Piece::ReturnUrl).unwrap();
    assert_eq!(
        wire(&prepared),
        b"x=https%3A%2F%2Fgw.example%2Freturn%2Fabcdef0123456789"
    );
    assert_eq!(prepared.journal()["body"], "x=[return-url]");
    let descriptor = descriptor();
    let grant = Grant {
        descriptor: &descriptor,
        settings: &[],
        secrets: &Fixed,
        webhook_url: &|_| None,
        return_url: None,
        media: Arc::new(Links),
    };
    let mut assembly = Assembly::new(&grant, "graph.example.com");
    let denied = assembly.render(&[Piece::ReturnUrl], Signable::Unfinished);
    assert_eq!(denied.err(), Some(Denied::ReturnUrl));
}

#[test]
fn a_token_is_signed_for_its_audience_and_named_in_the_journal() {
    let prepared = edit(|exchange| {
        let token = jwt("token", r#"{"typ":"JWT"}"#, r#"{"iss":"app"}"#);
        exchange.request.headers = vec![field("authorization", vec![text("Bearer "), token])];
    })
    .unwrap();
    let sent = header(&prepared, "authorization").to_owned();
    assert!(sent.starts_with("Bearer eyJ"), "{sent}");
    assert_eq!(prepared.journal()["headers"][0][1], "Bearer [jwt token]");
    let slug = |piece: Piece| in_form(piece).err().map(|denied| denied.slug());
    assert_eq!(slug(jwt("token", "[]", "{}")), Some("egress-jwt"));
    assert_eq!(
        slug(jwt("nobody", "{}", "{}")),
        Some("egress-secret-undeclared")
    );
    assert_eq!(
        slug(jwt("unset", "{}", "{}")),
        Some("egress-secret-missing")
    );
    let elsewhere = refused(|exchange| {
        exchange.request.url = "https://cdn.example.org/x".to_owned();
        exchange.request.headers = vec![field("x-key", vec![jwt("token", "{}", "{}")])];
    });
    assert_eq!(elsewhere.slug(), "egress-secret-audience");
}

#[test]
fn an_empty_secret_signs_nothing() {
    assert_eq!(
        in_form(secret("empty")).err().map(|denied| denied.slug()),
        Some("egress-secret-missing")
    );
}
