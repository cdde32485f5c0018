//! Ordinary mails, as customers write them: seeded, 2–20 KiB, some of them replies.

use std::collections::HashMap;

use autocrm_email::DnsTable;
use bytes::Bytes;
use data_encoding::BASE64;
use mail_auth::{
    common::{crypto::Ed25519Key, headers::HeaderWriter as _},
    dkim::{DkimSigner, Done},
};

use crate::{
    desk::{SUPPORT, address},
    failure::{Failure, Result},
    random::Random,
    topics::{TOPICS, Topic},
    words::Vocabulary,
};

/// The domain of the customers, whose mails are signed.
const DOMAIN: &str = "people.example";
const SELECTOR: &str = "mail";

/// Signs the mails of the customers' domain (RFC 8463).
struct Signer(DkimSigner<Ed25519Key, Done>);

impl Signer {
    fn new(key: &[u8]) -> Result<Self> {
        let failed = |error| Failure::new(format!("the key of the mails: {error}"));
        let key = Ed25519Key::from_pkcs8_der(key).map_err(failed)?;
        let signer = DkimSigner::from_key(key).domain(DOMAIN).selector(SELECTOR);
        Ok(Self(signer.headers(["From", "To", "Subject", "Date", "Message-ID"])))
    }

    fn sign(&self, raw: &[u8]) -> Result<Bytes> {
        let signature = self.0.sign(raw).map_err(|error| Failure::new(format!("signing a mail: {error}")))?;
        Ok(Bytes::from([signature.to_header().as_bytes(), raw].concat()))
    }
}

/// Generated mails, and the records under which their signatures are verified.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) mails: Vec<Made>,
    pub(crate) records: DnsTable,
}

/// Makes `count` mails as [`mails`] does, signed with a fresh key.
pub(crate) fn signed(count: usize, seed: u64) -> Result<Batch> {
    let failed = |error| Failure::new(format!("the key of the mails: {error}"));
    let key = Ed25519Key::generate_pkcs8().map_err(failed)?;
    let public = BASE64.encode(&Ed25519Key::from_pkcs8_der(&key).map_err(failed)?.public_key());
    let records = DnsTable::new([
        (format!("{SELECTOR}._domainkey.{DOMAIN}"), format!("v=DKIM1; k=ed25519; p={public}")),
        (format!("_dmarc.{DOMAIN}"), "v=DMARC1; p=reject".to_owned()),
    ]);
    let signer = Signer::new(&key)?;
    let mut made = mails(count, seed);
    // A signature holds the second in which it was made: a mail that comes twice was signed once.
    let mut known: HashMap<Bytes, Bytes> = HashMap::new();
    for mail in &mut made {
        let proved = match known.get(&mail.raw) {
            Some(proved) => proved.clone(),
            None => signer.sign(&mail.raw)?,
        };
        known.insert(std::mem::replace(&mut mail.raw, proved.clone()), proved);
    }
    Ok(Batch { mails: made, records })
}

/// How many mails lie at least between a mail and its reply: the desk may file as many at once.
const APART: usize = 400;

/// A mail and what has to become of it.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) raw: Bytes,
    pub(crate) kind: Kind,
}

/// What has to become of a generated mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A ticket.
    New,
    /// A message on the ticket of an earlier mail.
    Reply,
    /// A reply by somebody who takes no part.
    Stranger,
    /// The bytes of an earlier mail.
    Duplicate,
}

#[derive(Debug, Clone)]
struct Thread {
    root: String,
    sender: usize,
    subject: String,
    quoted: String,
}

/// Makes `count` mails: of a hundred some 12 are replies, 1 is a stranger's, 1 comes twice.
pub(crate) fn mails(count: usize, seed: u64) -> Vec<Made> {
    let vocabulary = Vocabulary::new();
    let mut random = Random::new(seed);
    let mut threads: Vec<(usize, Thread)> = Vec::new();
    let mut made: Vec<Made> = Vec::with_capacity(count);
    for number in 0..count {
        let settled = threads.partition_point(|(at, _)| at + APART <= number);
        let earlier =
            threads.get(random.below(settled.max(1))).filter(|_| settled > 0).map(|(_, thread)| thread);
        let dice = random.below(100);
        match (dice, earlier) {
            (0, _) if number > APART => {
                let raw = made[random.below(number - APART)].raw.clone();
                made.push(Made { raw, kind: Kind::Duplicate });
            }
            (1, Some(thread)) => {
                let raw = reply(&mut random, &vocabulary, number, thread, count + number);
                made.push(Made { raw, kind: Kind::Stranger });
            }
            (2..14, Some(thread)) => {
                let raw = reply(&mut random, &vocabulary, number, thread, thread.sender);
                made.push(Made { raw, kind: Kind::Reply });
            }
            _ => {
                let (raw, thread) = first(&mut random, &vocabulary, number, count);
                threads.push((number, thread));
                made.push(Made { raw, kind: Kind::New });
            }
        }
    }
    made
}

