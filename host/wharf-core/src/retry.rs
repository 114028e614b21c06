//! What happens to a send that did not succeed: a pure function of the failure, the attempt and now.

use crate::provider::{ErrorClass, PlatformError, Retry};

/// Limits on trying again, from the configuration.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    pub attempts_max: u32,
    pub backoff_base_ms: i64,
    pub backoff_max_ms: i64,
}

/// Why an attempt did not end in an acceptance.
#[derive(Clone, Debug)]
pub enum Failure<'a> {
    /// The plugin read the provider's answer as an error.
    Provider(&'a PlatformError),
    /// The plugin trapped or returned nonsense; trying again may help.
    PluginFault,
    /// The plugin met one of its limits, or asked for what it may not do: the same call ends the
    /// same way, so only an operator can help.
    Deterministic,
    /// The gateway itself was short of something; the provider was not asked.
    Overloaded,
    /// The plugin is left alone for so long; the provider was not asked.
    Paused { ms: i64 },
    /// An exchange that must not be repeated went out, and nobody could read what came back.
    Ambiguous,
}

impl Failure<'_> {
    /// True when the plugin was not asked. It is no attempt: whoever counts them must not count it.
    pub fn is_not_asked(&self) -> bool {
        matches!(self, Self::Overloaded | Self::Paused { .. })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    RetryAt(i64),
    /// Final: a dead letter.
    Fail,
    /// It may have been accepted. Never resent unless the message's policy says so.
    Unknown,
    /// Its deadline passes before the next attempt could begin.
    Expire,
}

/// Attempts a trapping plugin gets: a trap is rarely cured by repetition, and each costs the tenant
/// nothing but time.
const FAULT_ATTEMPTS_MAX: u32 = 3;
/// Shortest wait when this host, not the provider, was busy.
const OVERLOADED_WAIT_MS: i64 = 500;
/// A provider may ask for a pause of any length; more than a day is not believed.
const ADVISED_WAIT_MS_MAX: i64 = 86_400_000;

/// Decides what follows attempt number `attempt` (1 is the first). `jitter` is any random number.
pub fn decide(
    failure: &Failure<'_>,
    attempt: u32,
    now_ms: i64,
    expires_at_ms: i64,
    policy: &RetryPolicy,
    jitter: u64,
) -> Decision {
    let backoff = || {
        backoff_ms(
            attempt,
            policy.backoff_base_ms,
            2,
            policy.backoff_max_ms,
            jitter,
        )
    };
    let wait = match failure {
        Failure::Ambiguous => return Decision::Unknown,
        Failure::Deterministic => return Decision::Fail,
        Failure::Overloaded => OVERLOADED_WAIT_MS + spread(OVERLOADED_WAIT_MS, jitter),
        Failure::Paused { ms } => {
            (*ms).clamp(OVERLOADED_WAIT_MS, ADVISED_WAIT_MS_MAX) + spread(*ms, jitter)
        }
        Failure::PluginFault if attempt >= FAULT_ATTEMPTS_MAX => return Decision::Fail,
        Failure::PluginFault => backoff(),
        Failure::Provider(error) => match error.retry {
            Retry::Never => return Decision::Fail,
            Retry::Uncertain => return Decision::Unknown,
            Retry::AfterMs(ms) => {
                let advised = i64::try_from(ms).unwrap_or(ADVISED_WAIT_MS_MAX);
                advised.min(ADVISED_WAIT_MS_MAX) + spread(policy.backoff_base_ms, jitter)
            }
            // Meta asks for 4^n seconds when one recipient got too much (meta-cloud-api.md, 4).
            Retry::Backoff if error.class == ErrorClass::PairRateLimited => backoff_ms(
                attempt,
                policy.backoff_base_ms,
                4,
                policy.backoff_max_ms,
                jitter,
            ),
            Retry::Backoff => backoff(),
        },
    };
    // What kept us from asking at all is not the message's fault and burns no attempt.
    if attempt >= policy.attempts_max && !failure.is_not_asked() {
        return Decision::Fail;
    }
    let due = now_ms.saturating_add(wait);
    if due >= expires_at_ms {
        return Decision::Expire;
    }
    Decision::RetryAt(due)
}

/// True when a try that failed for good may go on through another channel: certainly nothing was sent,
/// and another number could do better. Who does not want messages, or is not there, is so for every
/// number; going around a provider's word on that would be spam.
pub fn may_fall_back(failure: &Failure<'_>) -> bool {
    match failure {
        Failure::Ambiguous => false,
        Failure::Provider(error) => {
            error.retry != Retry::Uncertain
                && !matches!(
                    error.class,
                    ErrorClass::RecipientOptedOut
                        | ErrorClass::RecipientUnknown
                        | ErrorClass::PolicyBlocked
                )
        }
        Failure::PluginFault
        | Failure::Deterministic
        | Failure::Overloaded
        | Failure::Paused { .. } => true,
    }
}

/// Exponential backoff with up to a quarter of jitter on top, never above `max_ms` plus that.
pub fn backoff_ms(attempt: u32, base_ms: i64, factor: i64, max_ms: i64, jitter: u64) -> i64 {
    let power = attempt.saturating_sub(1).min(20);
    let wait = factor
        .checked_pow(power)
        .and_then(|f| base_ms.checked_mul(f))
        .unwrap_or(max_ms)
        .min(max_ms);
    wait + spread(wait, jitter)
}

