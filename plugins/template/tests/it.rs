//! Native tests: no wasm toolchain, no network. The golden cases run again in the sandbox.

use wharf_plugin::prelude::*;
use wharf_plugin::testing::{self, Golden};
use wharf_plugin_acme::Acme;

#[test]
fn golden_cases() {
    Golden::of::<Acme>().run("cases");
}

#[test]
fn the_key_is_named_and_never_seen() {
    let exchange = testing::exchange(Acme::start(&testing::context(&[]), &testing::text("Hello")));
    let [header] = exchange.request.headers.as_slice() else {
        panic!("one header")
    };
    assert_eq!(
        header.value,
        [piece::text("Bearer "), piece::secret("api_key")]
    );
    assert_eq!(
        testing::document(&exchange)["client_ref"],
        testing::MESSAGE_ID
    );
}

#[test]
fn whatever_comes_back_is_a_typed_error() {
    let (context, message) = (testing::context(&[]), testing::text("Hello"));
    for outcome in testing::broken_answers() {
        let result = Acme::resume(&context, &message, &[], outcome.clone());
        assert!(result.is_err(), "{outcome:?} was taken as {result:?}");
    }
    for (failure, _) in testing::failures() {
        let result = Acme::resume(&context, &message, &[], Outcome::Failed(failure));
        assert!(result.is_err(), "{failure:?} was taken as {result:?}");
    }
}

#[test]
fn what_is_not_declared_is_refused() {
    let context = testing::context(&[]);
    for content in testing::contents() {
        let declared = content.kind() == "text";
        let result = Acme::start(&context, &testing::message(content));
        match result {
            Ok(_) => assert!(declared),
            Err(error) => assert_eq!((declared, error.code), (false, Code::Unsupported)),
        }
    }
}
