//! Meta's words about an account and a number, as findings: quality, tier, status, name, review, and the
//! entities of `health_status`. Which of them a provider shows, and how it is asked, is its own.

use serde_json::Value;
use wharf_plugin::health::{Finding, Report, Verdict};

/// The host takes 64; the rest is for what a provider adds itself.
const ENTITY_FINDINGS_MAX: usize = 40;
/// An operator reads this; Meta's sentences are shorter.
const TEXT_CHARS_MAX: usize = 600;
/// Messages a second by throughput level, https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput
const STANDARD_PER_SECOND: u32 = 80;
const HIGH_PER_SECOND: u32 = 1_000;
/// A number that is also used in the WhatsApp Business app.
const COEXISTENCE_PER_SECOND: u32 = 20;

const MANAGER: &str = "Look at the number in WhatsApp Manager and resolve what it shows.";

/// What is known of an account so far.
#[derive(Default)]
pub struct Health {
    /// In the order they were learned.
    pub findings: Vec<Finding>,
    /// Milliseconds since the epoch.
    pub token_expires: Option<u64>,
    /// GREEN, YELLOW, RED, UNKNOWN.
    pub quality: Option<String>,
    /// TIER_250 to TIER_UNLIMITED.
    pub messaging_limit: Option<String>,
    /// By the throughput level.
    pub messages_per_second: Option<u32>,
}

impl Health {
    /// Adds a finding.
    pub fn say(&mut self, verdict: Verdict, title: &str, detail: &str, remedy: Option<&str>) {
        self.findings.push(Finding {
            verdict,
            title: short(title),
            detail: short(detail),
            remedy: remedy.map(short),
        });
    }

    /// What a number's node says.
    pub fn number(&mut self, number: &Value) {
        let word = |name: &str| number[name].as_str().filter(|word| !word.is_empty());
        if let Some(status) = word("status") {
            let (verdict, remedy) = status_means(status);
            self.say(verdict, "Status of the number", status, remedy);
        }
        if let Some(quality) = word("quality_rating") {
            let (verdict, remedy) = quality_means(quality);
            self.say(verdict, "Quality of the number", quality, remedy);
            self.quality = line(quality);
        }
        if let Some(limit) = word("whatsapp_business_manager_messaging_limit") {
            self.say(Verdict::Ok, "Messaging limit", limit_means(limit), None);
            self.messaging_limit = line(limit);
        }
        if let Some(status) = word("name_status") {
            let (verdict, remedy) = name_means(status);
            self.say(verdict, "Display name", status, remedy);
        }
        if let Some(status) = word("code_verification_status") {
            let (verdict, remedy) = verification_means(status);
            self.say(verdict, "Verification of the number", status, remedy);
        }
        if word("account_mode") == Some("SANDBOX") {
            self.say(
                Verdict::Degraded,
                "Test number",
                "The number can write only to the recipients on its list.",
                Some("Connect a number of your own for real recipients."),
            );
        }
        self.throughput(number);
    }

    fn throughput(&mut self, number: &Value) {
        let on_app = number["is_on_biz_app"].as_bool() == Some(true);
        let level = number["throughput"]["level"].as_str();
        let per_second = match (on_app, level) {
            (true, _) => COEXISTENCE_PER_SECOND,
            (false, Some("STANDARD")) => STANDARD_PER_SECOND,
            (false, Some("HIGH")) => HIGH_PER_SECOND,
            (false, Some(other)) => {
                self.say(Verdict::Unknown, "Throughput", other, None);
                return;
            }
            (false, None) => return,
        };
        let detail = match level {
            Some(level) => format!("{level}: {per_second} messages a second"),
            None => format!("{per_second} messages a second, as the number is in the app too"),
        };
        self.say(Verdict::Ok, "Throughput", &detail, None);
        self.messages_per_second = Some(per_second);
    }

