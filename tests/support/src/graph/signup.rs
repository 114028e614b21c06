//! The embedded signup behind the scenes: codes, tokens, and the app's own subscription.

use std::time::Duration;

use serde_json::json;

use super::Shared;
use super::access::{Caller, Code, Token};
use super::serve::Target;
use crate::cloud::number::Number;
use crate::cloud::serve::{Refusal, Reply, Request};
use crate::cloud::{GraphError, PhoneNumber, Platform, shape};

/// What a customer does in the signup's window.
#[derive(Clone)]
pub struct SignUp {
    business_id: String,
    numbers: Vec<PhoneNumber>,
    accounts: Vec<String>,
    pin: Option<String>,
    is_coexistence: bool,
    redirect_uri: Option<String>,
    token_lifetime: Option<Duration>,
}

impl SignUp {
    /// A customer with these numbers; their `token` does not matter.
    #[must_use]
    pub fn new(numbers: Vec<PhoneNumber>) -> Self {
        Self {
            business_id: "2729063490586005".to_owned(),
            numbers,
            accounts: Vec::new(),
            pin: None,
            is_coexistence: false,
            redirect_uri: None,
            token_lifetime: None,
        }
    }

    /// An account without a number.
    #[must_use]
    pub fn with_account(mut self, account_id: &str) -> Self {
        self.accounts.push(account_id.to_owned());
        self
    }

    #[must_use]
    pub fn of_business(mut self, business_id: &str) -> Self {
        business_id.clone_into(&mut self.business_id);
        self
    }

    /// The numbers have a PIN already, which a registration must name.
    #[must_use]
    pub fn with_pin(mut self, pin: &str) -> Self {
        self.pin = Some(pin.to_owned());
        self
    }

    /// The numbers stay in the WhatsApp Business app.
    #[must_use]
    pub fn coexistence(mut self) -> Self {
        self.is_coexistence = true;
        self
    }

    /// The code came by a redirect to this address, which the exchange must name.
    #[must_use]
    pub fn redirected_to(mut self, uri: &str) -> Self {
        self.redirect_uri = Some(uri.to_owned());
        self
    }

    /// The token ends after this time; without it, never.
    #[must_use]
    pub fn with_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = Some(lifetime);
        self
    }
}

/// Writes a customer into the books; the code that the browser gets.
pub(super) fn sign_up(shared: &Shared, customer: &SignUp) -> String {
    let mut accounts = customer.accounts.clone();
    {
        let mut world = shared.platform.world();
        for number in &customer.numbers {
            if !accounts.contains(&number.account_id) {
                accounts.push(number.account_id.clone());
            }
            let mut entry = Number::signed_up(number);
            entry.pin.clone_from(&customer.pin);
            if customer.is_coexistence {
                entry = Number {
                    is_on_business_app: true,
                    registered: true,
                    status: "CONNECTED".to_owned(),
                    ..entry
                };
            }
            world.numbers.retain(|known| known.base.id != number.id);
            world.numbers.push(entry);
        }
        for account in &accounts {
            world.open_account(account, false);
        }
    }
    let code = Platform::secret("AQB");
    let mut access = shared.access();
    access.add_code(
        &code,
        Code {
            redirect_uri: customer.redirect_uri.clone(),
            token_lifetime: customer.token_lifetime,
            ..Code::new(accounts.clone(), shared.platform.clock.now_ms())
        },
    );
    drop(access);
    shared
        .businesses()
        .insert(customer.business_id.clone(), accounts);
    code
}

/// `/oauth/access_token`, by GET or POST.
pub(super) fn exchange(shared: &Shared, request: &Request) -> Result<Reply, Refusal> {
    let body = request.parameters()?;
    let of = |name: &str| {
        shape::text(&body, &format!("/{name}"))
            .ok_or_else(|| GraphError::parameter(format_args!("Missing {name} parameter.")))
    };
    if of("client_id")? != shared.config.app_id {
        let message = "Error validating application. Cannot get application info.".to_owned();
        let error = GraphError {
            message,
            ..GraphError::of_code(101)
        };
        return Err(error.into());
    }
    if of("client_secret")? != shared.config.app_secret {
        let message = "Error validating client secret.".to_owned();
        return Err(GraphError {
            message,
            ..GraphError::of_code(1)
        }
        .into());
    }
    let now_ms = shared.platform.clock.now_ms();
    let redirect_uri = shape::text(&body, "/redirect_uri");
    let mut access = shared.access();
    let grant = access.take_code(of("code")?, redirect_uri, now_ms)?;
    let token = Platform::secret("EAAJB");
    let mut answer = json!({ "access_token": token, "token_type": "bearer" });
    let mut entry = Token::new(grant.accounts, now_ms);
    if let Some(lifetime) = grant.token_lifetime {
        answer["expires_in"] = json!(lifetime.as_secs());
        entry.expires_ms = now_ms + lifetime.as_secs() * 1000;
    }
    access.tokens.insert(token, entry);
    Ok(Reply::ok(answer))
}

