//! Which member of which field is a list of atoms, and who reads one of them. A field that is not here
//! is one atom as a whole.

use wharf_plugin::prelude::Event;

use super::{Setting, account, call, echo, history, message, people, status};

/// How the elements of a list are read.
pub(super) enum Reader {
    /// Each is an atom: its dedupe key and event.
    Atom(fn(&str, &Setting<'_>) -> Option<(String, Event)>),
    /// Chunks of threads of messages.
    History,
}

use Reader::{Atom, History};

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
    ("messages", Atom(message::read)),
    ("statuses", Atom(status::read)),
    ("errors", Atom(account::error)),
];
const ECHOES: &[(&str, Reader)] = &[
    ("message_echoes", Atom(echo::read)),
    ("errors", Atom(account::error)),
];
const CALLS: &[(&str, Reader)] = &[
    ("calls", Atom(call::read)),
    ("statuses", Atom(call::status)),
    ("errors", Atom(account::error)),
];
const HISTORY: &[(&str, Reader)] = &[
    ("history", History),
    ("messages", Atom(history::medium)),
    ("errors", Atom(account::error)),
];
const PREFERENCES: &[(&str, Reader)] = &[("user_preferences", Atom(people::preference))];
const USER_IDS: &[(&str, Reader)] = &[("user_id_update", Atom(people::user_id_update))];
// Their elements have no ids; each is told by all it says, its time among it.
const STATE_SYNC: &[(&str, Reader)] = &[("state_sync", Atom(|_, _| None))];
const AUTOMATIC_EVENTS: &[(&str, Reader)] = &[("automatic_events", Atom(|_, _| None))];
const GROUPS: &[(&str, Reader)] = &[
    ("groups", Atom(|_, _| None)),
    ("errors", Atom(account::error)),
];
