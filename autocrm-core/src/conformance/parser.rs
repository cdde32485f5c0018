//! Mail parsers: any bytes answered, one sender or none, clean texts.

use std::time::{Duration, Instant};

use crate::{
    conformance::Backend,
    mail::{MailFinding, ParsedMail},
    port::MailParser,
    testing::Dice,
};

fn raw(from: &str, rest: &str) -> Vec<u8> {
    format!("{from}Subject: Hello\r\n{rest}\r\nThe text.\r\n").into_bytes()
}

fn assert_clean(mail: &ParsedMail) {
    let names = mail.from_name.iter().map(crate::text::Name::as_str);
    let names = names.chain(mail.attachments.iter().map(|file| file.name.as_str()));
    for line in names.chain([mail.subject.as_str()]) {
        assert!(!line.chars().any(char::is_control), "{line:?} holds a control character");
    }
    assert!(!mail.text.contains('\0'), "a text holds NUL");
    assert!(mail.attachments.iter().all(|file| !file.content_type.contains('\0')));
    assert!(mail.attachments.len() <= 100 && mail.references.len() <= 50);
    for cut in [mail.reply_at, mail.trimmed_at].into_iter().flatten() {
        assert!(mail.text.is_char_boundary(cut), "a cut lies within a character");
    }
    assert!(
        mail.reply_at <= Some(mail.trimmed_at.unwrap_or(mail.text.len())),
        "a reply ends before it begins"
    );
}

/// P1: any bytes are answered within bounded time; what cannot be read is in the findings.
pub async fn p1_any_bytes_are_answered(backend: Backend<dyn MailParser>) {
    let parser = backend.port();
    let mut dice = Dice::new(42);
    let good = raw("From: Ann <ann@example.org>\r\n", "Content-Type: multipart/mixed; boundary=b\r\n");
    let parts = (0..2_000)
        .map(|level| format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"));
    let nested = parts.collect::<Vec<String>>().concat();
    let mut odd: Vec<Vec<u8>> = vec![
        Vec::new(),
        vec![0; 1_000],
        vec![b'\n'; 100_000],
        vec![0xFF; 100_000],
        b"From".to_vec(),
        b"From: ".to_vec(),
        format!("From: a@b.example\r\n{nested}").into_bytes(),
        format!("From: a@b.example\r\nReferences: {}\r\n\r\nx", "<a@b> ".repeat(50_000)).into_bytes(),
        format!("X: {}\r\n\r\nx", "y".repeat(2_000_000)).into_bytes(),
        raw("From: a@b.example\r\n", &format!("Content-Type: text/html\r\n\r\n{}", "<div>".repeat(100_000))),
    ];
    for _ in 0..300 {
        let mut bytes = good.clone();
        for _ in 0..=dice.below(8) {
            let place = dice.below(bytes.len());
            bytes[place] = u8::try_from(dice.below(256)).unwrap_or(0);
        }
        bytes.truncate(dice.below(bytes.len()) + 1);
        odd.push(bytes);
    }
    for bytes in odd {
        let start = Instant::now();
        let mail = parser.parse(&bytes);
        assert!(start.elapsed() < Duration::from_secs(20), "{} bytes take too long", bytes.len());
        assert_clean(&mail);
        if mail.from.is_none() {
            assert!(!mail.findings.is_empty(), "a missing sender is among the findings");
        }
    }
}

/// P2: `from` is set only when the header holds exactly one well-formed `From` with exactly one mailbox.
pub async fn p2_only_an_unmistakable_sender_is_named(backend: Backend<dyn MailParser>) {
    let parser = backend.port();
    for from in [
        "From: ann@example.org\r\n",
        "From: Ann Example <ann@example.org>\r\n",
        "FROM: \"Ann, of Example\" <Ann@Example.org>\r\n",
        "from:\r\n Ann\r\n <ann@example.org>\r\n",
        "From: =?utf-8?q?=C3=84nn?= <ann@example.org>\r\n",
    ] {
        let mail = parser.parse(&raw(from, ""));
        assert_eq!(mail.from.as_deref(), Some("ann@example.org"), "{from:?}");
        assert!(!mail.findings.contains(&MailFinding::AmbiguousSender), "{from:?}");
    }
    for from in [
        "",
        "From: \r\n",
        "From: nobody\r\n",
        "From: ann@example.org, eve@example.org\r\n",
        "From: Ann <ann@example.org>, Eve <eve@example.org>\r\n",
        "From: ann@example.org\r\nFrom: eve@example.org\r\n",
        "From: ann@example.org\r\nfrom: ann@example.org\r\n",
        "From: group: ann@example.org, eve@example.org;\r\n",
        "From: <ann@example.org> <eve@example.org>\r\n",
        "From: ann@example.org\0eve@example.org\r\n",
        "From : ann@example.org\r\nFrom: eve@example.org\r\n",
    ] {
        let mail = parser.parse(&raw(from, ""));
        assert_eq!(mail.from, None, "{from:?}");
        assert!(!mail.findings.is_empty(), "{from:?}");
    }
}

/// P3: no text holds NUL, and names and subject hold no control character, whatever hides in encoded words.
pub async fn p3_texts_are_clean(backend: Backend<dyn MailParser>) {
    let parser = backend.port();
    for subject in [
        "=?utf-8?q?a=00b=0D=0ABcc:_eve@example.org?=",
        "=?utf-8?b?AAECAwQFBgcICQoLDA0ODxA=?=",
        "plain\u{1}\u{7F}\u{85}",
        "=?utf-8?q?=C2=85=E2=80=A8?=",
    ] {
        let head = format!("From: \"A\u{1}=?utf-8?q?=00?=\" <ann@example.org>\r\nSubject: {subject}\r\n");
        let body = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\na\0b\r\n--b\r\n\
            Content-Type: text/x\0y; name=\"=?utf-8?q?a=00=0D=0Ab?=\"\r\n\
            Content-Disposition: attachment; filename=\"../../\0\u{2}evil\u{202E}.txt\"\r\n\r\nz\r\n--b--\r\n";
        let mail = parser.parse(format!("{head}{body}").as_bytes());
        assert_clean(&mail);
        for file in &mail.attachments {
            assert!(!file.name.contains(['/', '\\']), "a name is no path: {:?}", file.name);
        }
    }
}
