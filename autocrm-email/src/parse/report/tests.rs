use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use super::*;

fn class(raw: &str) -> Classified {
    classify(raw.as_bytes(), &Bounds::default())
}

fn delivery(raw: &str) -> DeliveryReport {
    match class(raw) {
        Classified::Delivery(report) => report,
        other => panic!("{}: {raw}", other.code()),
    }
}

fn summary(report: &DeliveryReport) -> Vec<String> {
    let line = |found: &RecipientStatus| {
        format!(
            "{} {:?} {} {}",
            found.recipient.as_deref().unwrap_or("-"),
            found.action,
            found.status.map_or_else(|| "-".to_owned(), |code| code.to_string()),
            found.severity().code()
        )
    };
    report.recipients.iter().map(line).collect()
}

fn report(kind: &str, report_type: &str, body: &str, returned: &str) -> String {
    format!(
        "From: x@example.net\nContent-Type: multipart/report; report-type=\"{report_type}\"; boundary=b\n\n--b\n\n\
         For people.\n--b\nContent-Type: {kind}\n\n{body}\n--b\nContent-Type: {returned}\n\n\
         Message-ID: <t1.mac@desk.example>\nSubject: Order\n\nText\n--b--\n"
    )
}

#[test]
fn each_recipient_of_a_report_has_its_status() {
    let body = "Reporting-MTA: dns; mx.example.net\nArrival-Date: Tue, 3 Mar 2026 10:12:33 +0000\n\n\
        Original-Recipient: rfc822;Ann@example.org\nFinal-Recipient: rfc822; ann.lee@example.org\nAction: failed\n\
        Status: 5.1.1 (bad)\nDiagnostic-Code: smtp; 550 5.1.1 no\n such user\n\n\
        Final-Recipient: rfc822; bob@example.org\nAction: delayed\nStatus: 4.4.1\n\n\
        Final-Recipient: rfc822; cid@example.org\nAction: Failed (quota)\nStatus: 5.2.2\n\n\
        Final-Recipient: rfc822; dan@example.org\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 554 5.7.1 blocked\n\n\
        Final-Recipient: rfc822; eve@example.org\nAction: delivered\nStatus: 2.0.0\n\n\
        X-Nothing: here\n";
    let found = delivery(&report("message/delivery-status", "delivery-status", body, "message/rfc822"));
    assert_eq!(
        summary(&found),
        [
            "ann.lee@example.org Failed 5.1.1 hard",
            "bob@example.org Delayed 4.4.1 soft",
            "cid@example.org Failed 5.2.2 soft",
            "dan@example.org Failed 5.7.1 policy",
            "eve@example.org Delivered 2.0.0 none",
        ]
    );
    assert_eq!(found.recipients[0].original.as_deref(), Some("ann@example.org"));
    assert_eq!(found.recipients[0].diagnostic.as_deref(), Some("550 5.1.1 no such user"));
    assert_eq!(found.returned[0].as_str(), "t1.mac@desk.example");
    assert!(found.machine_readable && found.has_failed());
}

#[test]
fn reports_in_utf8_are_read() {
    let body = "Reporting-MTA: dns; mx.example.net\n\nFinal-Recipient: utf-8; j\\x{F6}rg@example.org\nAction: failed\nStatus: 5.1.1\n";
    let found = delivery(&report(
        "message/global-delivery-status",
        "delivery-status",
        body,
        "message/global-headers",
    ));
    assert_eq!(summary(&found), ["jörg@example.org Failed 5.1.1 hard"]);
    assert_eq!(found.returned.len(), 1);
}

#[test]
fn a_report_without_its_readable_part_is_read_from_the_text() {
    let raw = "From: x@example.net\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\n\
        <ann@example.org>: host mx.example.org said:\n  550 5.1.1 no such user\n--b--\n";
    let found = delivery(raw);
    assert_eq!(summary(&found), ["ann@example.org Failed 5.1.1 hard"]);
    assert!(!found.machine_readable && found.returned.is_empty());
}