fn first(random: &mut Random, vocabulary: &Vocabulary, number: usize, count: usize) -> (Bytes, Thread) {
    let sender = random.below((count / 3).max(1));
    let topic = random.pick(TOPICS).copied();
    let subject = topic.and_then(|topic| random.pick(topic.questions)).copied().unwrap_or("Hello");
    let text = letter(random, vocabulary, topic, subject);
    let root = message_id(number);
    let head = head(random, number, sender, subject, None);
    let html = (random.below(3) == 0).then(|| as_html(&text));
    let raw = assemble(&head, &text, html.as_deref(), random);
    let quoted = text.lines().take(12).map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n");
    (raw, Thread { root, sender, subject: subject.to_owned(), quoted })
}

fn reply(
    random: &mut Random,
    vocabulary: &Vocabulary,
    number: usize,
    thread: &Thread,
    sender: usize,
) -> Bytes {
    let head = head(random, number, sender, &format!("Re: {}", thread.subject), Some(&thread.root));
    let words = 40 + random.below(120);
    let text = format!(
        "Hello,\n\n{}\n\nOn Tue, 3 Nov 2026 at 10:12, Support <{SUPPORT}> wrote:\n{}\n",
        wrapped(&vocabulary.text(random, words)),
        thread.quoted
    );
    assemble(&head, &padded(random, vocabulary, text), None, random)
}

fn letter(random: &mut Random, vocabulary: &Vocabulary, topic: Option<Topic>, question: &str) -> String {
    let mut text = format!("Hello,\n\n{question}\n");
    for _ in 0..=random.below(3) {
        let details = topic.map_or(&[][..], |topic| topic.details);
        if let Some(detail) = random.pick(details) {
            text.push_str(detail);
            text.push('\n');
        }
    }
    let words = 20 + random.below(60);
    text.push('\n');
    text.push_str(&wrapped(&vocabulary.text(random, words)));
    text.push_str("\n\nKind regards\nA customer\n");
    if random.below(3) == 0 {
        text.push_str("-- \nA customer, Example Ltd.\nMain Street 1, Anytown\n");
    }
    text
}

