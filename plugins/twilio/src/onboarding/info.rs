//! The flows as people meet them, and the inputs that only flows have.

use wharf_plugin::manifest::{EmbeddedSignup, FlowInfo, Input, Kind, Launch, Purpose};
use wharf_plugin::types::Level;

use crate::account::{API, MESSAGING};
use crate::senders::SENDER_SID;

/// What the flows and the health check leave in or take from the settings.
pub(crate) fn inputs() -> Vec<Input> {
    let app = |name: &str, title: &str, help: &str| {
        Input::new(name, Kind::Text, Level::App, title, help).optional()
    };
    vec![
        Input::new(
            SENDER_SID,
            Kind::Text,
            Level::Channel,
            "Sender SID",
            "The number's sender resource, XE and 32 digits. Found by the number where it is empty.",
        )
        .pattern("^XE[0-9a-fA-F]{32}$")
        .optional(),
        app(
            "parent_account_sid",
            "Parent account SID",
            "The account in which each customer gets a subaccount.",
        )
        .pattern("^AC[0-9a-fA-F]{32}$"),
        Input::secret(
            "parent_auth_token",
            Level::App,
            &[API],
            "Parent auth token",
            "Makes subaccounts; used for nothing else.",
        )
        .optional(),
        app(
            "meta_app_id",
            "Meta app id",
            "The app of the tech provider that opens Meta's signup.",
        ),
        app(
            "meta_config_id",
            "Meta configuration id",
            "The configuration of Facebook Login for Business with WhatsApp embedded signup.",
        ),
        app(
            "meta_solution_id",
            "Partner solution id",
            "Twilio's solution that the Meta app has accepted.",
        ),
    ]
}

pub(crate) fn flows() -> Vec<FlowInfo> {
    vec![
        FlowInfo::form(
            "connect",
            "Connect numbers that Twilio sends from already",
            Purpose::Connect,
        )
        .step("account", "Check the credentials")
        .step("senders", "Choose the numbers")
        .step("webhooks", "Set the webhooks"),
        FlowInfo::form(
            "webhooks",
            "Set a number's webhooks again",
            Purpose::Webhooks,
        )
        .step("senders", "Find the number")
        .step("webhooks", "Set the webhooks"),
        of_numbers(
            FlowInfo::form(
                "register",
                "Register numbers with WhatsApp",
                Purpose::Connect,
            )
            .step("account", "Check the credentials"),
            true,
        ),
        in_subaccount(
            "subaccount",
            "Register numbers in a subaccount of their own",
            true,
        ),
        signup(),
    ]
}

fn signup() -> FlowInfo {
    let mut flow = in_subaccount("signup", "Sign a customer up in Meta's window", false).input(
        Input::new(
            "phone_number_id",
            Kind::Text,
            Level::Account,
            "Phone number id",
            "Meta's id of the number; Twilio knows it by the number alone.",
        )
        .optional(),
    );
    flow.launch = Launch::EmbeddedSignup(EmbeddedSignup {
        app_id_setting: "meta_app_id".to_owned(),
        config_setting: "meta_config_id".to_owned(),
        solution_setting: Some("meta_solution_id".to_owned()),
        // Unset for numbers that verify themselves in the window. Numbers of Twilio's verify by themselves.
        feature: None,
    });
    flow
}

fn in_subaccount(id: &str, title: &str, asked: bool) -> FlowInfo {
    let flow = FlowInfo::form(id, title, Purpose::Connect)
        .step("account", "Make the subaccount")
        .input(optional(
            "subaccount_name",
            "Name of the subaccount",
            "The customer's name; an active subaccount of that name is offered first.",
        ))
        .input(
            optional(
                "main_account_sid",
                "Main account SID",
                "The account to make it in, where none is set for the app.",
            )
            .pattern("^AC[0-9a-fA-F]{32}$"),
        )
        .input(
            Input::secret(
                "main_auth_token",
                Level::Account,
                &[API],
                "Main auth token",
                "Forgotten when the flow ends.",
            )
            .optional(),
        );
    of_numbers(flow, asked)
}

/// Optional in the form: what is missing is asked for once it is needed.
fn optional(name: &str, title: &str, help: &str) -> Input {
    Input::new(name, Kind::Text, Level::Account, title, help).optional()
}

fn of_numbers(flow: FlowInfo, asked: bool) -> FlowInfo {
    let input = |name: &str, title: &str, help: &str| {
        let mut input = optional(name, title, help);
        input.required = asked;
        input
    };
    flow.input(input(
        "numbers",
        "Numbers",
        "One or several with their country codes, separated by commas.",
    ))
    .input(input(
        "waba_id",
        "WhatsApp Business Account id",
        "The account at Meta that the numbers belong to, shared with Twilio.",
    ))
    .input(input(
        "display_name",
        "Display name",
        "What people see above the chat; it must follow Meta's guidelines.",
    ))
    .input(
        Input::new(
            "verification_method",
            Kind::Choice,
            Level::Account,
            "Verification",
            "How Meta's code reaches numbers that are not Twilio's.",
        )
        .choices(&["sms", "voice"])
        .optional(),
    )
    .input(
        Input::secret(
            "verification_code",
            Level::Account,
            &[MESSAGING],
            "Verification code",
            "Leave it empty at first: it is asked for when Meta has sent it.",
        )
        .optional(),
    )
    .step("register", "Register the numbers")
    .step("verify", "Verify the numbers")
    .step("webhooks", "Set the webhooks")
}
