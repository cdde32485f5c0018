//! Mails of our own making that try to cost more than their size.

use std::fmt::Write as _;

/// About the size of the largest HTML that is looked at, in bytes; less where nothing is optimised.
const SIZE: usize = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
const HEAD: &str = "From: ann@example.org\nSubject: bomb\nMIME-Version: 1.0\n";

fn filled(unit: &str) -> String {
    unit.repeat(SIZE / unit.len())
}

fn numbered(unit: impl Fn(usize) -> String) -> String {
    let mut text = String::with_capacity(SIZE + 100);
    for number in 0.. {
        if text.len() >= SIZE {
            break;
        }
        text.push_str(&unit(number));
    }
    text
}

fn page(markup: &str) -> Vec<u8> {
    format!("{HEAD}Content-Type: text/html; charset=utf-8\n\n{markup}").into_bytes()
}

fn plain(text: &str) -> Vec<u8> {
    format!("{HEAD}Content-Type: text/plain; charset=utf-8\n\n{text}").into_bytes()
}

/// A letter of the same size that nobody means ill with.
pub(crate) fn letter() -> Vec<u8> {
    let paragraph = "<p style=\"color:#333\">Dear all, <b>this</b> is the <a href=\"https://example.com/a?b=c&amp;d=e\">news</a> \
        of the week &ndash; read it with care, forward it to nobody, and answer if you like it.<br></p>\n";
    page(&filled(paragraph))
}

/// The corpus: a name and a raw mail.
pub(crate) fn corpus() -> Vec<(&'static str, Vec<u8>)> {
    let mut found = vec![
        ("nested blocks", page(&filled("<div>"))),
        ("nested blocks with text", page(&filled("<div>x"))),
        ("nested tables", page(&filled("<table><tr><td>"))),
        ("nested formatting", page(&filled("<b><i><u>"))),
        ("formatting that comes back", page(&numbered(|number| format!("<p><b x={number}></p>")))),
        (
            "formatting that comes back in cells",
            page(&numbered(|number| format!("<p><font size={number}>a</p>b"))),
        ),
        ("links that never close", page(&numbered(|number| format!("<a href=x{number}>")))),
        ("misplaced in a table", page(&format!("<table>{}", filled("<i></i>")))),
        ("misplaced text in a table", page(&format!("<table>{}", filled("x<tr>")))),
        ("misplaced breaks in a table", page(&format!("<table>{}", filled("<br>")))),
        ("attributes of one tag", page(&format!("<p {}>", numbered(|number| format!("a{number} "))))),
        (
            "attributes of many tags",
            page(&filled(&format!(
                "<p {}>",
                "a b c d e f g h i j k l m n o p q r s t u v w x y z ".repeat(4)
            ))),
        ),
        ("one endless tag", page(&format!("<a href=\"{}", filled("x")))),
        ("unclosed comments", page(&filled("<!--"))),
        ("unclosed tags", page(&filled("<"))),
        ("stray end tags", page(&filled("</x>"))),
        ("stray paragraph ends", page(&filled("</p>"))),
        ("many breaks", page(&filled("<br>"))),
        ("many empty paragraphs", page(&filled("<p></p>"))),
        ("references", page(&filled("&amp;"))),
        ("unknown references", page(&filled("&x"))),
        ("line ends", page(&filled("\n"))),
        ("foreign elements", page(&filled("<svg><math>"))),
        ("select options", page(&filled("<select><option>"))),
        ("scripts", page(&filled("<script>"))),
        ("styles", page(&filled("<p style=\"a:b;c:d;e:url(x);f:'\">"))),
        ("one large style", page(&format!("<p style=\"{}\">x", filled("color:red;")))),
        ("nested brackets in a style", page(&format!("<p style=\"color:{}\">x", filled("(")))),
        ("hidden elements", page(&filled("<div hidden>"))),
        ("quotations", page(&filled("<blockquote>x"))),
        ("marked quotations", page(&filled("<div class=gmail_quote><div class=gmail_attr>x</div></div>"))),
        ("pictures", page(&numbered(|number| format!("<img src=cid:{number}>")))),
        ("quoted lines", plain(&filled("> > > x\n"))),
        ("attributions", plain(&filled("On 3 Mar 2026 at 10:12, Ann <ann@example.com>\n"))),
        ("header blocks", plain(&filled("From: a\nSent: b\n"))),
        ("open brackets", plain(&filled("a <b\n<\n\n"))),
        ("rules", plain(&filled("--\n---\n"))),
        ("addresses", plain(&filled("<a@b.example>:\n550 no such user\n"))),
        ("one line", plain(&filled("wrote: "))),
        ("escapes", {
            let mut raw = format!("{HEAD}Content-Type: text/plain; charset=iso-2022-jp\n\n").into_bytes();
            raw.extend(b"\x1b$B".repeat(SIZE / 3));
            raw
        }),
        ("bytes to guess", {
            let mut raw = format!("{HEAD}Content-Type: text/plain\n\n").into_bytes();
            raw.extend((0..SIZE).map(|at| u8::try_from(128 + (at * 31) % 128).unwrap_or(128)));
            raw
        }),
        (
            "encoded words",
            format!("From: a@example.org\nSubject: {}\n\nx", "=?utf-8?q?a?= ".repeat(15_000)).into_bytes(),
        ),
        (
            "references of a thread",
            format!("{HEAD}References: {}\n\nx", "<a@b> ".repeat(40_000)).into_bytes(),
        ),
        (
            "parts",
            format!("{HEAD}Content-Type: multipart/mixed; boundary=b\n\n{}", filled("--b\n\nx\n"))
                .into_bytes(),
        ),
        (
            "almost boundaries",
            format!("{HEAD}Content-Type: multipart/mixed; boundary=b\n\n--b\n\n{}", filled("--bb\n"))
                .into_bytes(),
        ),
        ("attached messages", format!("{HEAD}{}", filled("Content-Type: message/rfc822\n\n")).into_bytes()),
    ];
    let mut nested = HEAD.to_owned();
    for level in 0..5000 {
        let _ = write!(nested, "Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n");
    }
    found.push(("multiparts inside each other", nested.into_bytes()));
    let groups = filled("Final-Recipient: rfc822; a@example.org\nAction: failed\nStatus: 5.1.1\n\n");
    found.push((
        "recipients of a report",
        format!("{HEAD}Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n{groups}--b--\n").into_bytes(),
    ));
    let mut tnef = format!("{HEAD}Content-Type: application/ms-tnef; name=winmail.dat\n\n").into_bytes();
    tnef.extend([0x78, 0x9f, 0x3e, 0x22, 1, 0]);
    tnef.extend([2, 2, 0x90, 6, 0, 0, 0, 0, 0, 0, 0].repeat(SIZE / 11));
    found.push(("files of a winmail.dat", tnef));
    let mut list = format!("{HEAD}Content-Type: application/ms-tnef; name=winmail.dat\n\n").into_bytes();
    list.extend([
        0x78, 0x9f, 0x3e, 0x22, 1, 0, 2, 5, 0x90, 6, 0, 0xff, 0xff, 0x0f, 0, 0xff, 0xff, 0xff, 0x7f,
    ]);
    list.extend([2, 0x10, 1, 0x37, 0xff, 0xff, 0xff, 0x7f].repeat(SIZE / 8));
    found.push(("values of a property", list));
    found
}
