//! What is embedded in the binary: the repository's own documentation and the sample mails.

include!(concat!(env!("OUT_DIR"), "/library.rs"));

/// Returns the title of a Markdown text: its first heading, or `otherwise`.
pub(crate) fn title<'a>(markdown: &'a str, otherwise: &'a str) -> &'a str {
    markdown.lines().find_map(|line| line.strip_prefix("# ")).map_or(otherwise, str::trim)
}
