//! What the configuration says of media.

use std::path::PathBuf;

use wharf_config::Config;

use super::{LinkKeys, MediaLimits};
use crate::clock::random;

const DAY_MS: i64 = 86_400_000;

/// Where objects lie and how many there may be.
pub(crate) fn limits(config: &Config) -> MediaLimits {
    let media = &config.media;
    // Named after the database, since one folder belongs to one database.
    let beside = config.database.url.sqlite_path().map(|path| {
        let mut name = path.as_os_str().to_owned();
        name.push(".media");
        PathBuf::from(name)
    });
    MediaLimits {
        dir: media.dir.clone().or(beside),
        object_bytes_max: media.object_bytes_max,
        tenant_bytes_max: media.tenant_bytes_max,
        keep_ms: i64::from(media.keep_days) * DAY_MS,
    }
}

/// Keys of links, derived from the ring: the active one signs, the others are still believed.
pub(crate) fn link_keys(config: &Config) -> LinkKeys {
    let Some(secrets) = &config.secrets else {
        return LinkKeys::derive([&random()]);
    };
    let active = secrets.keys.get(&secrets.active);
    let others = secrets.keys.iter().filter(|(id, _)| **id != secrets.active);
    let keys = active.into_iter().chain(others.map(|(_, key)| key));
    LinkKeys::derive(keys.map(|key| key.expose()))
}
