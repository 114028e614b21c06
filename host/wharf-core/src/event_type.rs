//! The catalogue of event types: what a tenant's endpoint may be told.
//!
//! An event of a type that is not in this list cannot be written, and an endpoint that asks for one is warned about.

/// Defines the catalogue once, so that no type can lack a part.
macro_rules! event_types {
    ($($variant:ident $name:literal $meaning:literal;)*) => {
        /// What an event tells.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventType { $($variant,)* }

        impl EventType {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name on the wire, `subject.fact`: never renamed, never reused.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// When such an event is written.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

event_types! {
    AccountUpdate "account.update" "The provider reported something about the account; its own JSON is in `raw`.";
    ChannelHealth "channel.health" "A number's quality, limits or verdict changed, by report or by our own check.";
    ContactIdentity "contact.identity" "Somebody changed the number or another durable name.";
    ContactPreference "contact.preference" "Somebody wants messages of a category, or no longer.";
    MessageEcho "message.echo" "One of the tenant's numbers sent a message by other means, as from a phone.";
    MessageFallback "message.fallback" "A message that one channel certainly did not send goes on through another.";
    MessageMedia "message.media" "The medium of a message that came in is in the store, or will not come.";
    MessageReceived "message.received" "Somebody wrote to one of the tenant's numbers.";
    MessageStatus "message.status" "A message that the tenant sent has another status.";
    ProviderOther "provider.other" "What a provider reported and no other type covers, with its raw JSON.";
    TemplateCategory "template.category" "The provider put a template into another category.";
    TemplateComponents "template.components" "The components of a template changed.";
    TemplateQuality "template.quality" "The provider's rating of a template changed.";
    TemplateStatus "template.status" "A template was approved, refused, paused or otherwise judged.";
}

impl std::str::FromStr for EventType {
    type Err = UnknownEventType;

    fn from_str(name: &str) -> Result<Self, UnknownEventType> {
        let found = Self::ALL.iter().find(|known| known.as_str() == name);
        found
            .copied()
            .ok_or_else(|| UnknownEventType(name.to_owned()))
    }
}

/// A name that is not in the catalogue.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no event type {0:?} in this version")]
pub struct UnknownEventType(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_one_form_sorted_and_no_two_alike() {
        let names: Vec<_> = EventType::ALL.iter().map(|it| it.as_str()).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        for kind in EventType::ALL {
            let (subject, fact) = kind.as_str().split_once('.').expect("subject.fact");
            for part in [subject, fact] {
                assert!(!part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase()));
            }
            assert!(kind.meaning().ends_with('.'), "{kind:?}");
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
    }

    #[test]
    fn what_is_not_in_the_catalogue_is_no_type() {
        for name in [
            "",
            "message",
            "message.",
            "Message.status",
            "message.status ",
            "message.lost",
        ] {
            assert_eq!(
                name.parse::<EventType>(),
                Err(UnknownEventType(name.to_owned()))
            );
        }
    }
}
