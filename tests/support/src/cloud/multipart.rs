//! The strict reading of a multipart body.

use bytes::Bytes;

/// One part; the order is the sender's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) filename: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) data: Bytes,
}

/// Reads the parts of a body with this content type; the error says what is wrong.
pub(crate) fn parse(content_type: &str, body: &Bytes) -> Result<Vec<Part>, String> {
    let boundary = boundary_of(content_type).ok_or_else(|| {
        format!("Content-Type must be multipart/form-data with a boundary, not {content_type}")
    })?;
    let opening = format!("--{boundary}\r\n");
    let between = format!("\r\n--{boundary}");
    if !body.starts_with(opening.as_bytes()) {
        return Err("the body does not begin with its boundary".to_owned());
    }
    let mut parts = Vec::new();
    let mut at = opening.len();
    loop {
        let length = find(&body[at..], between.as_bytes()).ok_or("the last boundary is missing")?;
        parts.push(read_part(&body.slice(at..at + length))?);
        at += length + between.len();
        let rest = &body[at..];
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        if !rest.starts_with(b"\r\n") {
            return Err("a boundary is followed by something else than a line end".to_owned());
        }
        at += 2;
    }
}

fn boundary_of(content_type: &str) -> Option<&str> {
    let (essence, parameters) = content_type.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters
        .split(';')
        .find_map(|parameter| parameter.trim().strip_prefix("boundary="))?
        .trim_matches('"');
    (1..=70).contains(&boundary.len()).then_some(boundary)
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len())
        .position(|window| window == needle)
}

fn read_part(part: &Bytes) -> Result<Part, String> {
    let length = find(part, b"\r\n\r\n").ok_or("a part has no empty line behind its headers")?;
    let head =
        std::str::from_utf8(&part[..length]).map_err(|_| "headers of a part are not UTF-8")?;
    let header = |wanted: &str| {
        head.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim())
        })
    };
    let disposition = header("content-disposition").ok_or("a part has no Content-Disposition")?;
    if !disposition.starts_with("form-data") {
        return Err(format!("a part is no form data: {disposition}"));
    }
    Ok(Part {
        name: quoted(disposition, "name").ok_or("a part has no name")?,
        filename: quoted(disposition, "filename"),
        content_type: header("content-type").map(str::to_owned),
        data: part.slice(length + 4..),
    })
}

/// A parameter in quotes; browsers and clients write `%22` or `\"` for a quote in it.
fn quoted(disposition: &str, name: &str) -> Option<String> {
    let start = format!("; {name}=\"");
    let (_, rest) = disposition.split_once(&start)?;
    let mut value = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return Some(value),
            '\\' => value.push(chars.next()?),
            c => value.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_parts_in_any_order_and_refuses_broken_bodies() {
        let body = Bytes::from_static(
            b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".txt\"\r\n\
              Content-Type: text/plain\r\n\r\nx--b is not the end\r\n\r\n--b\r\n\
              Content-Disposition: form-data; name=\"type\"\r\n\r\ntext/plain\r\n--b--\r\n",
        );
        let parts = parse("multipart/form-data; boundary=b", &body).unwrap();
        assert_eq!(parts[0].filename.as_deref(), Some("a \"b\".txt"));
        assert_eq!(parts[0].content_type.as_deref(), Some("text/plain"));
        assert_eq!(parts[0].data, "x--b is not the end\r\n");
        assert_eq!(
            (&*parts[1].name, &*parts[1].data),
            ("type", &b"text/plain"[..])
        );
        for wrong in [&b""[..], b"--b\r\n", b"--b\r\n\r\n\r\n--b--", b"x--b--"] {
            let wrong = Bytes::from_static(wrong);
            assert!(
                parse("multipart/form-data; boundary=b", &wrong).is_err(),
                "{wrong:?}"
            );
        }
        for content_type in [
            "multipart/mixed; boundary=b",
            "multipart/form-data",
            "text/plain",
        ] {
            assert!(parse(content_type, &body).is_err(), "{content_type}");
        }
    }
}
