//! Character references.

use mail_parser::decoders::html::add_html_token;

/// The longest name in the table of the HTML standard has 31 characters.
const MAX_REFERENCE_BYTES: usize = 40;

/// Writes `text` to `write` with its character references resolved; unknown ones stay as written.
pub(super) fn decode(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (plain, reference) = rest.split_at_checked(at).unwrap_or((rest, ""));
        decoded.push_str(plain);
        let length = reference.bytes().take(MAX_REFERENCE_BYTES).position(|byte| byte == b';');
        let token = length.and_then(|end| reference.get(..=end)).filter(|token| is_reference(token));
        let written = token.unwrap_or("&");
        add_html_token(&mut decoded, written.as_bytes(), false);
        rest = reference.get(written.len()..).unwrap_or_default();
    }
    decoded.push_str(rest);
    decoded
}

fn is_reference(token: &str) -> bool {
    let inner = token.trim_start_matches('&').trim_end_matches(';');
    !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'#')
}
