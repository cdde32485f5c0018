//! Cutting an article into passages: along headings and paragraphs, with byte ranges into the text.

use std::ops::Range;

/// The size at which a passage is full, in bytes; a single longer paragraph is cut at a sentence or a space.
pub const CHUNK_TARGET: usize = 1_200;

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The headings above, joined with ` › `.
    pub heading: String,
    /// The bytes of the text.
    pub range: Range<usize>,
}

/// Splits Markdown, with headings of HTML in it, into passages of about [`CHUNK_TARGET`] bytes. A heading always begins a new
/// passage and belongs to it; fenced code is not searched for headings, and code and tables stay whole up to twice the
/// target and are cut between lines beyond; no range starts or ends inside a character; ranges do not overlap and
/// together hold every character that is not white space.
pub fn split_markdown(text: &str) -> Vec<Passage> {
    let mut splitter = Splitter { text, passages: Vec::new(), trail: Vec::new(), open: None, by_line: false };
    let (mut fenced, mut in_table) = (false, false);
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let trimmed = line.trim();
        // The first row may begin a passage; no later one does.
        let continues_table = in_table && trimmed.starts_with('|');
        in_table = trimmed.starts_with('|');
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            fenced = !fenced;
        } else if let Some((level, title)) = heading(trimmed).filter(|_| !fenced) {
            splitter.close(start);
            splitter.trail.retain(|(depth, _)| *depth < level);
            splitter.trail.push((level, title));
            splitter.open = Some(start);
            continue;
        }
        let begun = *splitter.open.get_or_insert(start);
        let full =
            start - begun >= CHUNK_TARGET || (trimmed.is_empty() && offset - begun >= CHUNK_TARGET / 2);
        if full && !fenced && !continues_table {
            splitter.close(start);
            splitter.open = Some(start);
        }
        splitter.by_line |= fenced || in_table;
    }
    splitter.close(text.len());
    splitter.passages
}

/// Returns level and title of an ATX heading (`CommonMark` 0.31, section 4.2), or of an HTML one on a line of its own.
fn heading(line: &str) -> Option<(usize, String)> {
    html_heading(line).or_else(|| atx_heading(line).map(|(level, title)| (level, title.to_owned())))
}

fn html_heading(line: &str) -> Option<(usize, String)> {
    let after = line.strip_prefix("<h").or_else(|| line.strip_prefix("<H"))?;
    let level = after.chars().next()?.to_digit(10).filter(|level| (1..=6).contains(level))?;
    let (attributes, rest) = after.get(1..)?.split_once('>')?;
    let is_tag = attributes.is_empty() || attributes.starts_with(char::is_whitespace);
    let end = rest.to_ascii_lowercase().rfind(&format!("</h{level}>"))?;
    let mut title = String::new();
    let mut inside = false;
    for character in rest.get(..end)?.chars() {
        match character {
            '<' => inside = true,
            '>' if inside => inside = false,
            other if !inside => title.push(other),
            _ => {}
        }
    }
    is_tag.then(|| (level as usize, title.trim().to_owned()))
}

fn atx_heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let title = line.get(level..)?;
    let is_heading = (1..=6).contains(&level) && title.starts_with([' ', '\t']);
    is_heading.then(|| (level, title.trim().trim_end_matches('#').trim_end()))
}

struct Splitter<'a> {
    text: &'a str,
    passages: Vec<Passage>,
    trail: Vec<(usize, String)>,
    open: Option<usize>,
    /// The open passage holds code or a table, whose lines belong together.
    by_line: bool,
}

