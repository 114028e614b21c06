//! The end of a message's way.

use wharf_core::provider::{Accepted, Progress, Step};

use super::exchange::check_exchange;
use super::inbound::check_party;
use super::{Checked, Rules, optional_id, paces};

pub(crate) fn progress(progress: &Progress, rules: &Rules<'_>) -> Checked {
    match progress {
        Step::Exchange(exchange) => check_exchange(exchange, rules),
        Step::Done(accepted) => check_accepted(accepted),
    }
}

pub(super) fn check_accepted(accepted: &Accepted) -> Checked {
    optional_id("provider-message-id", accepted.provider_message_id.as_ref())?;
    if let Some(recipient) = &accepted.recipient {
        check_party("recipient", recipient)?;
    }
    paces(&accepted.pace)
}