#[test]
fn complaints_and_dispositions_are_no_answers() {
    let body = "Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\nOriginal-Rcpt-To: <ann@example.org>\n";
    let Classified::Complaint(found) =
        class(&report("message/feedback-report", "feedback-report", body, "text/rfc822-headers"))
    else {
        panic!()
    };
    assert_eq!((found.kind, found.recipient.as_deref()), (ComplaintKind::Abuse, Some("ann@example.org")));
    assert_eq!(found.returned[0].as_str(), "t1.mac@desk.example");
    assert!(found.kind.suppresses() && !ComplaintKind::NotSpam.suppresses());

    let body = "Final-Recipient: rfc822;ann@example.org\nOriginal-Message-ID: <t1.mac@desk.example>\n\
        Disposition: automatic-action/MDN-sent-automatically; displayed\n";
    let raw = report("message/disposition-notification", "disposition-notification", body, "text/plain");
    let Classified::Disposition(found) = class(&raw) else { panic!() };
    assert_eq!((found.done.as_str(), found.original.unwrap().as_str()), ("displayed", "t1.mac@desk.example"));

    let silent = "From: reports@example.net\nSubject: complaint about message from 192.0.2.1\n\
        Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nMessage-ID: <a@b.example>\n\nx\n--b--\n";
    assert!(matches!(class(silent), Classified::Complaint(found) if found.returned.len() == 1));
}

#[test]
fn servers_are_known_by_their_own_words() {
    for (raw, expected) in [
        (
            "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nSubject: failure notice\n\nHi. This is the program at mx.example.net.\n\n\
             <ann@example.org>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 no such user\nGiving up on 192.0.2.1.\n\n\
             --- Below this line is a copy of the message.\n\nMessage-ID: <t1@desk.example>\n\nbob@example.org\n",
            "ann@example.org Failed 5.1.1 hard",
        ),
        (
            "From: Mail Delivery System <Mailer-Daemon@mx.example.net>\nX-Failed-Recipients: ann@example.org\n\
             Subject: Mail delivery failed: returning message to sender\n\nA message could not be delivered:\n\n  ann@example.org\n    \
             retry timeout exceeded: 421 4.4.2 lost\n\n------ This is a copy of the message, including all the headers. ------\n\nMessage-ID: <t1@desk.example>\n",
            "ann@example.org Failed 4.4.2 soft",
        ),
        (
            "From: MAILER-DAEMON <>\nSubject: Mail delivery failed\n\nThere was an error delivering your mail to <ann@example.org>.\n\n\
             552 5.2.3 message too long\n\nMessage headers follow.\n\nMessage-Id: <t1@desk.example>\n",
            "ann@example.org Failed 5.2.3 policy",
        ),
        (
            "Return-Path: <>\nFrom: no-reply@example.net\nSubject: Mail\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n\
             Could not be delivered to: <ann@example.org>\nAs their mailbox is full.\n--b\nContent-Type: message/rfc822\n\nMessage-ID: <t1@desk.example>\n\nx\n--b--\n",
            "ann@example.org Failed 5.2.2 soft",
        ),
        (
            "Return-Path: <>\nFrom: postmaster@example.net\nSubject: Unzustellbar: Bestellung\n\nKonnte nicht zugestellt werden an\n\nann@example.org\n\n\
             Message-ID: <t1@desk.example>\n",
            "ann@example.org Failed - soft",
        ),
        (
            "Return-Path: <>\nFrom: postmaster@example.net\nSubject: Delivery Status Notification (Delay)\n\nStill being retried:\n\n\
             ann@example.org\n\nMessage-ID: <t1@desk.example>\n",
            "ann@example.org Delayed - soft",
        ),
    ] {
        let found = delivery(raw);
        assert_eq!(summary(&found), [expected], "{raw}");
        assert_eq!(found.returned[0].as_str(), "t1@desk.example", "{raw}");
    }
}