/// Adds the tail that ordinary mails have: old conversations, logs, disclaimers.
fn padded(random: &mut Random, vocabulary: &Vocabulary, mut text: String) -> String {
    let wanted = 1_500 + random.below(4_000);
    while text.len() < wanted {
        for line in wrapped(&vocabulary.text(random, 60)).lines() {
            text.push_str("> ");
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

fn wrapped(text: &str) -> String {
    let mut lines = String::with_capacity(text.len() + text.len() / 70);
    let mut width = 0;
    for word in text.split_whitespace() {
        if width + word.len() > 74 {
            lines.push('\n');
            width = 0;
        } else if width > 0 {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += word.len();
    }
    lines
}

fn message_id(number: usize) -> String {
    format!("{number}.{}@people.example", number * 7_919)
}

fn head(random: &mut Random, number: usize, sender: usize, subject: &str, answers: Option<&str>) -> String {
    use std::fmt::Write as _;

    let mut head = String::new();
    for hop in 0..2 + random.below(3) {
        // Writing to a string cannot fail.
        let _ = write!(
            head,
            "Received: from relay{hop}.people.example (relay{hop}.people.example [192.0.2.{}])\r\n\tby mx.desk.example with ESMTPS id {:016x}\r\n\tfor <{SUPPORT}>; Tue, 3 Nov 2026 10:{:02}:{:02} +0000\r\n",
            random.below(250),
            random.next(),
            number / 60 % 60,
            number % 60
        );
    }
    let address = address(sender);
    let _ = write!(
        head,
        "From: Customer {sender} <{address}>\r\nTo: Support <{SUPPORT}>\r\nSubject: {subject}\r\nDate: Tue, 3 Nov 2026 10:{:02}:{:02} +0000\r\nMessage-ID: <{}>\r\n",
        number / 60 % 60,
        number % 60,
        message_id(number)
    );
    if let Some(root) = answers {
        let _ = write!(head, "In-Reply-To: <{root}>\r\nReferences: <{root}>\r\n");
    }
    head.push_str("MIME-Version: 1.0\r\n");
    head
}

fn as_html(text: &str) -> String {
    let mut html = String::from(
        "<html><head><style>p { margin: 0 0 1em 0; font-family: sans-serif }</style></head><body>\n",
    );
    for paragraph in text.split("\n\n") {
        html.push_str("<p style=\"margin-left: 2px\">");
        html.push_str(&paragraph.replace('&', "&amp;").replace('<', "&lt;").replace('\n', "<br>\n"));
        html.push_str("</p>\n");
    }
    html.push_str("</body></html>\n");
    html
}

/// Joins head and body; one mail in five carries a small file.
fn assemble(head: &str, text: &str, html: Option<&str>, random: &mut Random) -> Bytes {
    let mut raw = head.to_owned();
    let plain = format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{}", crlf(text));
    let file = (random.below(5) == 0 || raw.len() + plain.len() < 2_048).then(|| attachment(random));
    let body = match html {
        None => plain,
        Some(html) => format!(
            "Content-Type: multipart/alternative; boundary=\"alt\"\r\n\r\n--alt\r\n{plain}\r\n--alt\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{}\r\n--alt--\r\n",
            crlf(html)
        ),
    };
    match file {
        None => raw.push_str(&body),
        Some(file) => {
            raw.push_str("Content-Type: multipart/mixed; boundary=\"mix\"\r\n\r\n--mix\r\n");
            raw.push_str(&body);
            raw.push_str("\r\n--mix\r\n");
            raw.push_str(&file);
            raw.push_str("\r\n--mix--\r\n");
        }
    }
    Bytes::from(raw)
}

fn attachment(random: &mut Random) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    let lines = 20 + random.below(140);
    let mut text = String::from(
        "Content-Type: image/png; name=\"screenshot.png\"\r\nContent-Disposition: attachment; filename=\"screenshot.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\n",
    );
    for _ in 0..lines {
        for _ in 0..76 {
            text.push(char::from(ALPHABET[random.below(64)]));
        }
        text.push_str("\r\n");
    }
    text
}

fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}

#[cfg(test)]
mod tests {
    use autocrm_core::{mail::SenderEvidence, port::MailParser as _, port::SenderVerifier as _};
    use autocrm_email::{AuthVerifier, MimeParser};

    use super::*;

    #[test]
    fn mails_are_ordinary_repeat_with_their_seed_and_are_read_without_findings() {
        let (mails, again) = (mails(1_500, 5), mails(1_500, 5));
        assert!(mails.iter().zip(&again).all(|(one, other)| one.raw == other.raw));
        let of = |kind| mails.iter().filter(|mail| mail.kind == kind).count();
        for kind in [Kind::New, Kind::Reply, Kind::Stranger, Kind::Duplicate] {
            assert!(of(kind) > 0, "{kind:?}");
        }
        for mail in mails.iter().step_by(7) {
            assert!((2_048..=20_480).contains(&mail.raw.len()), "{} bytes", mail.raw.len());
            let parsed = MimeParser::default().parse(&mail.raw);
            assert_eq!(parsed.findings, []);
            assert!(parsed.from.is_some() && parsed.message_id.is_some() && parsed.automatic.is_none());
            assert_eq!(
                matches!(mail.kind, Kind::Reply | Kind::Stranger),
                !parsed.in_reply_to.is_empty() && mail.kind != Kind::Duplicate
            );
        }
    }

    #[tokio::test]
    async fn signed_mails_are_believed() {
        let batch = signed(50, 5).unwrap();
        let verifier = AuthVerifier::with_table(batch.records).unwrap();
        for mail in &batch.mails {
            let evidence = SenderEvidence { raw: &mail.raw, sender: None, client: None };
            let found = verifier.verify(&evidence).await.unwrap();
            assert_eq!(found.trust(), autocrm_core::mail::SenderTrust::Authenticated, "{found:?}");
        }
    }
}