    /// What an account's node says of Meta's review.
    pub fn account(&mut self, account: &Value) {
        if let Some(review) = account["account_review_status"].as_str() {
            let (verdict, remedy) = review_means(review);
            self.say(verdict, "Review of the account", review, remedy);
        }
        if let Some(verified) = account["business_verification_status"].as_str() {
            let is_verified = verified.eq_ignore_ascii_case("verified");
            let remedy = "Verify the business in Meta's security centre: limits of unverified ones are lower.";
            self.say(
                Verdict::Ok,
                "Verification of the business",
                verified,
                (!is_verified).then_some(remedy),
            );
        }
    }

    /// The entities of a `health_status`: a finding for each that cannot send freely, with Meta's own
    /// solution as the remedy, and one where all can.
    pub fn entities(&mut self, health_status: &Value) {
        let Some(overall) = health_status["can_send_message"].as_str() else {
            return;
        };
        let mut said = 0;
        let entities = health_status["entities"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        for entity in entities {
            let verdict = sending_means(entity["can_send_message"].as_str().unwrap_or_default());
            if verdict == Verdict::Ok || said >= ENTITY_FINDINGS_MAX {
                continue;
            }
            said += self.entity(entity, verdict, ENTITY_FINDINGS_MAX - said);
        }
        if said == 0 {
            let verdict = sending_means(overall);
            let remedy = (verdict != Verdict::Ok).then_some(MANAGER);
            self.say(verdict, "Sending", overall, remedy);
        }
    }

    /// How many findings it was; at most `room`.
    fn entity(&mut self, entity: &Value, verdict: Verdict, room: usize) -> usize {
        let kind = entity["entity_type"].as_str().unwrap_or("entity");
        let word = entity["can_send_message"].as_str().unwrap_or("UNKNOWN");
        let title = format!("Sending: {kind} is {word}");
        let errors = entity["errors"].as_array().map_or(&[][..], Vec::as_slice);
        for error in errors.iter().take(room) {
            let code = match &error["error_code"] {
                Value::Number(code) => format!(" ({code})"),
                _ => String::new(),
            };
            let detail = error["error_description"]
                .as_str()
                .unwrap_or("Meta gave no reason");
            let remedy = error["possible_solution"].as_str().unwrap_or(MANAGER);
            self.say(verdict, &title, &format!("{detail}{code}"), Some(remedy));
        }
        if !errors.is_empty() {
            return errors.len().min(room);
        }
        let more: Vec<&str> = entity["additional_info"]
            .as_array()
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let detail = match more.is_empty() {
            true => "Meta gave no reason".to_owned(),
            false => more.join(" "),
        };
        self.say(verdict, &title, &detail, Some(MANAGER));
        1
    }

    /// The report: as bad as its worst finding.
    #[must_use]
    pub fn report(self) -> Report {
        let has = |verdict| {
            self.findings
                .iter()
                .any(|finding| finding.verdict == verdict)
        };
        let verdict = if has(Verdict::Blocked) {
            Verdict::Blocked
        } else if has(Verdict::Degraded) {
            Verdict::Degraded
        } else if has(Verdict::Ok) {
            Verdict::Ok
        } else {
            Verdict::Unknown
        };
        Report {
            verdict,
            findings: self.findings,
            token_expires: self.token_expires,
            quality: self.quality,
            messaging_limit: self.messaging_limit,
            messages_per_second: self.messages_per_second,
        }
    }
}

type Means = (Verdict, Option<&'static str>);

fn status_means(status: &str) -> Means {
    match status {
        "CONNECTED" => (Verdict::Ok, None),
        "FLAGGED" => (
            Verdict::Degraded,
            Some("Improve the number's quality: it is flagged, and its limit cannot rise."),
        ),
        "RATE_LIMITED" => (
            Verdict::Degraded,
            Some("Send more slowly until Meta lifts the limit."),
        ),
        "RESTRICTED" => (
            Verdict::Blocked,
            Some("Wait until the restriction ends: no conversation can be begun before."),
        ),
        "BANNED" => (
            Verdict::Blocked,
            Some("Appeal in WhatsApp Manager, or connect another number: this one is banned."),
        ),
        "PENDING" | "DISCONNECTED" | "UNVERIFIED" => (
            Verdict::Blocked,
            Some("Register the number: run the connection flow again."),
        ),
        "DELETED" | "MIGRATED" => (
            Verdict::Blocked,
            Some("Remove the channel or connect the number again: it left this account."),
        ),
        _ => (Verdict::Unknown, Some(MANAGER)),
    }
}

fn quality_means(quality: &str) -> Means {
    match quality {
        "GREEN" => (Verdict::Ok, None),
        "YELLOW" => (
            Verdict::Degraded,
            Some("Send fewer unwanted messages: recipients block or report some of them."),
        ),
        "RED" => (
            Verdict::Degraded,
            Some(
                "Stop what recipients block and report: the number may be flagged or restricted next.",
            ),
        ),
        // A number that sent little has no rating yet.
        "UNKNOWN" | "NA" => (Verdict::Ok, None),
        _ => (Verdict::Unknown, None),
    }
}

fn limit_means(limit: &str) -> &str {
    match limit {
        "TIER_50" => "TIER_50: 50 people in 24 hours can be written to first",
        "TIER_250" => "TIER_250: 250 people in 24 hours can be written to first",
        "TIER_1K" => "TIER_1K: 1,000 people in 24 hours can be written to first",
        "TIER_2K" => "TIER_2K: 2,000 people in 24 hours can be written to first",
        "TIER_10K" => "TIER_10K: 10,000 people in 24 hours can be written to first",
        "TIER_100K" => "TIER_100K: 100,000 people in 24 hours can be written to first",
        "TIER_UNLIMITED" => "TIER_UNLIMITED: any number of people can be written to first",
        other => other,
    }
}

fn name_means(status: &str) -> Means {
    match status {
        "APPROVED" | "AVAILABLE_WITHOUT_REVIEW" | "NON_EXISTS" => (Verdict::Ok, None),
        "PENDING_REVIEW" => (
            Verdict::Ok,
            Some("Wait for the review; until then people see the number and not its name."),
        ),
        "DECLINED" | "REJECTED" => (
            Verdict::Degraded,
            Some("Choose another display name in WhatsApp Manager: Meta declined this one."),
        ),
        "EXPIRED" => (
            Verdict::Degraded,
            Some("Register the number again: the approval of its name ran out."),
        ),
        _ => (Verdict::Unknown, None),
    }
}

fn verification_means(status: &str) -> Means {
    match status {
        "VERIFIED" => (Verdict::Ok, None),
        // It matters only before the next registration.
        "EXPIRED" => (
            Verdict::Ok,
            Some(
                "Nothing to do while the number is connected; it must be verified again before it is registered again.",
            ),
        ),
        "NOT_VERIFIED" => (
            Verdict::Degraded,
            Some("Verify the number by SMS or call: run the connection flow again."),
        ),
        _ => (Verdict::Unknown, None),
    }
}

fn review_means(status: &str) -> Means {
    match status {
        "APPROVED" => (Verdict::Ok, None),
        "PENDING" => (
            Verdict::Degraded,
            Some("Wait for Meta's review of the account."),
        ),
        "REJECTED" => (
            Verdict::Blocked,
            Some(
                "Ask for another review in Meta's business support home: the account was rejected.",
            ),
        ),
        _ => (Verdict::Unknown, None),
    }
}

fn sending_means(word: &str) -> Verdict {
    match word {
        "AVAILABLE" => Verdict::Ok,
        "LIMITED" => Verdict::Degraded,
        "BLOCKED" => Verdict::Blocked,
        _ => Verdict::Unknown,
    }
}

fn short(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}

/// A word as the host takes it: one line.
fn line(word: &str) -> Option<String> {
    /// The host's limit is 255 bytes; a character has at most four.
    const CHARS_MAX: usize = 60;
    let line: String = word
        .chars()
        .filter(|char| !char.is_control())
        .take(CHARS_MAX)
        .collect();
    (!line.is_empty()).then_some(line)
}
