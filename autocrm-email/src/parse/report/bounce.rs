//! Bounces in the words of mail servers that follow no standard, or that came before it.
//!
//! No single word makes a bounce: a person may write each of them. A server has to have sent the mail (its address, the
//! null return path, a field that only servers write), and then its words are weighed.

use autocrm_core::text::EmailAddress;

use super::{
    Mail,
    delivery::{Action, DeliveryReport, RecipientStatus, STATUS_TYPES, typed_address},
    returned, status,
    status::StatusCode,
    word,
};
use crate::parse::{
    automatic::{Daemon, first_word, has_automatic_subject, has_null_path, is_from_program},
    clean,
};

/// The weight from which a mail counts as a bounce.
const ENOUGH: u32 = 4;
const MAX_RECIPIENTS: usize = 100;
/// Lines below an address that are looked at for its code.
const LINES_PER_RECIPIENT: usize = 8;

pub(super) fn read(mail: &Mail<'_>) -> Option<DeliveryReport> {
    if weight(mail)? < ENOUGH {
        return None;
    }
    let machine_readable = mail.part(STATUS_TYPES).is_some();
    Some(DeliveryReport {
        recipients: recipients(mail),
        returned: returned::message_ids(mail),
        machine_readable,
    })
}

/// Weighs the signs; `None` if no server is known to have sent the mail.
fn weight(mail: &Mail<'_>) -> Option<u32> {
    let header = &mail.header;
    let author = Daemon::of(header);
    let null_path = has_null_path(header);
    let failed_field = header.field("x-failed-recipients").is_some();
    let notified = is_provider_notice(mail);
    let attached = returned::is_attached(mail);
    let path = header.text("return-path");
    // A person may write as postmaster; a server that does has no path for answers, or returns the mail.
    let served = path.is_none()
        || null_path
        || attached
        || first_word(header, "auto-submitted").is_some_and(|value| value != "no");
    let known = match author {
        Daemon::Mailer => true,
        Daemon::Postmaster | Daemon::Named => served && !is_from_program(header),
        Daemon::None => null_path || failed_field || notified,
    };
    if !known {
        return None;
    }
    if has_automatic_subject(&mail.subject) {
        return None;
    }
    let subject = mail.subject.to_lowercase();
    let passed_on = word::PASSED_ON.iter().any(|start| subject.starts_with(start));
    let told = !passed_on && word::SUBJECTS.iter().any(|words| subject.contains(words));
    let explained = word::BODIES.iter().any(|words| mail.text.contains(words));
    let coded = StatusCode::find(&mail.text).is_some_and(|code| code.class != 2)
        || mail.text.lines().take(400).any(|line| status::smtp_reply(line).is_some());
    let signs = [
        (failed_field || notified, 4),
        (mail.part(STATUS_TYPES).is_some(), 3),
        (author == Daemon::Mailer, 2),
        (matches!(author, Daemon::Postmaster | Daemon::Named), 1),
        (null_path, 2),
        (told, 2),
        (explained, 1),
        (coded, 1),
        (attached || word::RETURNED_BELOW.iter().any(|words| mail.text.contains(words)), 1),
    ];
    Some(signs.iter().filter(|(holds, _)| *holds).map(|(_, weight)| weight).sum())
}

/// Amazon's notification service mails events of delivery as JSON, under a field that says so.
fn is_provider_notice(mail: &Mail<'_>) -> bool {
    let text = mail.text.trim_start();
    mail.header.field("x-amz-sns-message-id").is_some()
        && text.starts_with('{')
        && ["\"notificationtype\"", "\"eventtype\""].iter().any(|key| text.contains(key))
}