#[test]
fn people_who_speak_of_bounces_are_people() {
    let bounce = "I'm sorry to have to inform you that your message could not be delivered.\n\n<ann@example.org>: 550 5.1.1 user unknown\n\n\
        --- Below this line is a copy of the message.\n\nMessage-ID: <t1@desk.example>\n";
    for head in [
        "From: Ann <ann@example.org>\nSubject: Fwd: Undelivered Mail Returned to Sender",
        "From: Ann <ann@example.org>\nSubject: Undelivered Mail Returned to Sender",
        "Return-Path: <ann@example.org>\nFrom: Ann <ann@example.org>\nSubject: failure notice",
        "Return-Path: <postmaster@example.org>\nFrom: postmaster@example.org\nSubject: Undeliverable mail from your desk",
        "From: Postmaster <postmaster@example.org>\nUser-Agent: Mozilla Thunderbird\nSubject: Undeliverable mail",
        "From: ann@example.org\nSubject: Out of office on Monday, mail could not be delivered",
        "From: \"Mail Delivery System\" <ann@example.org>\nReturn-Path: <ann@example.org>\nSubject: Returned mail",
    ] {
        assert_eq!(class(&format!("{head}\n\n{bounce}")), Classified::Human, "{head}");
    }
    let attached = "From: ann@example.org\nSubject: what is this?\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nSee the attachment.\n\
        --b\nContent-Type: message/rfc822\n\nFrom: MAILER-DAEMON@example.net\nContent-Type: multipart/report; report-type=delivery-status; boundary=c\n\n\
        --c\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@example.org\nAction: failed\nStatus: 5.1.1\n--c--\n--b--\n";
    assert_eq!(class(attached), Classified::Human);
    let told = "From: ann@example.org\nSubject: bounce\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nWhy?\n--b\n\
        Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@example.org\nAction: failed\nStatus: 5.1.1\n--b--\n";
    assert_eq!(class(told), Classified::Human);
}

#[test]
fn automatic_answers_are_told_from_bounces_and_people() {
    for head in [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated (really)",
        "Return-Path: <>",
        "X-Auto-Response-Suppress: All",
        "X-Autoreply: yes",
        "X-Precedence: auto_reply",
        "X-FC-MachineGenerated: true",
        "Delivered-To: Autoresponder",
        "Subject: Automatic reply: Mail delivery failed",
        "Subject: =?utf-8?q?R=C3=A9ponse_automatique_=3A_Commande?=",
        "Subject: Out of Office: back on Monday",
    ] {
        assert_eq!(
            class(&format!("From: ann@example.org\n{head}\n\nI am away.\n")),
            Classified::AutoReply,
            "{head}"
        );
    }
    for head in
        ["Auto-Submitted: no", "Subject: Re: Automatic reply: Order", "Subject: Automatic reply is broken"]
    {
        assert_eq!(class(&format!("From: ann@example.org\n{head}\n\nHello.\n")), Classified::Human, "{head}");
    }
}

#[test]
fn lists_and_invitations_are_named() {
    for head in ["List-Id: <users.example.org>", "Precedence: list", "X-Precedence: bulk"] {
        assert_eq!(class(&format!("From: ann@example.org\n{head}\n\nHello.\n")), Classified::List, "{head}");
    }
    let invitation = "From: ann@example.org\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\nMeeting\n--b\n\
        Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n--b--\n";
    assert_eq!(class(invitation), Classified::Calendar);
    assert_eq!(class(&invitation.replace("; method=REQUEST", "")), Classified::Human);
}

#[test]
fn codes_are_stable() {
    let codes = [Classified::AutoReply, Classified::Calendar, Classified::List, Classified::Human]
        .map(|class| class.code());
    assert_eq!(codes, ["auto_reply", "calendar", "list", "human"]);
    assert_eq!(Severity::Policy.code(), "policy");
}

#[test]
fn large_reports_cost_little() {
    let mut groups = String::new();
    for number in 0..20_000 {
        write!(groups, "Final-Recipient: rfc822; a{number}@example.org\nAction: failed\nStatus: 5.1.1\n\n")
            .unwrap();
    }
    let started = Instant::now();
    let raw = report("message/delivery-status", "delivery-status", &groups, "message/rfc822");
    assert_eq!(delivery(&raw).recipients.len(), 1000);
    for unit in ["\n", "a: b\n\n", "550 5.1.1 ", "<a@b>:\n", "message-id: <a@b>\n", "5.5.5.5", "\\x{41"] {
        let head = "Return-Path: <>\nFrom: mailer-daemon@x\nSubject: failure notice\nX-Failed-Recipients: a@b.example\n\n";
        class(&format!("{head}{}", unit.repeat(1_000_000 / unit.len())));
        class(&report(
            "message/delivery-status",
            "delivery-status",
            &unit.repeat(1_000_000 / unit.len()),
            "message/rfc822",
        ));
    }
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}
