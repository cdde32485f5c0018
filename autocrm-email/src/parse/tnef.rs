//! Files out of `winmail.dat`, the Transport Neutral Encapsulation Format in which Outlook wraps mail ([MS-OXTNEF]).
//!
//! Only attachments are read. The stream is a row of attributes: level, id, length, bytes, checksum. A damaged stream
//! gives the files before the damage; checksums are not asked, as writers get them wrong and a mail is not trusted anyway.

/// A file found in a stream, with its bytes where they stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TnefFile<'a> {
    /// The name as written: not safe for any use but cleaning.
    pub name: Option<String>,
    /// The declared media type.
    pub content_type: Option<String>,
    /// The Content-ID, without brackets.
    pub content_id: Option<String>,
    /// The bytes.
    pub bytes: &'a [u8],
}

const SIGNATURE: u32 = 0x223e_9f78;
const LEVEL_ATTACHMENT: u8 = 2;
const OEM_CODE_PAGE: u32 = 0x0006_9007;
const ATTACH_REND_DATA: u32 = 0x0006_9002;
const ATTACH_TITLE: u32 = 0x0001_8010;
const ATTACH_DATA: u32 = 0x0006_800f;
const ATTACHMENT: u32 = 0x0006_9005;
// Property ids of [MS-OXPROPS].
const LONG_FILENAME: u16 = 0x3707;
const FILENAME: u16 = 0x3704;
const MIME_TAG: u16 = 0x370e;
const CONTENT_ID: u16 = 0x3712;
const DATA: u16 = 0x3701;
/// Texts of properties that are kept, in bytes.
const MAX_TEXT: usize = 1024;
/// Attributes and properties that are looked at.
const MAX_ITEMS: usize = 20_000;

/// Returns the files of a stream, at most `limit`; none if it is no such stream. Linear in the length of `stream`.
pub fn tnef_files(stream: &[u8], limit: usize) -> Vec<TnefFile<'_>> {
    let mut rest = Reader(stream);
    if rest.number() != Some(SIGNATURE) || rest.short().is_none() {
        return Vec::new();
    }
    let mut found: Vec<TnefFile<'_>> = Vec::new();
    let mut code_page = 1252;
    for _ in 0..MAX_ITEMS {
        let Some((level, id, data)) = attribute(&mut rest) else {
            break;
        };
        if level != LEVEL_ATTACHMENT {
            if id == OEM_CODE_PAGE {
                code_page = Reader(data).number().unwrap_or(code_page);
            }
            continue;
        }
        if id == ATTACH_REND_DATA || found.is_empty() {
            if found.len() == limit {
                break;
            }
            found.push(TnefFile::default());
        }
        let Some(file) = found.last_mut() else { continue };
        match id {
            ATTACH_TITLE if file.name.is_none() => file.name = narrow(data, code_page),
            ATTACH_DATA => file.bytes = data,
            ATTACHMENT => properties(data, code_page, file),
            _ => {}
        }
    }
    found.retain(|file| !file.bytes.is_empty());
    found
}

fn attribute<'a>(rest: &mut Reader<'a>) -> Option<(u8, u32, &'a [u8])> {
    let level = *rest.take(1)?.first()?;
    let id = rest.number()?;
    let length = usize::try_from(rest.number()?).ok()?;
    let data = rest.take(length)?;
    // The last checksum may be cut off.
    let _checksum = rest.short();
    Some((level, id, data))
}

/// Reads a property list ([MS-OXTNEF] §2.1.3.4): name, type, content id and bytes of an attachment.
fn properties<'a>(data: &'a [u8], code_page: u32, file: &mut TnefFile<'a>) {
    let mut rest = Reader(data);
    let count = rest.number().and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
    for _ in 0..count.min(MAX_ITEMS) {
        let Some((kind, id, value)) = property(&mut rest) else {
            return;
        };
        let text = || if kind == 0x1f { wide(value) } else { narrow(value, code_page) };
        match id {
            LONG_FILENAME => file.name = text().or_else(|| file.name.take()),
            FILENAME if file.name.is_none() => file.name = text(),
            MIME_TAG => file.content_type = text(),
            CONTENT_ID => file.content_id = text().map(|id| id.trim_matches(['<', '>', ' ']).to_owned()),
            DATA if file.bytes.is_empty() => file.bytes = value,
            _ => {}
        }
    }
}

/// Reads one property and returns its type, its id and its first value.
fn property<'a>(rest: &mut Reader<'a>) -> Option<(u16, u16, &'a [u8])> {
    let declared = rest.short()?;
    let id = rest.short()?;
    if id >= 0x8000 {
        rest.take(16)?;
        if rest.number()? == 0 {
            rest.number()?;
        } else {
            rest.sized()?;
        }
    }
    let (kind, several) = (declared & 0x0fff, declared & 0x1000 != 0);
    let width = match kind {
        0x02 | 0x03 | 0x04 | 0x0a | 0x0b => Some(4),
        0x05 | 0x06 | 0x07 | 0x14 | 0x40 => Some(8),
        0x48 => Some(16),
        0x0d | 0x1e | 0x1f | 0x102 => None,
        _ => return None,
    };
    let values = if several || width.is_none() { rest.number()? } else { 1 };
    let mut first: Option<&'a [u8]> = None;
    for _ in 0..values {
        let value = match width {
            Some(width) => rest.take(width)?,
            None => rest.sized()?,
        };
        first.get_or_insert(value);
    }
    Some((kind, id, first.unwrap_or_default()))
}