impl Splitter<'_> {
    /// Ends the open passage before `end`, cutting it where it is longer than twice the target.
    fn close(&mut self, end: usize) {
        let Some(mut start) = self.open.take() else { return };
        let by_line = std::mem::take(&mut self.by_line);
        let heading = self.trail.iter().map(|(_, title)| title.as_str()).collect::<Vec<_>>().join(" › ");
        while end - start > 2 * CHUNK_TARGET {
            let cut = self.cut_point(start, end, by_line);
            self.push(start..cut, &heading);
            start = cut;
        }
        self.push(start..end, &heading);
    }

    /// Finds the last sentence end, else the last white space, else any character boundary within the target; among code
    /// and rows of a table the last end of a line comes first.
    fn cut_point(&self, start: usize, end: usize, by_line: bool) -> usize {
        let mut limit = (start + CHUNK_TARGET).min(end);
        while !self.text.is_char_boundary(limit) {
            limit -= 1;
        }
        let window = self.text.get(start..limit).unwrap_or_default();
        let sentence = [". ", "! ", "? ", ".\n", "。"]
            .iter()
            .filter_map(|mark| Some(window.rfind(mark)? + mark.len()))
            .max();
        let space = window.rfind(char::is_whitespace).map(|at| at + 1);
        let line = if by_line { window.rfind('\n').map(|at| at + 1) } else { None };
        line.or(sentence)
            .or(space)
            .map(|at| start + at)
            .filter(|cut| *cut > start && self.text.is_char_boundary(*cut))
            .unwrap_or(limit)
    }

    fn push(&mut self, range: Range<usize>, heading: &str) {
        let Some(slice) = self.text.get(range.clone()) else { return };
        let trimmed = slice.trim();
        if trimmed.is_empty() {
            return;
        }
        let start = range.start + (slice.len() - slice.trim_start().len());
        self.passages.push(Passage { heading: heading.to_owned(), range: start..start + trimmed.len() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_begin_passages_and_name_their_trail() {
        let text = "intro\n\n# A\n\none\n\n## B\n\ntwo\n\n# C\nthree\n";
        let trails: Vec<_> = split_markdown(text).into_iter().map(|passage| passage.heading).collect();
        assert_eq!(trails, ["", "A", "A › B", "C"]);
    }

    #[test]
    fn code_is_not_searched_for_headings() {
        let passages = split_markdown("# A\n```sh\n# not a heading\n```\n");
        assert_eq!(passages.len(), 1);
    }

    #[test]
    fn headings_of_html_count() {
        let text =
            "<h1>A</h1>\none\n<H2 id=\"b\">B <em>c</em></H2>\ntwo\n<header>\n<h7>x</h7>\n<h2>not closed\n";
        let trails: Vec<_> = split_markdown(text).into_iter().map(|passage| passage.heading).collect();
        assert_eq!(trails, ["A", "A › B c"]);
    }

    #[test]
    fn tables_and_code_are_cut_between_lines() {
        let row = format!("| {} | One. Two. |\n", "cell ".repeat(20));
        let table = format!("{}\n\n{}", "words ".repeat(180), row.repeat(15));
        let of = |text: &str| -> Vec<String> {
            split_markdown(text).into_iter().map(|passage| text[passage.range].to_owned()).collect()
        };
        assert!(of(&table).iter().any(|part| part.matches("One. Two.").count() == 15), "a table stays whole");
        let long = row.repeat(60);
        assert!(of(&long).len() > 1);
        assert!(of(&long).iter().all(|part| part.starts_with('|') && part.ends_with('|')));
        let code = format!("```sh\n{}```\n", "echo one. two. three\n".repeat(200));
        assert!(of(&code).iter().all(|part| part.ends_with("three") || part.ends_with("```")));
    }

    #[test]
    fn long_paragraphs_are_cut_and_nothing_is_lost() {
        for text in ["word ".repeat(3_000), "ä".repeat(9_000), "One. Two! ".repeat(900)] {
            let passages = split_markdown(&text);
            assert!(passages.len() > 1);
            let mut last = 0;
            let mut kept = String::new();
            for passage in &passages {
                assert!(passage.range.start >= last && passage.range.len() <= 2 * CHUNK_TARGET);
                last = passage.range.end;
                kept.push_str(&text[passage.range.clone()]);
            }
            let dense = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(dense(&kept), dense(&text));
        }
    }
}