/// Reads recipients from the field that names them or from the text: an address that begins a line, and the codes
/// below it.
pub(super) fn recipients(mail: &Mail<'_>) -> Vec<RecipientStatus> {
    let delayed = {
        let subject = mail.subject.to_lowercase();
        word::DELAYED.iter().any(|words| subject.contains(words) || mail.text.contains(words))
    };
    let lines: Vec<&str> = mail
        .text
        .lines()
        .take_while(|line| !word::RETURNED_BELOW.iter().any(|words| line.contains(words)))
        .collect();
    let mut found: Vec<RecipientStatus> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(recipient) = line_address(line) else {
            continue;
        };
        if found.iter().any(|known| known.recipient.as_ref() == Some(&recipient)) {
            continue;
        }
        let below = lines[at..].iter().take(LINES_PER_RECIPIENT);
        let below: Vec<&str> = below
            .enumerate()
            .take_while(|(next, line)| *next == 0 || line_address(line).is_none())
            .map(|(_, line)| *line)
            .collect();
        found.push(status_of(Some(recipient), &below, delayed));
        if found.len() == MAX_RECIPIENTS {
            break;
        }
    }
    if found.is_empty() && mail.header.field("x-failed-recipients").is_none() {
        let named = lines.iter().enumerate().find_map(|(at, line)| Some((at, bracketed_address(line)?)));
        found.extend(named.map(|(at, address)| {
            let below: Vec<&str> = lines[at..].iter().take(LINES_PER_RECIPIENT).copied().collect();
            status_of(Some(address), &below, delayed)
        }));
    }
    if found.is_empty() {
        let listed = mail.header.text("x-failed-recipients").unwrap_or_default();
        for address in listed.split(',').take(MAX_RECIPIENTS).filter_map(typed_address) {
            found.push(status_of(Some(address), &lines, delayed));
        }
    }
    found
}

fn status_of(recipient: Option<EmailAddress>, lines: &[&str], delayed: bool) -> RecipientStatus {
    let exact = lines.iter().find_map(|line| StatusCode::find(line));
    let rough = || lines.iter().find_map(|line| status::smtp_reply(line));
    let worded = || lines.iter().find_map(|line| worded_status(line));
    let mut status = exact.or_else(rough);
    if status.is_none_or(StatusCode::is_generic) {
        status = worded().or(status);
    }
    let diagnostic = lines
        .iter()
        .find(|line| StatusCode::find(line).is_some() || status::smtp_reply(line).is_some())
        .map(|line| clean::visible_line(line.trim(), 1000));
    let action = match status {
        Some(StatusCode { class: 2, .. }) => Action::Delivered,
        _ if delayed => Action::Delayed,
        _ => Action::Failed,
    };
    RecipientStatus { recipient, original: None, action, status, diagnostic }
}

/// Reads what servers say in words where they give no exact code.
fn worded_status(line: &str) -> Option<StatusCode> {
    let says = |words: &[&str]| words.iter().any(|phrase| line.contains(phrase));
    if says(word::UNKNOWN_MAILBOX) {
        return Some(StatusCode { class: 5, subject: 1, detail: 1 });
    }
    says(word::FULL_MAILBOX).then_some(StatusCode { class: 5, subject: 2, detail: 2 })
}

/// Returns the first address in angle brackets of a line.
fn bracketed_address(line: &str) -> Option<EmailAddress> {
    line.split('<').skip(1).take(4).find_map(|rest| typed_address(rest.split_once('>')?.0))
}

/// Returns the address that begins a line, alone or before a colon: `<ann@example.org>:`, `ann@example.org`.
fn line_address(line: &str) -> Option<EmailAddress> {
    let bare = line.trim().trim_start_matches(['*', '-', ' ']);
    let token = bare.split(|c: char| c.is_whitespace()).next()?;
    let address = token.trim_matches(['<', '>', ':', ',', ';', '"', '.', '(', ')']);
    let alone =
        bare.len() == token.len() || token.starts_with('<') || token.ends_with(':') || token.ends_with(',');
    if !alone || address.matches('@').count() != 1 || address.contains('=') {
        return None;
    }
    typed_address(address)
}
