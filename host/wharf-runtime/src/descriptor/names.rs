//! The shapes of names in a description.

const NAME_BYTES_MAX: usize = 64;
/// RFC 1035.
const DNS_NAME_BYTES_MAX: usize = 253;
const DNS_LABEL_BYTES_MAX: usize = 63;
const PATH_BYTES_MAX: usize = 512;
const VERSION_BYTES_MAX: usize = 64;

/// Names of inputs, webhooks, capabilities and buckets.
pub(crate) fn is_slug(name: &str) -> bool {
    let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_');
    name.len() <= NAME_BYTES_MAX
        && name.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && name.bytes().all(fits)
}

/// Something on one line.
pub(super) fn is_line(text: &str, bytes_max: usize) -> bool {
    !text.trim().is_empty() && text.len() <= bytes_max && !text.chars().any(char::is_control)
}

/// Lower case, at least two labels, and no address: the last label is not a number.
pub(super) fn is_dns_name(name: &str) -> bool {
    let label_fits = |label: &str| {
        let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        (1..=DNS_LABEL_BYTES_MAX).contains(&label.len())
            && label.bytes().all(fits)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last_is_name = name
        .rsplit('.')
        .next()
        .is_some_and(|label| label.bytes().any(|byte| byte.is_ascii_lowercase()));
    name.len() <= DNS_NAME_BYTES_MAX
        && name.contains('.')
        && name.split('.').all(label_fits)
        && last_is_name
}

/// Does the pattern of an endpoint allow all that `host` (a name or a pattern itself) stands for?
pub(crate) fn matches_host(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(suffix) => pattern == host || (host.ends_with(suffix) && host.len() > suffix.len()),
        None => pattern == host,
    }
}

/// A token of RFC 9110.
pub(crate) fn is_header_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(fits)
}

/// An exact path or a prefix that ends in `/`; `{name}` stands for one segment.
pub(super) fn is_path_pattern(path: &str) -> bool {
    let segment_fits = |segment: &str| {
        let name = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        match name {
            Some(name) => !name.is_empty() && !name.contains(['{', '}']),
            None => {
                segment != "."
                    && segment != ".."
                    && segment
                        .bytes()
                        .all(|byte| byte.is_ascii_graphic() && !b"{}?#%\\".contains(&byte))
            }
        }
    };
    path.len() <= PATH_BYTES_MAX
        && path
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(segment_fits))
}

/// Three numbers and, if need be, a suffix.
pub(super) fn is_version(version: &str) -> bool {
    let end = version.find(['-', '+']).unwrap_or(version.len());
    let (numbers, suffix) = version.split_at(end);
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let suffix_fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-+.".contains(&byte);
    version.len() <= VERSION_BYTES_MAX
        && numbers.split('.').count() == 3
        && numbers.split('.').all(is_number)
        && suffix.bytes().all(suffix_fits)
}
