//! The forms in which a provider may have signed our URL.
//!
//! Text is cut and joined, never parsed and written again: the provider signed the bytes it was given,
//! and a library would change the case of the host or the escapes of the query.

/// As seen, and with the default port added or the port removed, whichever there is. Providers call
/// one form and sign another (Twilio's own libraries try these three).
pub(super) fn forms(url: &str) -> Vec<String> {
    let mut forms = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else {
        return forms;
    };
    let default_port = match () {
        () if scheme.eq_ignore_ascii_case("https") => 443,
        () if scheme.eq_ignore_ascii_case("http") => 80,
        () => return forms,
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let host_at = authority.rfind('@').map_or(0, |at| at + 1);
    // Within brackets stands an IPv6 address, with colons of its own.
    let name_end = authority.rfind(']').unwrap_or(host_at);
    forms.push(match authority[name_end..].rfind(':') {
        Some(colon) => format!("{scheme}://{}{path}", &authority[..name_end + colon]),
        None => format!("{scheme}://{authority}:{default_port}{path}"),
    });
    forms
}

#[cfg(test)]
mod tests {
    use super::forms;

    #[test]
    fn a_port_is_added_or_removed_and_nothing_else_changes() {
        for (seen, other) in [
            ("https://a.example/x?y=1:2", "https://a.example:443/x?y=1:2"),
            ("http://A.example", "http://A.example:80"),
            ("https://a.example:443/x", "https://a.example/x"),
            ("https://a.example:8443//x", "https://a.example//x"),
            ("HTTP://U:p@a.example/", "HTTP://U:p@a.example:80/"),
            ("http://u:p@a.example:81/", "http://u:p@a.example/"),
            ("https://a.example?b@c:d", "https://a.example:443?b@c:d"),
            ("https://[2001:db8::1]/x", "https://[2001:db8::1]:443/x"),
            ("https://[2001:db8::1]:8/x", "https://[2001:db8::1]/x"),
        ] {
            assert_eq!(forms(seen), [seen, other]);
        }
        for odd in ["", "a.example/x", "ftp://a.example/"] {
            assert_eq!(forms(odd), [odd]);
        }
    }
}
