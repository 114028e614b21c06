//! The flows as they are declared: how each begins, what it may ask, its steps.

use wharf_plugin::manifest::{EmbeddedSignup, FlowInfo, Input, Kind, Launch, Purpose};
use wharf_plugin::types::Level;

use crate::descriptor::HOST;

pub(super) const SIGNUP: &str = "signup";
pub(super) const SIGNUP_APP: &str = "signup-app";
pub(super) const SIGNUP_BROWSER: &str = "signup-browser";
pub(super) const MANUAL: &str = "manual";
pub(super) const WEBHOOKS: &str = "webhooks";
pub(super) const DISCONNECT: &str = "disconnect";

/// Meta's name for numbers that stay in the WhatsApp Business app.
pub(super) const APP_FEATURE: &str = "whatsapp_business_app_onboarding";

/// The words of `decision`, in the order they are offered.
pub(super) const RETRY: &str = "retry";
pub(super) const ENTER: &str = "enter";
pub(super) const REPLACE: &str = "replace";
pub(super) const SMS: &str = "sms";
pub(super) const VOICE: &str = "voice";
pub(super) const LOGIN: &str = "login";
pub(super) const CREDENTIALS: &str = "credentials";
pub(super) const SKIP: &str = "skip";
pub(super) const STOP: &str = "stop";
/// Disconnecting: the number alone, or the account's subscription too.
pub(super) const NUMBER: &str = "number";
pub(super) const ALL: &str = "all";

pub(crate) fn flows() -> Vec<FlowInfo> {
    vec![
        signup(SIGNUP, "Sign up with Meta", None),
        signup(
            SIGNUP_APP,
            "Sign up and keep the number in the WhatsApp Business app",
            Some(APP_FEATURE),
        ),
        steps(
            FlowInfo::form(
                SIGNUP_BROWSER,
                "Sign up with Meta on a page of its own",
                Purpose::Connect,
            )
            .input(code()),
        ),
        steps(FlowInfo::form(
            MANUAL,
            "Connect with a token of your own",
            Purpose::Connect,
        )),
        FlowInfo::form(WEBHOOKS, "Set up the app's webhook", Purpose::Webhooks)
            .input(decision_of(&[RETRY, REPLACE, SKIP, STOP]))
            .step("app", "The app's webhook")
            .step("account", "The account's subscription")
            .step("number", "The number's own address"),
        FlowInfo::form(DISCONNECT, "Disconnect the number", Purpose::Disconnect)
            .input(decision_of(&[NUMBER, ALL, RETRY, SKIP, STOP]))
            .step("number", "Deregister the number")
            .step("account", "Unsubscribe from the account"),
    ]
}

fn signup(id: &str, title: &str, feature: Option<&str>) -> FlowInfo {
    let mut flow = FlowInfo::form(id, title, Purpose::Connect)
        .input(code())
        .input(told("event", "Event", "How Meta's window was left."))
        .input(told(
            "business_id",
            "Business ID",
            "The customer's business, by Meta's window.",
        ))
        .input(told(
            "current_step",
            "Step",
            "Where Meta's window was closed.",
        ))
        .input(told("error_message", "Error", "What Meta's window showed."));
    flow.launch = Launch::EmbeddedSignup(EmbeddedSignup {
        app_id_setting: "app_id".to_owned(),
        config_setting: "signup_config_id".to_owned(),
        solution_setting: Some("signup_solution_id".to_owned()),
        feature: feature.map(str::to_owned),
    });
    steps(flow)
}

/// What all flows that connect share.
fn steps(flow: FlowInfo) -> FlowInfo {
    flow.input(decision())
        .input(
            Input::secret(
                "current_pin",
                Level::Channel,
                &[HOST],
                "Present PIN",
                "The six digits of the number's two-step verification, if it has one already.",
            )
            .pattern("^[0-9]{6}$")
            .optional(),
        )
        .input(
            Input::secret(
                "verification_code",
                Level::Channel,
                &[HOST],
                "Code",
                "The code that Meta sent to the number.",
            )
            .pattern("^[0-9]{3}-?[0-9]{3}$")
            .optional(),
        )
        .step("login", "Log in at Meta")
        .step("token", "Check the token")
        .step("account", "Choose the account")
        .step("subscribe", "Receive the account's webhooks")
        .step("numbers", "Choose the numbers")
        .step("register", "Register the numbers")
        .step("sync", "Bring in contacts and history")
}

fn code() -> Input {
    Input::secret(
        "code",
        Level::Account,
        &[HOST],
        "Code",
        "What Meta gives at the end of a login. It is good once, for 30 seconds.",
    )
    .optional()
}

fn told(name: &str, title: &str, help: &str) -> Input {
    Input::new(name, Kind::Text, Level::Account, title, help).optional()
}

fn decision() -> Input {
    decision_of(&[
        RETRY,
        ENTER,
        REPLACE,
        SMS,
        VOICE,
        LOGIN,
        CREDENTIALS,
        SKIP,
        STOP,
    ])
}

fn decision_of(words: &[&str]) -> Input {
    Input::new(
        "decision",
        Kind::Choice,
        Level::Account,
        "How to go on",
        "Asked when a step needs a person.",
    )
    .choices(words)
    .optional()
}
