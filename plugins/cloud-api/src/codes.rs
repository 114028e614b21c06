//! What Meta's error codes mean, as data: one row for a code or a run of codes, in their order, so that
//! they are found by halving. A row for one subcode stands directly before its code's own.
//!
//! Codes and advice: <https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes>.

use wharf_plugin::errors::{Code, Retry};

/// The meaning of the codes `first..=last`.
pub struct Row {
    /// First code of the run.
    pub first: u32,
    /// Last code of the run.
    pub last: u32,
    /// Only with this `error_subcode`.
    pub subcode: Option<u32>,
    /// The gateway's class.
    pub code: Code,
    /// Whether and when to try again.
    pub retry: Retry,
    /// What must slow down.
    pub slow: Slow,
    /// What the reader can do.
    pub remedy: &'static str,
}

/// Which bucket to pause, for how many milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slow {
    /// None.
    No,
    /// Everything sent with the app's credentials.
    App(u64),
    /// Everything of the account.
    Account(u64),
    /// Everything from the number.
    Channel(u64),
    /// Everything to this recipient.
    Recipient(u64),
}

/// Management calls answer code 100 with the real code as the subcode; those have seven digits.
const CODE_AS_SUBCODE_MIN: u32 = 1_000_000;

/// The row for a code: the one for its subcode, else the one for the subcode as a code of its own, else
/// the code's.
pub(crate) fn find(code: u32, subcode: Option<u32>) -> Option<&'static Row> {
    let exact = subcode.and_then(|_| row(code, subcode));
    exact
        .or_else(|| {
            row(
                subcode.filter(|number| *number >= CODE_AS_SUBCODE_MIN)?,
                None,
            )
        })
        .or_else(|| row(code, None))
}

fn row(code: u32, subcode: Option<u32>) -> Option<&'static Row> {
    let first = ROWS.partition_point(|row| row.last < code);
    ROWS.get(first..)?
        .iter()
        .take_while(|row| row.first <= code)
        .find(|row| row.subcode == subcode)
}

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

const fn run(first: u32, last: u32, code: Code, retry: Retry, remedy: &'static str) -> Row {
    Row {
        first,
        last,
        subcode: None,
        code,
        retry,
        slow: Slow::No,
        remedy,
    }
}

/// Final for this message.
const fn never(number: u32, code: Code, remedy: &'static str) -> Row {
    run(number, number, code, Retry::Never, remedy)
}

/// Passes by itself.
const fn backoff(number: u32, code: Code, remedy: &'static str) -> Row {
    run(number, number, code, Retry::Backoff, remedy)
}

/// Meta names the time to wait.
const fn after(number: u32, ms: u64, code: Code, remedy: &'static str) -> Row {
    run(number, number, code, Retry::AfterMs(ms), remedy)
}

impl Row {
    const fn slow(mut self, slow: Slow) -> Self {
        self.slow = slow;
        self
    }

    const fn subcode(mut self, subcode: u32) -> Self {
        self.subcode = Some(subcode);
        self
    }
}

const TOKEN: &str = "Replace the account's access token with a valid one.";
const CHECKPOINT: &str = "Have the token's owner log in at facebook.com and pass the check that waits there, then make a new token.";
const SIGNUP: &str = "Start the sign-up again: its code works once and for 30 seconds.";
const PERMISSION: &str = "Give the token's system user access to the WhatsApp account and the permission whatsapp_business_messaging.";
const WAIT: &str = "Nothing to do: it passes by itself.";
const SLOW_DOWN: &str = "Send more slowly, or ask Meta for a higher limit.";
const PARAMETERS: &str = "Correct the message; the detail names the parameter.";
const NUMBER_ID: &str = "Check the phone number ID and that the token may use it.";
const PLATFORM: &str =
    "Look at the account's status in WhatsApp Manager and resolve what it shows.";
