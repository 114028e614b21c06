//! What the host is told, checked where a mistake would open or close a door.

use wharf_plugin::manifest::Kind;
use wharf_plugin::prelude::*;
use wharf_plugin::types::HttpMethod;
use wharf_plugin_twilio::Twilio;

#[test]
fn secrets_go_to_twilios_api_or_nowhere() {
    for input in Twilio::describe().inputs {
        if input.kind == Kind::Secret {
            for host in &input.audience {
                assert!(
                    host.ends_with(".twilio.com") && !host.starts_with('*'),
                    "{} may go to {host}",
                    input.name
                );
            }
        }
    }
}

#[test]
fn signed_links_are_only_read() {
    for endpoint in Twilio::describe().endpoints {
        assert_eq!(endpoint.host_setting, None, "{}", endpoint.host);
        if !endpoint.host.ends_with(".twilio.com") {
            assert_eq!(endpoint.methods, [HttpMethod::Get], "{}", endpoint.host);
            assert!(endpoint.host.ends_with(".twiliocdn.com"));
        }
    }
}

#[test]
fn what_the_plugin_reads_of_an_answer_is_asked_for() {
    let headers = Twilio::describe().response_headers;
    assert!(
        headers.contains(&"location".to_owned()),
        "redirects of media"
    );
}
