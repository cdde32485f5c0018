//! A mail that leaves.

use autocrm_core::{
    clock::{Clock as _, Stamp, SystemClock},
    id::{OutboundId, RandomIds},
    mail::{MessageIdHeader, OutboundMail, OutboundSpec, UnsubscribeLink, compose},
    text::{Body, EmailAddress, Name, Subject},
};

/// Returns a mail with everything that a mail can have.
pub(crate) fn outbound() -> OutboundMail {
    let stamp = Stamp::new(SystemClock.now(), &RandomIds);
    let id: OutboundId = stamp.id();
    let address = |text: &str| EmailAddress::new(text).unwrap();
    let header = |text: &str| MessageIdHeader::new(text).unwrap();
    let spec = OutboundSpec {
        id,
        tenant: stamp.id(),
        ticket: stamp.id(),
        message: stamp.id(),
        message_id: header(&format!("{id}@acme.example")),
        from: address("help@acme.example"),
        from_name: Name::new("Acme, \"Inc\": Größe").unwrap(),
        to: address("cleo@example.org"),
        cc: vec![address("copy@example.org")],
        bcc: vec![address("blind@example.org")],
        reply_to: Some(address("help+1.token@acme.example")),
        subject: Subject::new("Re: Größe").unwrap(),
        text: Body::new("Hello\n.\nFrom here\n").unwrap(),
        html: Some(Body::new("<p>Hello</p>\n.\n<p>From here</p>\n").unwrap()),
        in_reply_to: Some(header("first@example.org")),
        references: vec![header("zeroth@example.org"), header("first@example.org")],
        automatic: true,
        trigger: None,
        undo: std::time::Duration::ZERO,
        unsubscribe: Some(UnsubscribeLink::new("https://acme.example/u/1").unwrap()),
    };
    compose(spec, &stamp).state
}
