//! The customer at 360dialog: there by a link, back with what was granted. What a browser brings is only a
//! claim; the Partner Hub's list decides.

use wharf_plugin::onboarding::{Finding, Next, Progress, Verdict, Visit};
use wharf_plugin::prelude::*;
use wharf_plugin::types::Field;

use super::work::{FLOW, NUMBERS_MAX, Step, Work};
use super::{CLIENT, EMAIL, NUMBERS, finding, listing, progress, values};
use crate::address::{SIGNUP, is_segment};
use crate::descriptor::PARTNER_ID;

/// Of the seed, in the parameter `state`: enough that nobody guesses it within the life of a flow.
const NONCE_BYTES: usize = 16;

pub(super) fn start(ctx: &Context, inputs: &[(String, String)]) -> Result<Progress, Error> {
    let partner = partner(ctx)?;
    let given = |name: &str| {
        let found = inputs.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    };
    if let Some(client) = given(CLIENT) {
        let client = id("client ID", client)?;
        let numbers = ids(&[given(NUMBERS).unwrap_or_default()])?;
        return listing::list(ctx, Work::partner(client, numbers), Vec::new());
    }
    if given(NUMBERS).is_some() {
        return Err(
            Error::invalid("channel IDs were given without their client's ID")
                .remedy("Give the client ID too, or neither and let the customer sign up."),
        );
    }
    let nonce: String = ctx
        .seed
        .iter()
        .take(NONCE_BYTES)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut query = vec![
        Field::new("redirect_url", vec![piece::return_url()]),
        Field::text("state", nonce.clone()),
    ];
    if let Some(email) = given(EMAIL) {
        query.push(Field::text("email", email));
    }
    let visit = Visit {
        url: format!("https://{SIGNUP}/onboarding/{partner}"),
        query,
        returns: ["client", "channels", "revoked", "state"]
            .map(str::to_owned)
            .to_vec(),
        state: FLOW.state(&Step::Return { nonce }),
    };
    let waiting = finding(
        "signup",
        Verdict::Waiting,
        "The customer signs up at 360dialog",
        "360dialog asks them for their business, their number and the permission to use it.",
    );
    Ok(progress(vec![waiting], Next::Visit(visit)))
}

pub(super) fn returned(
    ctx: &Context,
    nonce: &str,
    inputs: &[(String, Vec<String>)],
) -> Result<Progress, Error> {
    // Not every return echoes it; one that is another's is another's.
    if values(inputs, "state").iter().any(|state| *state != nonce) {
        return Err(Error::new(
            Code::Misconfigured,
            Retry::Never,
            "the return from 360dialog belongs to another signup",
        )
        .remedy("Start the flow again, and finish it in the browser that it opened."));
    }
    let revoked = ids(&values(inputs, "revoked"))?;
    let channels = ids(&values(inputs, "channels"))?;
    let client = values(inputs, CLIENT).first().copied().unwrap_or_default();
    if client.is_empty() || channels.is_empty() {
        return Err(Error::new(
            Code::Misconfigured,
            Retry::Never,
            "the customer came back from 360dialog without granting a number",
        )
        .remedy("Start the flow again, and let the customer grant at least one number."));
    }
    let client = id("client", client)?;
    let mut findings: Vec<Finding> = revoked.iter().map(|id| taken_back(id)).collect();
    findings.push(finding(
        "signup",
        Verdict::Ok,
        "The customer is signed up",
        format!("Client {client} granted {} channels.", channels.len()),
    ));
    listing::list(ctx, Work::partner(client, channels), findings)
}

/// The partner's ID, from the app's settings.
pub(super) fn partner(ctx: &Context) -> Result<&str, Error> {
    let partner = ctx.required(PARTNER_ID)?;
    match is_segment(partner) {
        true => Ok(partner),
        false => Err(Error::setting(
            PARTNER_ID,
            "must be the ID that the Partner Hub shows",
        )),
    }
}

fn taken_back(id: &str) -> Finding {
    let mut taken = finding(
        "signup",
        Verdict::Warning,
        format!("The customer took channel {id} back"),
        "Its API key no longer belongs to the partner.",
    );
    taken.remedy = Some("Remove the channel from the gateway if it is connected.".to_owned());
    taken
}

fn id(what: &str, text: &str) -> Result<String, Error> {
    if is_segment(text) {
        return Ok(text.to_owned());
    }
    Err(
        Error::invalid(format!("the {what} is not an ID of 360dialog"))
            .remedy("Use the ID as 360dialog shows it."),
    )
}

/// `[a,b]`: the brackets are literal and the ids unquoted, so it is no JSON. Each once, in their order.
fn ids(texts: &[&str]) -> Result<Vec<String>, Error> {
    let mut ids: Vec<String> = Vec::new();
    for text in texts {
        let bare = text.trim().trim_start_matches('[').trim_end_matches(']');
        for part in bare.split(',') {
            let part = part.trim().trim_matches('"');
            if !part.is_empty() && !ids.iter().any(|known| known == part) {
                ids.push(id("channel ID", part)?);
            }
        }
    }
    if ids.len() > NUMBERS_MAX {
        return Err(Error::invalid(format!(
            "one flow connects at most {NUMBERS_MAX} numbers, these are {}",
            ids.len()
        ))
        .remedy(
            "Start the flow with the client ID and a part of the channel IDs, then with the rest.",
        ));
    }
    Ok(ids)
}
