//! Sentences of a Markdown passage, as byte ranges.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// Returns the byte ranges of the sentences of a Markdown passage, in order, trimmed and without overlap.
///
/// Sentences end as Unicode Standard Annex 29 says, at blank lines, and before list items and table rows; a single
/// line break is a space. A fenced code block is one sentence. Headings, rules and lines without a letter or digit
/// are none.
pub(crate) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut block: Option<Range<usize>> = None;
    let mut fence: Option<usize> = None;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let trimmed = line.trim();
        let is_fence = trimmed.starts_with("```") || trimmed.starts_with("~~~");
        if let Some(opened) = fence {
            if is_fence {
                push(&mut found, text, opened..offset);
                fence = None;
            }
            continue;
        }
        let is_break = trimmed.is_empty() || is_heading(trimmed);
        if is_fence || is_break || starts_item(trimmed) {
            close(&mut found, text, block.take());
        }
        if is_fence {
            fence = Some(start);
        } else if !is_break {
            block = Some(block.map_or(start, |open| open.start)..offset);
        }
    }
    close(&mut found, text, block);
    if let Some(opened) = fence {
        push(&mut found, text, opened..text.len());
    }
    found
}

fn is_heading(line: &str) -> bool {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    (1..=6).contains(&level)
        && line.get(level..).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

fn starts_item(line: &str) -> bool {
    let bulleted =
        line.starts_with(['-', '*', '+']) && line.get(1..).is_some_and(|rest| rest.starts_with([' ', '\t']));
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let numbered = (1..=3).contains(&digits)
        && line.get(digits..).is_some_and(|rest| rest.starts_with(". ") || rest.starts_with(") "));
    bulleted || numbered || line.starts_with('|')
}

/// Cuts a block of running text into sentences.
fn close(found: &mut Vec<Range<usize>>, text: &str, block: Option<Range<usize>>) {
    let Some(block) = block else { return };
    let Some(slice) = text.get(block.clone()) else { return };
    // The annex ends a sentence at every line break; a space of the same length keeps the offsets.
    let unwrapped = slice.replace(['\n', '\r'], " ");
    for (start, sentence) in unwrapped.split_sentence_bound_indices() {
        let from = block.start + start;
        push(found, text, from..from + sentence.len());
    }
}

fn push(found: &mut Vec<Range<usize>>, text: &str, range: Range<usize>) {
    let Some(slice) = text.get(range.clone()) else { return };
    let trimmed = slice.trim();
    if !trimmed.chars().any(char::is_alphanumeric) {
        return;
    }
    let start = range.start + (slice.len() - slice.trim_start().len());
    let whole = start..start + trimmed.len();
    // "1. Open the menu": the number of a list item is no sentence of its own.
    match found.last_mut() {
        Some(last) if is_item_number(text.get(last.clone()).unwrap_or_default()) => last.end = whole.end,
        _ => found.push(whole),
    }
}

fn is_item_number(sentence: &str) -> bool {
    sentence
        .strip_suffix('.')
        .is_some_and(|digits| digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn running_text_is_cut_at_sentence_ends() {
        assert_eq!(
            texts("Open the menu. Choose “Export”!\nThe file, e.g. a table, is\nsaved? Yes."),
            ["Open the menu.", "Choose “Export”!", "The file, e.g. a table, is\nsaved?", "Yes."]
        );
        assert_eq!(texts("電源を切る。再起動する。"), ["電源を切る。", "再起動する。"]);
    }

    #[test]
    fn blocks_end_sentences() {
        let text = "# Title\n\nIntro without end\n\n- one\n- two\n1. three\n2. four\n\n| a | b |\n|---|---|\n| c | d |\n";
        assert_eq!(
            texts(text),
            ["Intro without end", "- one", "- two", "1. three", "2. four", "| a | b |", "| c | d |"]
        );
    }

    #[test]
    fn code_stays_whole() {
        assert_eq!(
            texts("Run:\n```sh\nfoo. Bar!\n# no heading\n```\nDone."),
            ["Run:", "```sh\nfoo. Bar!\n# no heading\n```", "Done."]
        );
        assert_eq!(texts("```\nnever closed. Really."), ["```\nnever closed. Really."]);
    }

    #[test]
    fn hostile_texts_have_few_or_no_sentences() {
        assert!(texts("🙂🙂\u{0}\n***\n---").is_empty());
        assert!(texts("").is_empty());
        assert_eq!(sentences(&"a".repeat(1_000_000)).len(), 1);
    }

    proptest! {
        #[test]
        fn ranges_rise_and_lie_in_the_text(text in "[ a-zA-Z.!?#`~|\\-*0-9\\n\\u{65e5}\\u{5d0}🙂]{0,200}") {
            let mut last = 0;
            for range in sentences(&text) {
                prop_assert!(range.start >= last && range.start < range.end);
                prop_assert!(text.get(range.clone()).is_some_and(|slice| slice.trim() == slice));
                last = range.end;
            }
        }
    }
}