/// With the app's own token, or with the token that is asked about.
pub(super) fn debug_token(
    shared: &Shared,
    request: &Request,
    target: &Target<'_>,
) -> Result<Reply, Refusal> {
    let input = request
        .parameter("input_token")
        .ok_or_else(|| GraphError::parameter("The parameter input_token is required."))?;
    if let Caller::User { token, .. } = &target.caller
        && token != input
    {
        let message = "(#100) You must provide an app access token, or a user access token that is an \
                       owner or developer of the app";
        return Err(GraphError {
            message: message.to_owned(),
            ..GraphError::of_code(100)
        }
        .into());
    }
    let now_ms = shared.platform.clock.now_ms();
    Ok(Reply::ok(shared.access().inspect(
        input,
        &shared.config.app_id,
        now_ms,
    )))
}

/// The token of a customer who signed up without our page; needs the proof.
pub(super) fn business_token(
    shared: &Shared,
    request: &Request,
    target: &Target<'_>,
) -> Result<Reply, Refusal> {
    let business = target.path[0];
    let accounts = shared.businesses().get(business).cloned();
    let (Some(accounts), Caller::User { .. }) = (accounts, &target.caller) else {
        return Err(GraphError::unknown_object(business, "POST").into());
    };
    let body = request.parameters()?;
    if request.parameter("appsecret_proof").is_none() {
        let complaint = "API calls from the server require an appsecret_proof argument";
        return Err(GraphError::parameter(complaint).into());
    }
    if shape::text(&body, "/fetch_only") != Some("true") && body["fetch_only"] != true {
        return Err(GraphError::parameter("Param fetch_only must be true.").into());
    }
    let token = Platform::secret("EAAJB");
    let entry = Token::new(accounts, shared.platform.clock.now_ms());
    shared.access().tokens.insert(token.clone(), entry);
    Ok(Reply::ok(json!({ "access_token": token })))
}

/// The app's callback URL and fields; with the app's own token.
pub(super) fn subscriptions(
    shared: &Shared,
    request: &Request,
    target: &Target<'_>,
) -> Result<Reply, Refusal> {
    let app = target.path[0];
    if app != shared.config.app_id || !matches!(target.caller, Caller::App) {
        return Err(GraphError::unknown_object(app, request.method.as_str()).into());
    }
    match request.method.as_str() {
        "GET" => {
            let url = shared.callback_url();
            let active = url.is_some();
            let entry = json!({
                "object": "whatsapp_business_account",
                "callback_url": url,
                "active": active,
                "fields": shared.subscribed_fields().iter()
                    .map(|name| json!({ "name": name, "version": "v24.0" })).collect::<Vec<_>>(),
            });
            Ok(Reply::ok(
                json!({ "data": if active { vec![entry] } else { Vec::new() } }),
            ))
        }
        "POST" => {
            let body = request.parameters()?;
            if shape::text(&body, "/object") != Some("whatsapp_business_account") {
                let complaint = "Param object must be 'whatsapp_business_account'.";
                return Err(GraphError::parameter(complaint).into());
            }
            match &target.proven {
                None => {
                    let complaint = "The parameters callback_url and verify_token are required.";
                    return Err(GraphError::parameter(complaint).into());
                }
                Some(Err(error)) => return Err(error.clone().into()),
                Some(Ok(())) => {}
            }
            let fields = shape::text(&body, "/fields").unwrap_or_default();
            shared.subscribe_app(shape::text(&body, "/callback_url"), fields);
            Ok(Reply::success())
        }
        "DELETE" => {
            shared.subscribe_app(None, "");
            Ok(Reply::success())
        }
        verb => Err(GraphError::unknown_object(app, verb).into()),
    }
}