fn spread(wait_ms: i64, jitter: u64) -> i64 {
    let quarter = u64::try_from(wait_ms / 4).unwrap_or(0) + 1;
    i64::try_from(jitter % quarter).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: RetryPolicy = RetryPolicy {
        attempts_max: 5,
        backoff_base_ms: 1_000,
        backoff_max_ms: 60_000,
    };
    const FAR: i64 = i64::MAX;

    fn error(class: ErrorClass, retry: Retry) -> PlatformError {
        PlatformError {
            class,
            retry,
            provider_code: None,
            trace_id: None,
            detail: String::new(),
            remedy: None,
            pace: Vec::new(),
        }
    }

    #[test]
    fn what_may_have_been_sent_is_never_retried() {
        let uncertain = error(ErrorClass::Other, Retry::Uncertain);
        for failure in [Failure::Ambiguous, Failure::Provider(&uncertain)] {
            for attempt in 1..10 {
                assert_eq!(
                    decide(&failure, attempt, 0, FAR, &POLICY, 7),
                    Decision::Unknown
                );
            }
        }
    }

    #[test]
    fn final_errors_fail_at_once() {
        let never = error(ErrorClass::RecipientUnknown, Retry::Never);
        assert_eq!(
            decide(&Failure::Provider(&never), 1, 0, FAR, &POLICY, 0),
            Decision::Fail
        );
        assert_eq!(
            decide(&Failure::Deterministic, 1, 0, FAR, &POLICY, 0),
            Decision::Fail
        );
    }

    #[test]
    fn attempts_end_but_our_own_overload_burns_none() {
        let down = error(ErrorClass::ProviderUnavailable, Retry::Backoff);
        assert_eq!(
            decide(&Failure::Provider(&down), 5, 0, FAR, &POLICY, 0),
            Decision::Fail
        );
        assert!(matches!(
            decide(&Failure::Overloaded, 50, 0, FAR, &POLICY, 0),
            Decision::RetryAt(_)
        ));
        assert_eq!(
            decide(&Failure::PluginFault, 3, 0, FAR, &POLICY, 0),
            Decision::Fail
        );
    }

    #[test]
    fn after_any_number_of_overloads_a_first_answer_is_a_first_attempt() {
        let down = error(ErrorClass::ProviderUnavailable, Retry::Backoff);
        let mut failures = vec![Failure::Overloaded; 4];
        failures.extend(vec![Failure::Paused { ms: 1 }; 4]);
        failures.push(Failure::Provider(&down));
        let mut made = 0;
        for failure in &failures {
            let decision = decide(failure, made + 1, 0, FAR, &POLICY, 0);
            assert!(matches!(decision, Decision::RetryAt(_)), "{failure:?}");
            made += u32::from(!failure.is_not_asked());
        }
        assert_eq!(made, 1);
    }

    #[test]
    fn a_pause_is_waited_out_and_burns_no_attempt() {
        let paused = Failure::Paused { ms: 30_000 };
        assert_eq!(
            decide(&paused, 50, 10, FAR, &POLICY, 0),
            Decision::RetryAt(30_010)
        );
        assert_eq!(
            decide(&Failure::Paused { ms: 0 }, 1, 0, FAR, &POLICY, 0),
            Decision::RetryAt(500)
        );
        assert_eq!(decide(&paused, 1, 0, 20_000, &POLICY, 0), Decision::Expire);
    }

    #[test]
    fn pairs_back_off_by_powers_of_four() {
        let pair = error(ErrorClass::PairRateLimited, Retry::Backoff);
        let waits: Vec<_> = (1..4)
            .map(|n| decide(&Failure::Provider(&pair), n, 0, FAR, &POLICY, 0))
            .collect();
        assert_eq!(
            waits,
            [
                Decision::RetryAt(1_000),
                Decision::RetryAt(4_000),
                Decision::RetryAt(16_000)
            ]
        );
    }

    #[test]
    fn the_provider_is_heard_and_the_deadline_kept() {
        let asked = error(ErrorClass::RateLimited, Retry::AfterMs(30_000));
        assert_eq!(
            decide(&Failure::Provider(&asked), 1, 10, FAR, &POLICY, 0),
            Decision::RetryAt(30_010)
        );
        assert_eq!(
            decide(&Failure::Provider(&asked), 1, 10, 20_000, &POLICY, 0),
            Decision::Expire
        );
    }

    #[test]
    fn a_cap_on_marketing_is_waited_out_or_the_message_ends() {
        const DAY_MS: i64 = 86_400_000;
        let capped = error(ErrorClass::PolicyBlocked, Retry::AfterMs(86_400_000));
        let decided = |expires| decide(&Failure::Provider(&capped), 1, 0, expires, &POLICY, 0);
        assert_eq!(decided(DAY_MS), Decision::Expire);
        assert_eq!(decided(3 * DAY_MS), Decision::RetryAt(DAY_MS));
        assert!(!may_fall_back(&Failure::Provider(&capped)));
    }

    #[test]
    fn only_what_certainly_was_not_sent_falls_back_and_never_around_a_persons_wish() {
        for (class, may) in [
            (ErrorClass::AuthFailed, true),
            (ErrorClass::WindowClosed, true),
            (ErrorClass::ProviderUnavailable, true),
            (ErrorClass::RecipientOptedOut, false),
            (ErrorClass::RecipientUnknown, false),
        ] {
            let never = error(class, Retry::Never);
            assert_eq!(may_fall_back(&Failure::Provider(&never)), may, "{class:?}");
            let uncertain = error(class, Retry::Uncertain);
            assert!(!may_fall_back(&Failure::Provider(&uncertain)));
        }
        assert!(may_fall_back(&Failure::Deterministic));
        assert!(!may_fall_back(&Failure::Ambiguous));
    }

    proptest! {
        #[test]
        fn backoff_stays_within_its_bounds(attempt in 0u32..200, factor in 2i64..5, jitter in any::<u64>()) {
            let wait = backoff_ms(attempt, 1_000, factor, 60_000, jitter);
            prop_assert!((1_000..=75_000).contains(&wait), "{}", wait);
        }
    }
}
