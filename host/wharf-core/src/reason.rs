//! The catalogue of reasons: why something failed after the gateway took it, or at a plugin's or provider's.
//!
//! A [`Code`](crate::Code) answers a request; a reason stands in a message's `error.code`, in a problem's `reason`,
//! in a timeline, in a report of `wharf plugin` and in the log. What is not in this list cannot be told as a reason.

/// Defines the catalogue once, so that no reason can lack a part.
macro_rules! reasons {
    ($($variant:ident $slug:literal $title:literal $remedy:literal;)*) => {
        /// Why something failed; explained by `wharf errors REASON` and `GET /errors/REASON`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason { $($variant,)* }

        impl Reason {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The slug: never renamed, never reused.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $slug,)* }
            }

            /// What it means, the same for every occurrence.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What the reader can do about it.
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }
        }
    };
}

reasons! {
    // --- what a provider said, by class (`wit/provider.wit`, `errors.code`) ------------------------
    InvalidMessage "invalid-message" "The provider cannot take this message"
        "Correct what `detail` names and send a new message.";
    Unsupported "unsupported" "This provider cannot do that"
        "Use another kind of message or a channel of another provider; GET /v1/channels/{id} shows what each can.";
    RecipientUnknown "recipient-unknown" "The recipient is not on WhatsApp or cannot be reached"
        "Check the number with the recipient, or reach them in another way.";
    RecipientOptedOut "recipient-opted-out" "The recipient does not want such messages"
        "Send no more of them until the recipient writes or agrees again.";
    WindowClosed "window-closed" "More than 24 hours have gone by since the recipient last wrote"
        "Send an approved template, or wait until the recipient writes.";
    TemplateUnknown "template-unknown" "There is no such template in that language"
        "Check name, language and account; GET /v1/templates shows those that are known.";
    TemplatePaused "template-paused" "The provider paused or disabled the template"
        "Use another template, or improve this one and have it approved again.";
    TemplateMismatch "template-mismatch" "The parameters do not fit the template"
        "Send as many parameters, of those kinds and names, as the template declares.";
    MediaRejected "media-rejected" "The provider does not take this medium"
        "Check type, size and address of the medium; `detail` says which it is.";
    PolicyBlocked "policy-blocked" "The provider's policy forbids this message"
        "Do not repeat it; read the provider's policy, and its own code in `provider_code`.";
    AuthFailed "auth-failed" "The provider refuses the channel's credential"
        "Renew the token or key of this channel, then retry what waits in the dead letters.";
    AccountRestricted "account-restricted" "The provider restricts or locked the account"
        "Look into the provider's own console, which names the restriction and how to appeal.";
    PaymentRequired "payment-required" "The provider's account has no valid way of payment"
        "Settle it in the provider's console, then retry what waits in the dead letters.";
    RateLimited "rate-limited" "The provider's limit is used up for the moment"
        "Nothing: the gateway slows down and tries again by itself.";
    PairRateLimited "pair-rate-limited" "Too many messages to this recipient in a short time"
        "Nothing: the gateway tries again by itself; send this recipient fewer messages.";
    ProviderUnavailable "provider-unavailable" "The provider did not answer, or said that it is down"
        "Nothing at first: the gateway tries again; retry the dead letter when the provider is back.";
    MalformedResponse "malformed-response" "The provider's answer could not be understood"
        "Look at the exchange in the message's timeline; tell the plugin's author when it stays so.";
    Misconfigured "misconfigured" "A setting of the channel, account or app is missing or wrong"
        "Correct the setting that `detail` names.";
    Other "other" "The provider failed in a way that has no class"
        "Look up `provider_code` and `detail` in the provider's documentation.";

    // --- this gateway's own about messages and media -----------------------------------------------
    ChannelAbsent "channel-absent" "The channel, or the plugin that it needs, is not there"
        "Bring the channel's file or its plugin back; what waits for it goes on by itself.";
    Expired "expired" "The deadline passed before a provider could take the message"
        "Send a new message if it still matters, with a later `expires_at`.";
    GivenUp "given-up" "The send was begun too often without coming to an end"
        "Look into the log for what interrupted it, mend that, then retry the dead letter.";
    NotSent "not-sent" "The provider says that it never took the message"
        "Retry the dead letter, or send a new message.";
    Store "store" "The gateway's database failed"
        "Try again; the log says what happened.";
    NoRoom "no-room" "There is no room for another stored object"
        "Delete objects or raise media.tenant_bytes_max, or make room on the disk of media.dir.";
    DigestMismatch "digest-mismatch" "What was fetched is not what the provider announced"
        "Nothing at first: it is fetched again; tell the provider when it stays so.";
    TypeRefused "type-refused" "The medium has a type that is not stored"
        "POST /v1/messages/{id}/media fetches it all the same; or add the type to media.fetch_types.";
    TooLarge "too-large" "The medium is larger than is fetched by itself"
        "Ask the sender for a smaller file, or raise media.fetch_bytes_max.";
    Gone "gone" "Something that a saved step needs is not there any more"
        "Ask the operator to bring it back and try again, or give the session up.";

    // --- flows: onboarding, templates, profile and the like ----------------------------------------
    FlowStepsLimit "flow-steps-limit" "A plugin asked for more steps than allowed without coming to an end"
        "Try again; raise the limit that `detail` names, or tell the plugin's author.";
    FlowTimeLimit "flow-time-limit" "A flow took longer than allowed"
        "Try again; raise the limit that `detail` names, or tell the plugin's author.";
    FlowItemsLimit "flow-items-limit" "A flow brought more items than allowed"
        "Narrow what is asked for, or tell the plugin's author.";
    FlowAnswer "flow-answer" "An answer does not fit what was asked"
        "Correct the answer and send it again.";
    FlowUnknown "flow-unknown" "The plugin has no such flow"
        "Choose one of the flows that GET /v1/plugins lists.";
    FlowState "flow-state" "The saved state of the flow cannot be continued"
        "Give this session up and begin a new one.";
    FlowVersionGone "flow-version-gone" "The version of the plugin that began the flow cannot be loaded"
        "Give this session up and begin a new one.";
    FlowSettingGuarded "flow-setting-guarded" "A plugin would have set what decides where requests go or who is believed"
        "Tell the plugin's author: a flow must ask a person for it and set what was answered.";

    // --- plugins at a call -------------------------------------------------------------------------
    PluginTrap "plugin-trap" "The plugin crashed; nothing but this call was harmed"
        "Tell the plugin's author; the log has plugin, version and place.";
    PluginCpuLimit "plugin-cpu-limit" "The plugin used more processor time than a call may"
        "Tell the plugin's author, or raise the limit that `detail` names.";
    PluginMemoryLimit "plugin-memory-limit" "The plugin wanted more memory than a call may have"
        "Tell the plugin's author, or raise the limit that `detail` names.";
    PluginOutputLimit "plugin-output-limit" "The plugin gave more than a call may give"
        "Tell the plugin's author, or raise the limit that `detail` names.";
    PluginExchangesLimit "plugin-exchanges-limit" "The plugin asked for more exchanges than one send may make"
        "Tell the plugin's author that it comes to no end.";
    PluginCircuitOpen "plugin-circuit-open" "The plugin failed so often that it rests"
        "Nothing at first: it is tried again by itself; `wharf plugin rollback` returns to the version before.";
    PluginOverloaded "plugin-overloaded" "As many calls of the plugin are running as may be"
        "Nothing: it is tried again by itself; raise the plugin's permits when it stays so.";
    PluginInvalidOutput "plugin-invalid-output" "The plugin gave something that the interface does not allow"
        "Tell the plugin's author; `wharf plugin test` finds such things before they are shipped.";
    PluginNoInterface "plugin-no-interface" "The plugin does not offer that interface"
        "Use a channel whose provider can do it; `wharf plugin inspect` shows what a plugin offers.";
    PluginUnavailable "plugin-unavailable" "The plugin could not be run"
        "Look into the log for why; it is tried again by itself.";
    PluginVersionGone "plugin-version-gone" "The version of the plugin that began the send is not there any more"
        "Keep earlier versions by `wharf plugin add` instead of replacing files.";

    // --- plugins at loading ------------------------------------------------------------------------
    PluginNotAComponent "plugin-not-a-component" "The file is not a WebAssembly component"
        "Build it for wasm32-wasip2 or wrap it as a component; plugins/README.md shows how.";
    PluginForeignImport "plugin-foreign-import" "The plugin wants something of the system that no plugin gets"
        "Remove what needs that import; `wharf plugin inspect` names it.";
    PluginWrongInterface "plugin-wrong-interface" "The plugin does not fit the provider interface"
        "Build it against a release of the interface that this gateway offers; wit/README.md lists them.";
    PluginNeedsTooMuch "plugin-needs-too-much" "The plugin asks for more memory, tables or instances than allowed"
        "Build it smaller, or raise the limit that the report names.";
    PluginNotCompiled "plugin-not-compiled" "The plugin could not be compiled within its limits"
        "Build it smaller or with another toolchain; the report quotes the compiler.";
    PluginDescribeFailed "plugin-describe-failed" "The plugin could not describe itself, or not twice alike"
        "Let its description depend on nothing but the code; `wharf plugin test` shows the call.";
    PluginInvalidDescriptor "plugin-invalid-descriptor" "The plugin's description of itself breaks a rule"
        "Correct what the report names; each line says which part and why.";

    // --- exchanges that may not leave --------------------------------------------------------------
    EgressUrl "egress-url" "A plugin's request has a URL that is refused"
        "Write a plain https URL without user, fragment, port or tricks of spelling.";
    EgressPath "egress-path" "A plugin's request has a path that is refused"
        "Write the path without dot segments, empty segments or hidden separators.";
    EgressHost "egress-host" "A plugin's request goes to a host that it did not declare"
        "Declare the host among the manifest's endpoints; the operator approves it at `wharf plugin add`.";
    EgressEndpoint "egress-endpoint" "A plugin's request has a method or path that it did not declare for the host"
        "Declare method and path among the manifest's endpoints.";
    EgressQuery "egress-query" "A plugin's request has a query that is refused"
        "Give the query as name and value pieces, as the interface describes.";
    EgressHeader "egress-header" "A plugin's request has a header that is refused"
        "Leave the header out: it is the host's, hop-by-hop, or malformed.";
    EgressBody "egress-body" "A plugin's request has a body that is refused"
        "Correct what `detail` names.";
    EgressInsert "egress-insert" "A piece could not be put into the JSON body"
        "Let the pointer lead to an existing string or to a new member of an existing object.";
    EgressSecretUndeclared "egress-secret-undeclared" "A request uses a secret that the plugin did not declare"
        "Declare it among the manifest's inputs.";
    EgressSecretAudience "egress-secret-audience" "A secret may not go to this host"
        "Add the host to the secret's audience in the manifest, if it is meant for it.";
    EgressSecretMissing "egress-secret-missing" "A secret has no value"
        "Set it for this app, account or channel, in the file that configures it or by onboarding.";
    EgressBasicUser "egress-basic-user" "The user name of Basic authentication contains a colon"
        "Correct the setting that gives the user; the scheme cannot carry a colon in it.";
    EgressHmacCycle "egress-hmac-cycle" "A signature over the body cannot stand inside that body"
        "Put it into a header or the query.";
    EgressHmacMedia "egress-hmac-media" "A signature cannot be taken over stored media"
        "Sign something else, or send the bytes themselves.";
    EgressJwt "egress-jwt" "A signed token could not be made"
        "Check key and claims; `detail` says what is wrong.";
    EgressMediaLink "egress-media-link" "A link to a stored object could not be made"
        "Check that the object exists and http.public_url is set.";
    EgressReturnUrl "egress-return-url" "There is no return URL in this place"
        "Use it only in a flow that sends somebody to a page.";
    EgressWebhookUrl "egress-webhook-url" "A webhook has no public address"
        "Set http.public_url, and name a webhook that the manifest declares.";
    EgressCapture "egress-capture" "What a plugin would capture from an answer is refused"
        "Capture into a declared secret, from a pointer that leads to a string.";
    EgressTooLarge "egress-too-large" "A part of a plugin's request is larger than allowed"
        "Send less; `detail` says which part and how much is allowed.";
    EgressMemo "egress-memo" "A plugin's wish to remember an answer is refused"
        "Keep key and lifetime within what the interface describes.";

    // --- connections, of exchanges and of deliveries to endpoints ------------------------------------
    Refused "refused" "The delivery may not go to that address"
        "Use a public https address, or have the operator allow its network in egress.delivery_allow.";
    Dns "dns" "The host's name could not be resolved"
        "Check the name and the resolver of this machine.";
    Connect "connect" "No connection could be made"
        "Check that the other side listens and that nothing on the way forbids it.";
    Tls "tls" "The other side's certificate or its TLS is not acceptable"
        "Check its certificate, its chain, its name and its end.";
    TimeoutBeforeSend "timeout-before-send" "No connection could be made in time; nothing was sent"
        "Nothing: it is tried again by itself.";
    TimeoutAfterSend "timeout-after-send" "The request went out and no answer came in time"
        "Let the other side answer faster and work afterwards; whether it acted is not known.";
    Reset "reset" "The connection broke after the request went out"
        "Look into the other side's log; whether it acted is not known.";
    BodyTooLarge "body-too-large" "The answer is larger than is read"
        "Let the other side answer with less.";
    Denied "denied" "The address is not one that requests may go to"
        "Use a public address; networks in egress.delivery_allow are taken all the same.";
    Canceled "canceled" "The exchange was given up on this side"
        "Nothing: it is tried again where that harms nobody.";
    Interrupted "interrupted" "The gateway stopped while the exchange was under way"
        "Nothing: the message is settled by a status or by its policy.";
}

impl Reason {
    /// Finds a reason by its slug.
    pub fn parse(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == slug)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_unique_and_read_back() {
        for reason in Reason::ALL {
            let slug = reason.as_str();
            assert_eq!(Reason::parse(slug), Some(*reason));
            assert!(
                slug.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{slug}"
            );
            assert!(!reason.title().ends_with('.'), "{slug}");
            assert!(reason.remedy().ends_with('.'), "{slug}");
        }
        assert_eq!(Reason::parse("nothing"), None);
    }
}