const GROUP: &str = "Correct the group request; the detail says why.";
const TEMPLATE: &str = "Compare the message's parameters with the approved template.";
const FLOW: &str = "Correct the flow in WhatsApp Manager, then send again.";
const CALLS: &str = "Look the code up in Meta's calling reference.";
const REGISTER: &str = "Register the number with the Cloud API again.";
const PIN: &str = "Wait as long as the detail says, then use the right PIN.";
const MIGRATION: &str = "Finish the number's migration first.";
const BLOCK_LIST: &str = "Correct the list of users to block; the detail says why.";
const USERNAME: &str = "Correct the username; the detail says why.";
const INSIGHTS: &str = "Turn template insights on for this account.";
const HISTORY: &str = "Do not ask again: history is shared once, within a day of the sign-up, and only if the business agreed.";

/// The table; a row a line, so that it reads as one.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    // The Graph API itself.
    never(0, Code::AuthFailed, TOKEN),
    backoff(1, Code::ProviderUnavailable, WAIT),
    backoff(2, Code::ProviderUnavailable, WAIT),
    never(3, Code::AuthFailed, PERMISSION),
    backoff(4, Code::RateLimited, SLOW_DOWN).slow(Slow::App(MINUTE)),
    never(10, Code::AuthFailed, PERMISSION),
    backoff(17, Code::RateLimited, SLOW_DOWN).slow(Slow::Account(MINUTE)),
    backoff(32, Code::RateLimited, SLOW_DOWN).slow(Slow::App(MINUTE)),
    never(33, Code::Misconfigured, NUMBER_ID),
    never(100, Code::Misconfigured, NUMBER_ID).subcode(33),
    never(100, Code::AuthFailed, SIGNUP).subcode(36_007),
    never(100, Code::AuthFailed, SIGNUP).subcode(36_009),
    never(100, Code::InvalidMessage, PARAMETERS),
    never(102, Code::AuthFailed, TOKEN),
    never(104, Code::AuthFailed, "Check the access token, and set appsecret_proof to true if the app requires it."),
    never(190, Code::AuthFailed, "Have the business add the app again and make a new token: it removed the app.").subcode(458),
    never(190, Code::AuthFailed, CHECKPOINT).subcode(459),
    never(190, Code::AuthFailed, "Make a new token: its owner's password was changed.").subcode(460),
    never(190, Code::AuthFailed, "Make a new token, best one of a system user that never expires: this one has expired.").subcode(463),
    never(190, Code::AuthFailed, CHECKPOINT).subcode(464),
    never(190, Code::AuthFailed, "Make a new token: this one was invalidated.").subcode(467),
    never(190, Code::AuthFailed, "Give the token's owner a role in the business again, then make a new token.").subcode(492),
    never(190, Code::AuthFailed, TOKEN),
    run(200, 299, Code::AuthFailed, Retry::Never, PERMISSION),
    backoff(341, Code::RateLimited, SLOW_DOWN).slow(Slow::App(MINUTE)),
    never(368, Code::AccountRestricted, PLATFORM),
    never(506, Code::InvalidMessage, "The same request was just made; change it if it is meant to be a new one."),
    backoff(613, Code::RateLimited, SLOW_DOWN).slow(Slow::App(MINUTE)),
    never(803, Code::Misconfigured, NUMBER_ID),
    run(80_001, 80_014, Code::RateLimited, Retry::Backoff, SLOW_DOWN).slow(Slow::Account(MINUTE)),
    // Sending.
    never(130_403, Code::PolicyBlocked, "Unblock the user first: your business has blocked them."),
    backoff(130_429, Code::RateLimited, SLOW_DOWN).slow(Slow::Channel(SECOND)),
    never(130_472, Code::PolicyBlocked, "Do not resend: Meta withholds marketing messages from this user for an experiment."),
    never(130_497, Code::PolicyBlocked, "Do not message this country from this account."),
    backoff(131_000, Code::ProviderUnavailable, WAIT),
    never(131_005, Code::AuthFailed, PERMISSION),
    never(131_008, Code::InvalidMessage, PARAMETERS),
    never(131_009, Code::InvalidMessage, PARAMETERS),
    backoff(131_016, Code::ProviderUnavailable, WAIT),
    never(131_020, Code::RecipientUnknown, "Let somebody join the group first."),
    never(131_021, Code::InvalidMessage, "Send to a number other than the sender's own."),
    never(131_026, Code::RecipientUnknown, "Check that the recipient uses WhatsApp in a current version and has accepted its terms."),
    never(131_030, Code::Misconfigured, "Add the recipient to the test number's list of allowed recipients, or send from a real number."),
    never(131_031, Code::AccountRestricted, PLATFORM),
    never(131_037, Code::AccountRestricted, "Have the number's display name approved in WhatsApp Manager."),
    never(131_041, Code::RecipientUnknown, "Check the group's ID and that the number belongs to the group."),
    never(131_042, Code::PaymentRequired, "Add or repair the account's payment method in Meta's billing settings."),
    never(131_043, Code::Other, "Send again if the message still matters: it expired before it could be delivered."),
    never(131_044, Code::PaymentRequired, "Add a payment method to the account before taking calls."),
    never(131_045, Code::Misconfigured, REGISTER),
    never(131_047, Code::WindowClosed, "Send an approved template: the recipient last wrote more than 24 hours ago."),
    // A throttle of this one number, for what its messages were blocked or reported for.
    after(131_048, HOUR, Code::RateLimited, "Stop sending unwanted messages and see the number's quality in WhatsApp Manager: too many were blocked or reported as spam.").slow(Slow::Channel(MINUTE)),
    after(131_049, DAY, Code::PolicyBlocked, "Wait at least 24 hours: Meta limits how many marketing messages a user gets."),
    never(131_050, Code::RecipientOptedOut, "Stop marketing to this user until they opt in again."),
    never(131_051, Code::Unsupported, "Send another kind of message."),
    never(131_052, Code::MediaRejected, "Ask the sender for a smaller file: it could not be downloaded."),
    never(131_053, Code::MediaRejected, "Check the file's type and size, and that its link can be reached from the internet."),
    never(131_055, Code::Unsupported, "Use another way to send: this number or call does not allow it."),
    backoff(131_056, Code::PairRateLimited, "Send this recipient at most one message in six seconds.").slow(Slow::Recipient(6 * SECOND)),
    after(131_057, MINUTE, Code::ProviderUnavailable, WAIT).slow(Slow::Channel(MINUTE)),
    never(131_059, Code::Other, "Start the listing again from its first page."),
    never(131_060, Code::Unsupported, "Look for the message on the phone: it is not available over the API."),
    never(131_062, Code::InvalidMessage, "Send this template to a phone number: it cannot go to a user ID."),
    never(131_063, Code::AccountRestricted, "Allow marketing templates on the Cloud API for this account, or use the marketing messages API."),
    after(131_064, DAY, Code::AccountRestricted, "Correct the category of misclassified templates; the limit is lifted by itself."),
    // Groups.
    never(131_201, Code::Other, "See in the detail which participants failed."),
    never(131_202, Code::InvalidMessage, GROUP),
    never(131_204, Code::InvalidMessage, GROUP),
    never(131_207, Code::PolicyBlocked, "The group is suspended; use another."),
    backoff(131_208, Code::RateLimited, SLOW_DOWN),
    run(131_209, 131_215, Code::InvalidMessage, Retry::Never, GROUP),
    // Templates and flows.
    never(132_000, Code::TemplateMismatch, TEMPLATE),
    never(132_001, Code::TemplateUnknown, "Check the template's name and language, and that it is approved."),
    never(132_005, Code::TemplateMismatch, "Shorten the parameters: the filled template is too long."),
    never(132_007, Code::PolicyBlocked, "Change the template: its content breaks a policy."),
    never(132_008, Code::TemplateMismatch, TEMPLATE),
    never(132_012, Code::TemplateMismatch, TEMPLATE),
    never(132_015, Code::TemplatePaused, "Improve the template's quality; it is paused and comes back by itself or after an edit."),
    never(132_016, Code::TemplatePaused, "Use another template: this one was paused too often and is disabled."),
    never(132_018, Code::TemplateMismatch, TEMPLATE),
    never(132_068, Code::Misconfigured, FLOW),
    after(132_069, HOUR, Code::RateLimited, FLOW),
    // Registration and account.
    never(133_000, Code::Misconfigured, "Deregister the number again, then register it."),
    backoff(133_004, Code::ProviderUnavailable, WAIT),
    never(133_005, Code::Misconfigured, "Use the number's right two-step verification PIN."),
    never(133_006, Code::Misconfigured, "Verify the number again before registering it."),
    never(133_008, Code::RateLimited, PIN),
    never(133_009, Code::RateLimited, PIN),
    never(133_010, Code::Misconfigured, REGISTER),
    after(133_015, 5 * MINUTE, Code::ProviderUnavailable, "Wait five minutes: the number was deleted a moment ago."),
    after(133_016, 3 * DAY, Code::RateLimited, "Wait 72 hours: the number was registered or deregistered too often."),
    never(134_011, Code::PaymentRequired, "Accept the WhatsApp payments terms."),
    never(134_100, Code::InvalidMessage, "Send only marketing templates over the marketing messages API."),
    after(134_101, 10 * MINUTE, Code::TemplateUnknown, "Wait ten minutes: the template is still being synchronised."),
    never(134_102, Code::AccountRestricted, "The template is not available on the marketing messages API; use the Cloud API."),
    never(135_000, Code::InvalidMessage, PARAMETERS),
    never(137_000, Code::InvalidMessage, "Fetch the recipient's current identity hash: it changed, so they may be somebody else now."),
    // Calls.
    never(138_000, Code::Misconfigured, "Turn calling on for this number."),
    never(138_001, Code::Other, CALLS),
    backoff(138_002, Code::RateLimited, SLOW_DOWN),
    run(138_003, 138_004, Code::Other, Retry::Never, CALLS),
    backoff(138_005, Code::RateLimited, SLOW_DOWN),
    never(138_006, Code::PolicyBlocked, "Ask the user for permission to call first."),
    run(138_007, 138_011, Code::Other, Retry::Never, CALLS),
    never(138_012, Code::RateLimited, "Wait until 24 hours after the first of the last calls to this user."),
    run(138_013, 138_023, Code::Other, Retry::Never, CALLS),
    // Management; here so that the same table serves every call of this provider.
    run(139_000, 139_004, Code::Misconfigured, Retry::Never, FLOW),
    never(139_006, Code::Misconfigured, FLOW),
    run(139_100, 139_103, Code::InvalidMessage, Retry::Never, BLOCK_LIST),
    run(147_001, 147_005, Code::InvalidMessage, Retry::Never, USERNAME),
    run(200_005, 200_007, Code::Misconfigured, Retry::Never, INSIGHTS),
    never(1_752_041, Code::Other, "Nothing to do: this account was already onboarded."),
    never(2_388_001, Code::Misconfigured, MIGRATION),
    never(2_388_012, Code::Misconfigured, MIGRATION),
    never(2_388_019, Code::InvalidMessage, "Delete unused templates: the account has as many as it may have."),
    never(2_388_039, Code::InvalidMessage, "Correct the template; the detail says why."),
    never(2_388_040, Code::InvalidMessage, "Shorten the template's field that the detail names."),
    never(2_388_047, Code::InvalidMessage, "Correct the template's header; the detail says why."),
    never(2_388_072, Code::InvalidMessage, "Correct the template's body; the detail says why."),
    never(2_388_073, Code::InvalidMessage, "Correct the template's footer; the detail says why."),
    never(2_388_091, Code::Misconfigured, MIGRATION),
    never(2_388_093, Code::Misconfigured, MIGRATION),
    never(2_388_103, Code::Misconfigured, MIGRATION),
    never(2_388_293, Code::InvalidMessage, "Give the template more text for its parameters."),
    never(2_388_299, Code::InvalidMessage, "Do not begin or end the template with a parameter."),
    backoff(2_494_100, Code::ProviderUnavailable, WAIT),
    run(2_593_107, 2_593_109, Code::Other, Retry::Never, HISTORY),
];
