//! Twilio's error codes in the gateway's words. Source: Twilio's list of codes
//! (<https://www.twilio.com/docs/documents/76/twilio-error-codes.json>) and its page of each later code below
//! <https://www.twilio.com/docs/api/errors>. Must not know where a code came from: an answer or a callback.

use wharf_plugin::prelude::*;
use wharf_plugin::types::{Bucket, Level};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// What a code says about a repetition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Again {
    Never,
    Backoff,
    AfterMs(u64),
    /// Twilio's own trouble: what it did with the request is not known.
    Trouble,
}

/// What slows down, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Slow {
    No,
    Account(u64),
    Channel(u64),
    /// Twilio has one code for the sender's rate and the rate to one person: both pause.
    ChannelAndRecipient(u64, u64),
}

/// One code, or a run of codes with one meaning.
pub(crate) struct Row {
    first: u32,
    last: u32,
    code: Code,
    again: Again,
    remedy: &'static str,
    slow: Slow,
}

/// The row of a code.
pub(crate) fn find(number: u32) -> Option<&'static Row> {
    let next = ROWS.partition_point(|row| row.first <= number);
    let row = ROWS.get(next.checked_sub(1)?)?;
    (number <= row.last).then_some(row)
}

/// A row's error. `replay` is the request's: a request that may be repeated is, after trouble.
pub(crate) fn error(row: &Row, replay: Replay, detail: String) -> Error {
    let retry = match row.again {
        Again::Never => Retry::Never,
        Again::Backoff => Retry::Backoff,
        Again::AfterMs(ms) => Retry::AfterMs(ms),
        Again::Trouble if replay == Replay::Unsafe => Retry::Uncertain,
        Again::Trouble => Retry::Backoff,
    };
    let error = Error::new(row.code, retry, detail).remedy(row.remedy);
    match row.slow {
        Slow::No => error,
        Slow::Account(ms) => error.pause(Bucket::Level(Level::Account), ms),
        Slow::Channel(ms) => error.pause(Bucket::Level(Level::Channel), ms),
        Slow::ChannelAndRecipient(channel_ms, recipient_ms) => error
            .pause(Bucket::Level(Level::Channel), channel_ms)
            .pause(Bucket::Recipient, recipient_ms),
    }
}

const fn run(first: u32, last: u32, code: Code, again: Again, remedy: &'static str) -> Row {
    Row {
        first,
        last,
        code,
        again,
        remedy,
        slow: Slow::No,
    }
}

const fn never(number: u32, code: Code, remedy: &'static str) -> Row {
    run(number, number, code, Again::Never, remedy)
}

const fn backoff(number: u32, code: Code, remedy: &'static str) -> Row {
    run(number, number, code, Again::Backoff, remedy)
}

const fn after(number: u32, ms: u64, code: Code, remedy: &'static str) -> Row {
    run(number, number, code, Again::AfterMs(ms), remedy)
}

impl Row {
    const fn slow(mut self, slow: Slow) -> Self {
        self.slow = slow;
        self
    }
}

const CREDENTIALS: &str = "Check the channel's account SID and auth token, or its API key, and that the account is active.";
const ACCOUNT_PATH: &str = "Check the account SID: Twilio knows no such resource in this account.";
const WAIT: &str = "Nothing to do: the trouble is Twilio's or WhatsApp's and passes.";
const SLOW_DOWN: &str = "Send more slowly from this account.";
const NUMBER: &str =
    "Check the recipient's number: it must be in international form and on WhatsApp.";
const SENDER: &str = "Check that the channel's number is a WhatsApp sender of this very account in Twilio's console.";
const SERVICE: &str =
    "Check the channel's messaging service SID and that the number is in its sender pool.";
const PARTS: &str = "Correct the message: a part that Twilio needs is missing.";
const MEDIA: &str = "Send media of a type and size that WhatsApp takes, at a public link.";
const MEDIA_LINK: &str =
    "Check that the link can be fetched by anybody and answers GET and HEAD with the file's type.";
const TEMPLATE: &str = "Check the template's name and language, and that it is approved.";
const VARIABLES: &str =
    "Give every variable of the template a value without line breaks, tabs or runs of spaces.";
const CONTENT: &str = "Correct the content; the detail says what Twilio does not take.";
const OPTED_OUT: &str = "Stop sending to this person until they write again.";
const WABA: &str =
    "Correct the sender's WhatsApp Business account in Twilio's console, then connect it again.";