/// Reads a text in the stream's code page. Those of several bytes are guessed as UTF-8, which file names of such
/// writers carry as wide text besides.
fn narrow(bytes: &[u8], code_page: u32) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()).min(MAX_TEXT);
    let text = bytes.get(..end)?;
    let label = format!("windows-{code_page}");
    let decoded = match std::str::from_utf8(text) {
        Ok(valid) => valid.to_owned(),
        Err(_) => super::decode::labelled(&label, text),
    };
    Some(decoded).filter(|text| !text.is_empty())
}

fn wide(bytes: &[u8]) -> Option<String> {
    let units = bytes.chunks_exact(2).take(MAX_TEXT).map(|two| u16::from_le_bytes([two[0], two[1]]));
    let text: String = char::decode_utf16(units.take_while(|unit| *unit != 0))
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    Some(text).filter(|text| !text.is_empty())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(length)?;
        self.0 = tail;
        Some(head)
    }

    fn short(&mut self) -> Option<u16> {
        self.take(2).and_then(|bytes| bytes.try_into().ok()).map(u16::from_le_bytes)
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes)
    }

    /// Reads a length, so many bytes, and what fills them up to a multiple of four.
    fn sized(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let value = self.take(length)?;
        let filling = length.next_multiple_of(4) - length;
        self.take(filling.min(self.0.len()))?;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(level: u8, id: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![level];
        bytes.extend(id.to_le_bytes());
        bytes.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        bytes.extend(data);
        bytes.extend([0, 0]);
        bytes
    }

    fn text_property(id: u16, text: &str) -> Vec<u8> {
        let mut value: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        value.extend([0, 0]);
        let mut bytes = Vec::new();
        bytes.extend(0x1f_u16.to_le_bytes());
        bytes.extend(id.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
        value.resize(value.len().next_multiple_of(4), 0);
        bytes.extend(value);
        bytes
    }

    fn stream() -> Vec<u8> {
        let mut bytes = SIGNATURE.to_le_bytes().to_vec();
        bytes.extend([1, 0]);
        bytes.extend(attribute(1, 0x0008_9006, &[0, 0, 1, 0]));
        bytes.extend(attribute(1, OEM_CODE_PAGE, &[0xe4, 4, 0, 0, 0, 0, 0, 0]));
        bytes.extend(attribute(2, ATTACH_REND_DATA, &[0; 14]));
        bytes.extend(attribute(2, ATTACH_TITLE, b"REPORT~1.TXT\0"));
        bytes.extend(attribute(2, ATTACH_DATA, b"first"));
        let mut list = 4_u32.to_le_bytes().to_vec();
        list.extend([3, 0, 5, 0x37, 1, 0, 0, 0]);
        list.extend(text_property(LONG_FILENAME, "Report für 漢字.txt"));
        list.extend(text_property(MIME_TAG, "text/plain"));
        list.extend(text_property(CONTENT_ID, "<p1@x>"));
        bytes.extend(attribute(2, ATTACHMENT, &list));
        bytes.extend(attribute(2, ATTACH_REND_DATA, &[0; 14]));
        bytes.extend(attribute(2, ATTACH_TITLE, b"caf\xe9.bin\0"));
        bytes.extend(attribute(2, ATTACH_DATA, b"second"));
        bytes
    }

    #[test]
    fn files_have_names_types_and_bytes() {
        let bytes = stream();
        let found = tnef_files(&bytes, 10);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].name.as_deref(), Some("Report für 漢字.txt"));
        assert_eq!(found[0].content_type.as_deref(), Some("text/plain"));
        assert_eq!((found[0].content_id.as_deref(), found[0].bytes), (Some("p1@x"), &b"first"[..]));
        assert_eq!((found[1].name.as_deref(), found[1].bytes), (Some("café.bin"), &b"second"[..]));
        assert_eq!(tnef_files(&bytes, 1).len(), 1);
    }

    #[test]
    fn damage_keeps_what_stands_before_it() {
        let bytes = stream();
        for end in 0..bytes.len() {
            let found = tnef_files(&bytes[..end], 10);
            assert!(
                found.len() <= 2 && found.iter().all(|file| [&b"first"[..], b"second"].contains(&file.bytes))
            );
        }
        assert!(tnef_files(b"no stream", 10).is_empty());
        let mut long = bytes.clone();
        long.splice(6 + 5..6 + 9, [0xff; 4]);
        assert!(tnef_files(&long, 10).is_empty());
    }
}
