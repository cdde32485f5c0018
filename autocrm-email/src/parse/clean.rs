//! Texts out of a mail, made fit to show: no controls, no invisible or direction-changing characters in names.

use autocrm_core::text::{Name, one_line};
use unicode_normalization::UnicodeNormalization as _;

/// Names that a path or a shell gives a meaning of its own.
const FALLBACK_NAME: &str = "attachment";

/// Returns the safe name of an attachment: one line, the last component of any path, 1..=150 characters, without
/// control, bidirectional and zero-width characters and without dots or spaces around it. Cleaned before anything is
/// looked at, so that no check can be passed by a character that disappears later.
pub(crate) fn attachment_name(declared: Option<&str>) -> Option<Name> {
    let composed = declared.unwrap_or_default().nfc().filter(|&c| !is_invisible(c));
    // What stood apart may compose once nothing invisible stands between.
    let visible: String = composed.collect::<String>().nfc().collect();
    let last = visible.rsplit(['/', '\\']).next().unwrap_or_default();
    let safe: String =
        last.chars().map(|c| if "<>:\"|?*".contains(c) || c.is_control() { '_' } else { c }).collect();
    let bare = safe.trim_matches(|c: char| c == '.' || c.is_whitespace());
    Name::new(shortened(bare)).or_else(|_| Name::new(FALLBACK_NAME)).ok()
}

/// Cuts in the middle of a name that is too long, so that its ending stays.
fn shortened(name: &str) -> String {
    let line = one_line(name, usize::MAX);
    let length = line.chars().count();
    if length <= Name::MAX {
        return line;
    }
    let ending =
        line.rsplit_once('.').map(|(_, ending)| ending).filter(|ending| (1..=16).contains(&ending.len()));
    match ending {
        Some(ending) => {
            let stem: String = line.chars().take(Name::MAX - ending.chars().count() - 1).collect();
            format!("{}.{ending}", stem.trim_end())
        }
        None => line.chars().take(Name::MAX).collect(),
    }
}

/// Returns one visible line of at most `max` characters; may be empty.
pub(crate) fn visible_line(text: &str, max: usize) -> String {
    let visible: String = text.chars().filter(|&c| !is_invisible(c) || c.is_ascii_control()).collect();
    one_line(&visible, max)
}

/// Returns body text: `\n` line ends, no control characters but the tab, no trailing white space.
pub(crate) fn body(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                chars.next_if_eq(&'\n');
                clean.push('\n');
            }
            '\n' | '\t' => clean.push(c),
            '\u{feff}' => {}
            _ if c.is_control() => {}
            _ => clean.push(c),
        }
    }
    clean.truncate(clean.trim_end().len());
    clean
}

/// Characters that show nothing or change the direction of others (Unicode categories Cc and Cf, fillers, tags).
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(declared: &str) -> String {
        attachment_name(Some(declared)).unwrap().into_string()
    }

    #[test]
    fn zwsp_dotfile_is_inert() {
        assert_eq!(name("\u{200b}.htaccess"), "htaccess");
        assert_eq!(name(".\u{200b}./..\u{2060}/x.sh"), "x.sh");
    }

    #[test]
    fn names_hold_no_path_and_nothing_invisible() {
        assert_eq!(name("../../etc/passwd"), "passwd");
        assert_eq!(name("C:\\temp\\a.txt"), "a.txt");
        assert_eq!(name("invoice\u{202e}fdp.exe"), "invoicefdp.exe");
        assert_eq!(name("a\r\nb\0.txt"), "ab.txt");
        assert_eq!(name("what?.log"), "what_.log");
        assert_eq!(name("Größe 漢字.pdf"), "Größe 漢字.pdf");
        assert_eq!(name("Gro\u{308}\u{df}e.pdf"), "Gr\u{f6}\u{df}e.pdf", "composed");
        assert_eq!(
            name("Gro\u{200d}\u{308}sse.pdf"),
            "Gr\u{f6}sse.pdf",
            "composed after what is invisible is gone"
        );
        for empty in ["", "..", "\u{200b}", "a/", " . "] {
            assert_eq!(name(empty), "attachment", "{empty:?}");
        }
        assert_eq!(attachment_name(None).unwrap().as_str(), "attachment");
        let long = name(&format!("{}.tar", "ä".repeat(400)));
        assert_eq!(
            (long.chars().count(), long.split_once('.')),
            (150, Some(("ä".repeat(146).as_str(), "tar")))
        );
    }

    #[test]
    fn bodies_keep_their_lines_only() {
        assert_eq!(body("a\r\nb\rc\n\td\0\u{1b}[1m \n\n"), "a\nb\nc\n\td[1m");
        assert_eq!(visible_line("a\r\nBcc: b\u{202e}", 100), "a Bcc: b");
    }
}
