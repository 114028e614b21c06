//! What operators and tenants fill in, or flows bring.

use wharf_plugin::manifest::{Input, Kind};
use wharf_plugin::types::Level;

use super::{HOST, MEDIA_HOST};

const ID: &str = "^[0-9]{1,32}$";

pub(super) fn inputs() -> Vec<Input> {
    let mut inputs = of_the_number();
    inputs.extend(of_the_app());
    inputs.extend(of_signup());
    inputs
}

fn of_the_number() -> Vec<Input> {
    vec![
        Input::new(
            "phone_number_id",
            Kind::Text,
            Level::Channel,
            "Phone number ID",
            "The number's ID (not the number itself), from WhatsApp > API setup in Meta's app dashboard.",
        )
        .pattern(ID),
        Input::new(
            "waba_id",
            Kind::Text,
            Level::Account,
            "WhatsApp Business account ID",
            "From WhatsApp > API setup; account notices arrive under this ID.",
        )
        .pattern(ID),
        Input::secret(
            "access_token",
            Level::Account,
            &[HOST, MEDIA_HOST],
            "Access token",
            "A system user's token with the permissions whatsapp_business_messaging and whatsapp_business_management.",
        ),
        Input::secret(
            "pin",
            Level::Channel,
            &[HOST],
            "Two-step verification PIN",
            "Six digits that Meta asks for when the number is registered again. Connection flows make one.",
        )
        .optional(),
    ]
}

fn of_the_app() -> Vec<Input> {
    vec![
        Input::new(
            "app_id",
            Kind::Text,
            Level::App,
            "App ID",
            "The Meta app that owns the webhook subscription. Connection flows, token checks and example media need it.",
        )
        .pattern(ID)
        .optional(),
        Input::secret(
            "app_secret",
            Level::App,
            &[HOST],
            "App secret",
            "From App settings > Basic. Webhooks are verified with it.",
        ),
        Input::secret(
            "verify_token",
            Level::App,
            &[HOST],
            "Webhook verify token",
            "Any secret text; enter the same one where Meta asks for it beside the callback URL, or let the webhooks flow do so.",
        ),
        Input::new(
            "graph_version",
            Kind::Text,
            Level::App,
            "Graph API version",
            "Which version of the Graph API to call; v26.0 when empty.",
        )
        .pattern(r"^v[0-9]{1,3}\.[0-9]{1,2}$")
        .optional(),
        Input::new(
            "appsecret_proof",
            Kind::Boolean,
            Level::App,
            "Send appsecret_proof",
            "Set to true when the app requires proof of the app secret with every call.",
        )
        .optional(),
    ]
}

fn of_signup() -> Vec<Input> {
    vec![
        Input::new(
            "signup_config_id",
            Kind::Text,
            Level::App,
            "Embedded Signup configuration ID",
            "From Facebook Login for Business > Configurations, made for WhatsApp Embedded Signup.",
        )
        .pattern(ID)
        .optional(),
        Input::new(
            "signup_solution_id",
            Kind::Text,
            Level::App,
            "Partner solution ID",
            "Only for solution partners: the solution that customers join when they sign up.",
        )
        .pattern(ID)
        .optional(),
        Input::new(
            "data_localization_region",
            Kind::Text,
            Level::App,
            "Region of stored messages",
            "Two letters, for example DE: where Meta keeps messages at rest. Given when a number is registered.",
        )
        .pattern("^[A-Z]{2}$")
        .optional(),
    ]
}
