//! How plugins are written for people.

/// Indented, a line each.
pub(super) fn permissions(lines: &[String]) -> String {
    match lines.is_empty() {
        true => "  (nothing)".to_owned(),
        false => lines
            .iter()
            .map(|line| format!("  {line}"))
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..10_240 => format!("{bytes} bytes"),
        10_240..10_485_760 => format!("{} KiB", bytes / 1024),
        _ => format!("{} MiB", bytes / (1024 * 1024)),
    }
}
