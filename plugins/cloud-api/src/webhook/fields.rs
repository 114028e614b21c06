//! Which member of which field is a list of atoms, and who reads one of them. A field that is not here
//! is one atom as a whole.

use super::{Atom, Setting, account, call, echo, history, message, people, status};

/// How the elements of a list are read.
pub(super) enum Reader {
    /// Each is an atom: its dedupe key and event.
    Each(fn(&str, &Setting<'_>) -> Option<Atom>),
    /// Chunks of threads of messages.
    Chunks,
}

use Reader::{Chunks, Each};

/// The lists of a field, by the member that holds them.
pub(super) fn lists(field: &str) -> Option<&'static [(&'static str, Reader)]> {
    Some(match field {
        "messages" => MESSAGES,
        "message_echoes" | "smb_message_echoes" => ECHOES,
        "calls" => CALLS,
        "history" => HISTORY,
        "smb_app_state_sync" => STATE_SYNC,
        "user_preferences" => PREFERENCES,
        "user_id_update" => USER_IDS,
        "automatic_events" => AUTOMATIC_EVENTS,
        "group_lifecycle_update"
        | "group_participants_update"
        | "group_settings_update"
        | "group_status_update" => GROUPS,
        _ => return None,
    })
}

const MESSAGES: &[(&str, Reader)] = &[
    ("messages", Each(message::read)),
    ("statuses", Each(status::read)),
    ("errors", Each(account::error)),
    // Clicks on marketing messages, which have no ids.
    ("user_actions", Each(|_, _| None)),
];
const ECHOES: &[(&str, Reader)] = &[
    ("message_echoes", Each(echo::read)),
    ("errors", Each(account::error)),
];
const CALLS: &[(&str, Reader)] = &[
    ("calls", Each(call::read)),
    ("statuses", Each(call::status)),
    ("errors", Each(account::error)),
];
const HISTORY: &[(&str, Reader)] = &[
    ("history", Chunks),
    ("messages", Each(history::medium)),
    ("errors", Each(account::error)),
];
const PREFERENCES: &[(&str, Reader)] = &[("user_preferences", Each(people::preference))];
const USER_IDS: &[(&str, Reader)] = &[("user_id_update", Each(people::user_id_update))];
// Their elements have no ids; each is told by all it says, its time among it.
const STATE_SYNC: &[(&str, Reader)] = &[("state_sync", Each(|_, _| None))];
const AUTOMATIC_EVENTS: &[(&str, Reader)] = &[("automatic_events", Each(|_, _| None))];
const GROUPS: &[(&str, Reader)] = &[
    ("groups", Each(|_, _| None)),
    ("errors", Each(account::error)),
];