const WEBHOOK: &str =
    "Make the gateway's public URL reachable over https under a name without underscores.";

/// Sorted, without overlaps.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    // Webhooks and files that Twilio fetches; shown in its debugger too.
    never(11_200, Code::Misconfigured, WEBHOOK),
    never(11_751, Code::MediaRejected, MEDIA),
    never(12_300, Code::MediaRejected, MEDIA_LINK),
    // The API.
    never(20_003, Code::AuthFailed, CREDENTIALS),
    never(20_404, Code::Misconfigured, ACCOUNT_PATH),
    backoff(20_429, Code::RateLimited, SLOW_DOWN).slow(Slow::Account(SECOND)),
    run(20_500, 20_500, Code::ProviderUnavailable, Again::Trouble, WAIT),
    run(20_503, 20_503, Code::ProviderUnavailable, Again::Trouble, WAIT),
    // The Messages resource.
    never(21_211, Code::RecipientUnknown, NUMBER),
    never(21_212, Code::Misconfigured, SENDER),
    never(21_408, Code::AccountRestricted, "Enable the recipient's country in the messaging geographic permissions of Twilio's console."),
    run(21_601, 21_604, Code::InvalidMessage, Again::Never, PARTS),
    never(21_606, Code::Misconfigured, SENDER),
    never(21_608, Code::AccountRestricted, "Upgrade the trial account, or verify the recipient's number in Twilio's console."),
    never(21_609, Code::Misconfigured, WEBHOOK),
    never(21_610, Code::RecipientOptedOut, "Stop sending to this person: they unsubscribed with STOP and come back with START."),
    backoff(21_611, Code::RateLimited, "Send more slowly from this number: its queue at Twilio is full.").slow(Slow::Channel(MINUTE)),
    never(21_612, Code::RecipientUnknown, "Check number and sender: Twilio has no way from one to the other."),
    never(21_614, Code::RecipientUnknown, NUMBER),
    never(21_617, Code::InvalidMessage, "Shorten the text to 1600 characters or send it in parts."),
    never(21_620, Code::MediaRejected, MEDIA_LINK),
    never(21_623, Code::InvalidMessage, "Send one medium a message."),
    never(21_654, Code::TemplateUnknown, TEMPLATE),
    never(21_655, Code::TemplateUnknown, TEMPLATE),
    never(21_656, Code::TemplateMismatch, VARIABLES),
    never(21_658, Code::InvalidMessage, "Shorten the values that fill the template."),
    never(21_701, Code::Misconfigured, SERVICE),
    run(21_703, 21_705, Code::Misconfigured, Again::Never, SERVICE),
    // Delivery.
    backoff(30_001, Code::RateLimited, "Send more slowly: Twilio's queue overflowed.").slow(Slow::Channel(MINUTE)),
    never(30_002, Code::AccountRestricted, "Ask Twilio's support why the account is suspended."),
    backoff(30_008, Code::Other, WAIT),
    never(57_012, Code::Misconfigured, "Check the channel's auth token: webhooks are signed with another one."),
    // Channels, WhatsApp first of all.
    never(63_001, Code::Misconfigured, WABA),
    never(63_002, Code::Misconfigured, SENDER),
    never(63_003, Code::RecipientUnknown, NUMBER),
    never(63_005, Code::InvalidMessage, CONTENT),
    never(63_006, Code::InvalidMessage, CONTENT),
    never(63_007, Code::Misconfigured, SENDER),
    never(63_008, Code::Misconfigured, WABA),
    backoff(63_009, Code::ProviderUnavailable, WAIT),
    backoff(63_010, Code::ProviderUnavailable, WAIT),
    never(63_011, Code::InvalidMessage, CONTENT),
    backoff(63_012, Code::ProviderUnavailable, WAIT),
    never(63_013, Code::PolicyBlocked, "Change the message: it breaks a policy of WhatsApp's."),
    never(63_014, Code::RecipientOptedOut, OPTED_OUT),
    never(63_015, Code::RecipientUnknown, "Let the recipient join the sandbox first: send its join word to the sandbox's number."),
    never(63_016, Code::WindowClosed, "Send an approved template: the 24-hour window is closed until the recipient writes."),
    backoff(63_017, Code::RateLimited, SLOW_DOWN).slow(Slow::Account(SECOND)),
    backoff(63_018, Code::RateLimited, "Send more slowly, at most one message in six seconds to one person and 80 a second from the number.").slow(Slow::ChannelAndRecipient(SECOND, 6 * SECOND)),
    backoff(63_019, Code::MediaRejected, MEDIA_LINK),
    never(63_020, Code::AccountRestricted, "Accept Twilio's invitation in Meta's business manager, and correct what it shows there."),
    never(63_021, Code::InvalidMessage, CONTENT),
    never(63_022, Code::Misconfigured, "Ask Twilio's support to renew the sender's display name certificate."),
    backoff(63_023, Code::Other, WAIT),
    never(63_024, Code::RecipientUnknown, "Check the recipient: not on WhatsApp, its terms not accepted, or its version too old."),
    never(63_025, Code::MediaRejected, MEDIA),
    never(63_026, Code::PolicyBlocked, "Stop sending what people report: WhatsApp flagged it as spam."),
    never(63_027, Code::TemplateUnknown, TEMPLATE),
    never(63_028, Code::TemplateMismatch, VARIABLES),
    backoff(63_029, Code::Other, "Nothing to do: the recipient's device could not load the template yet."),
    never(63_030, Code::InvalidMessage, "Leave out the option that this kind of message does not have."),
    never(63_031, Code::InvalidMessage, "Send to another number than the channel's own."),
    never(63_032, Code::PolicyBlocked, "Do not send this to this person: WhatsApp limits what they get."),
    never(63_033, Code::PolicyBlocked, OPTED_OUT),
    never(63_034, Code::MediaRejected, MEDIA),
    never(63_035, Code::Other, "Check the channel: this code belongs to RCS."),
    never(63_036, Code::RecipientUnknown, "Check the channel: this code belongs to RCS."),
    backoff(63_037, Code::MediaRejected, MEDIA),
    after(63_038, DAY, Code::RateLimited, "Wait until the account's daily limit frees, or ask Twilio to raise it.").slow(Slow::Account(HOUR)),
    never(63_039, Code::Other, "See the warning of the Facebook page in Meta's business manager."),
    never(63_040, Code::TemplateUnknown, "Correct the template and submit it again: its submission failed."),
    never(63_041, Code::TemplatePaused, "Improve the template's quality; it is paused and comes back by itself or after an edit."),
    after(63_049, DAY, Code::PolicyBlocked, "Wait at least a day, and longer each time: Meta limits how many marketing messages a person gets, and none reach numbers of the USA."),
    never(63_059, Code::Misconfigured, "Connect the number again with the WhatsApp Business account that it was moved to."),
    never(63_062, Code::Misconfigured, "Accept the terms of the marketing messages API in Meta's business manager."),
    never(63_101, Code::Misconfigured, WABA),
    never(63_112, Code::AccountRestricted, WABA),
    backoff(63_119, Code::RateLimited, "Wait: too many operations on this WhatsApp Business account.").slow(Slow::Account(MINUTE)),
    // The Content API.
    run(92_001, 92_004, Code::InvalidMessage, Again::Never, CONTENT),
    run(92_005, 92_006, Code::TemplateUnknown, Again::Never, TEMPLATE),
    never(92_007, Code::TemplateMismatch, VARIABLES),
    never(92_008, Code::Unsupported, "Use a content type that WhatsApp knows."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_without_overlaps() {
        for pair in ROWS.windows(2) {
            let [one, two] = pair else { panic!("a pair") };
            assert!(
                one.first <= one.last && one.last < two.first,
                "{}",
                two.first
            );
        }
    }

    #[test]
    fn runs_end_where_they_say() {
        for (number, known) in [
            (21_600, false),
            (21_601, true),
            (21_604, true),
            (21_605, false),
            (0, false),
            (u32::MAX, false),
        ] {
            assert_eq!(find(number).is_some(), known, "{number}");
        }
    }

    #[test]
    fn trouble_is_uncertain_only_where_a_repetition_could_harm() {
        let row = find(20_500).expect("known");
        for (replay, retry) in [
            (Replay::Unsafe, Retry::Uncertain),
            (Replay::Safe, Retry::Backoff),
            (Replay::Keyed, Retry::Backoff),
        ] {
            assert_eq!(error(row, replay, String::new()).retry, retry);
        }
    }
}
