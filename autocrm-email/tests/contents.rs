//! Files and HTML of mails: safe names, attached pictures, attached messages, winmail.dat.

use autocrm_core::{mail::MailFinding, port::MailParser as _};
use autocrm_email::{Bounds, MimeParser};

const HEAD: &str = "From: ann@example.org\nSubject: files\nMIME-Version: 1.0\n";

fn mixed(parts: &[&str]) -> Vec<u8> {
    let body = parts.join("\n--b\n");
    format!("{HEAD}Content-Type: multipart/mixed; boundary=b\n\n--b\n{body}\n--b--\n").into_bytes()
}

fn names(raw: &[u8]) -> Vec<String> {
    let parser = MimeParser::default();
    let contents = parser.contents(raw);
    let names: Vec<String> = contents.files.iter().map(|file| file.name.as_str().to_owned()).collect();
    let listed = parser.parse(raw).attachments;
    let sizes: Vec<u64> =
        contents.files.iter().map(|file| u64::try_from(file.bytes.len()).unwrap_or(0)).collect();
    assert_eq!(listed.iter().map(|file| file.name.as_str().to_owned()).collect::<Vec<_>>(), names);
    assert_eq!(listed.iter().map(|file| file.size).collect::<Vec<_>>(), sizes);
    names
}

#[test]
fn names_are_decoded_before_they_are_checked() {
    for (declared, expected) in [
        ("filename*=utf-8''%E2%80%8B.htaccess", "htaccess"),
        ("filename*=utf-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("filename*0*=utf-8''%e2%80%8b; filename*1=.htaccess", "htaccess"),
        ("filename=\"=?utf-8?q?=E2=80=AEfdp=2Eexe?=\"", "fdp.exe"),
        ("filename=\"C:\\\\windows\\\\a.exe\"", "a.exe"),
        ("filename=\"=?utf-8?b?Z3Jvw58udHh0?=\"", "groß.txt"),
        ("filename=\"\"", "attachment"),
        ("filename=\"..\"", "attachment"),
    ] {
        let part = format!("Content-Type: application/x-a\nContent-Disposition: attachment; {declared}\n\nx");
        assert_eq!(names(&mixed(&[&part])), [expected], "{declared}");
    }
}

#[test]
fn attached_pictures_are_told_from_files() {
    let raw = mixed(&[
        "Content-Type: text/html\n\n<p>see <img src=\"cid:one%40x\"> and <img src='CID:two@x'></p>",
        "Content-Type: image/png; name=1.png\nContent-ID: <one@x>\nContent-Transfer-Encoding: base64\n\ncGljdHVyZQ==",
        "Content-Type: image/png; name=2.png\nContent-ID: <two@x>\n\nb",
        "Content-Type: image/png; name=3.png\nContent-ID: <three@x>\n\nc",
    ]);
    let contents = MimeParser::default().contents(&raw);
    let shown: Vec<bool> = contents.files.iter().map(|file| file.inline).collect();
    assert_eq!(shown, [true, true, false]);
    assert_eq!(contents.files[0].bytes, b"picture");
    assert_eq!(contents.files[0].content_id.as_deref(), Some("one@x"));
    assert!(contents.html.is_some_and(|html| html.contains("<p>see")));
}

#[test]
fn attached_messages_are_kept_whole_and_lend_no_thread() {
    let inner = "From: bob@example.org\nSubject: a/b =?utf-8?q?=C3=BC?=\nMessage-ID: <inner@x>\nReferences: <old@x>\n\nHi";
    let raw = mixed(&[
        "Content-Type: text/plain\n\nSee below.",
        &format!("Content-Type: message/rfc822\n\n{inner}"),
        "Content-Type: message/rfc822; name=kept.EML\n\nSubject: x\n\nHi",
        "Content-Type: message/rfc822\n\n\nnothing",
    ]);
    assert_eq!(names(&raw), ["a_b ü.eml", "kept.EML", "message.eml"]);
    let contents = MimeParser::default().contents(&raw);
    assert_eq!(contents.files[0].bytes, inner.as_bytes());
    let mail = MimeParser::default().parse(&raw);
    assert_eq!((mail.text.as_str(), mail.references.len(), mail.message_id), ("See below.", 0, None));
}

#[test]
fn files_inside_of_winmail_dat_stand_behind_it() {
    let mut stream = vec![0x78, 0x9f, 0x3e, 0x22, 1, 0];
    for (id, data) in
        [(0x0006_9002_u32, &b"x"[..]), (0x0001_8010, b"..\\inner.txt\0"), (0x0006_800f, b"hello")]
    {
        stream.push(2);
        stream.extend(id.to_le_bytes());
        stream.extend(u32::try_from(data.len()).unwrap_or(0).to_le_bytes());
        stream.extend(data);
        stream.extend([0, 0]);
    }
    let mut raw = format!("{HEAD}Content-Type: application/ms-tnef; name=winmail.dat\n\n").into_bytes();
    raw.extend(&stream);
    assert_eq!(names(&raw), ["winmail.dat", "inner.txt"]);
    let contents = MimeParser::default().contents(&raw);
    assert_eq!(
        (contents.files[0].bytes.as_slice(), contents.files[1].bytes.as_slice()),
        (&stream[..], &b"hello"[..])
    );
    let mut bounds = Bounds::default();
    bounds.attachments = 1;
    let few = MimeParser::new(bounds).contents(&raw);
    assert_eq!((few.files.len(), few.findings.as_slice()), (1, &[MailFinding::TooManyAttachments][..]));
}

#[test]
fn bounds_hold_for_contents() {
    let deep = MimeParser::default()
        .contents(format!("{HEAD}Content-Type: text/html\n\n{}", "<div>".repeat(300)).as_bytes());
    assert_eq!((deep.html, deep.findings.as_slice()), (None, &[MailFinding::HtmlTooLarge][..]));
    let mut bounds = Bounds::default();
    bounds.raw = 10;
    let large = MimeParser::new(bounds).contents(HEAD.as_bytes());
    assert_eq!((large.files.len(), large.findings.as_slice()), (0, &[MailFinding::DecodedTooLarge][..]));
}
