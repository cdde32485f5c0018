//! Whatever arrives is answered: seeded mutations of real mails, random bytes, and texts that try to add headers.

#![expect(clippy::unwrap_used, reason = "a helper fails as the test that calls it")]

#[path = "support/mutation.rs"]
mod mutation;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use autocrm_core::{mail::ParsedMail, port::MailParser as _};
use autocrm_email::{MimeParser, newest_reply};
use mutation::{Random, mutate};

fn examples() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/mails");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "eml"))
        .map(|path| fs::read(path).unwrap())
        .collect()
}

fn check(raw: &[u8]) {
    let mail = MimeParser::default().parse(raw);
    let ParsedMail { subject, text, trimmed_at, attachments, references, .. } = &mail;
    assert!(!subject.chars().any(char::is_control) && subject.chars().count() <= 255);
    assert!(!text.contains('\0') && !text.contains('\r') && text.len() <= 1 << 20);
    assert!(trimmed_at.is_none_or(|at| text.is_char_boundary(at) && at < text.len()));
    assert!(attachments.len() <= 100 && references.len() <= 50);
    let reply = newest_reply(text);
    assert!(reply.range().end <= text.len());
    assert!(mail.from.is_some() || !mail.findings.is_empty(), "a missing author is explained");
}

const SPLICES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"--",
    b"--b",
    b"From: x@example.org\n",
    b"\n\n",
    b":",
    b"=?utf-8?q?",
    b"?=",
    b"=",
    b"<",
    b">",
    b"Content-Transfer-Encoding: base64\n",
    b"Content-Type: message/rfc822\n\n",
    b"charset=utf-7",
    b"charset=iso-2022-jp",
    b"\xff\xfe",
    b"filename*0*=utf-16''%",
    b"<blockquote><!--",
    b"&#xFFFFFFFFF;",
    b"On 1.1.2026 a@b wrote:\n",
    b"> ",
    b"-- \n",
    b"boundary=\"",
    "\u{202e}ä漢".as_bytes(),
];

#[test]
fn mutated_mails_are_answered() {
    let corpus = examples();
    let mut random = Random(0x5eed_cafe_2026_1124);
    let started = Instant::now();
    let mut rounds = 0_u32;
    while started.elapsed() < Duration::from_secs(4) || rounds < 500 {
        let mut raw = corpus[random.below(corpus.len())].clone();
        mutate(&mut raw, &corpus, SPLICES, &mut random);
        check(&raw);
        rounds += 1;
    }
}

#[test]
fn random_bytes_are_answered() {
    let mut random = Random(0x0bad_5eed);
    for round in 0..2000 {
        let length = random.below(400);
        let alphabet: &[u8] =
            if round % 2 == 0 { b"\r\n\t :-=?<>@.;\"'()/*%ab09\x80\xff\0" } else { b"From:\n @a.b<>\"\r," };
        let raw: Vec<u8> = (0..length).map(|_| alphabet[random.below(alphabet.len())]).collect();
        check(&raw);
        let prefix = b"From: a@example.org\nContent-Type: text/html; charset=x; boundary=a\nContent-Transfer-Encoding: quoted-printable\n\n";
        check(&[prefix.as_slice(), raw.as_slice()].concat());
        let charset =
            ["utf-7", "utf-16", "iso-2022-jp", "shift_jis", "gb18030", "big5", "euc-kr", "windows-1251"]
                [random.below(8)];
        check(
            &[
                format!("From: a@example.org\nContent-Type: text/plain; charset={charset}\n\n").as_bytes(),
                raw.as_slice(),
            ]
            .concat(),
        );
    }
}
