//! Which ticket a mail belongs to, from the strictest proof to the weakest.

use crate::{
    access::Scope,
    app::{AutoCrm, Result},
    id::{OutboundId, UserId},
    mail::{InboundMail, MailKeys, MailRef, MailRefDirection, MessageIdHeader, ParsedMail},
    ticket::{Ticket, TicketNumber},
};

/// The largest number of Message-IDs that are looked up for one mail.
const MAX_LOOKED_UP: usize = 100;

/// What located a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LocatedBy {
    /// The keyed reply address that the mail was sent to.
    ReplyAddress,
    /// A keyed Message-ID of a mail that left.
    OwnMessageId,
    /// The Message-ID of a mail that came in.
    KnownMessageId,
    /// The number in the subject.
    Subject,
}

/// A ticket, and what located it.
#[derive(Debug)]
pub(super) struct Located {
    pub(super) ticket: Ticket,
    pub(super) by: LocatedBy,
}

impl Located {
    /// Returns whether a token that only this desk makes located the ticket.
    pub(super) const fn is_keyed(&self) -> bool {
        matches!(self.by, LocatedBy::ReplyAddress | LocatedBy::OwnMessageId)
    }
}

/// What is known of the threads that a mail names.
#[derive(Debug)]
pub(super) struct Threads {
    /// The ticket of the keyed reply address.
    addressed: Option<Ticket>,
    /// What is known of the mail's own Message-ID.
    own: Vec<MailRef>,
    /// What is known of the Message-IDs that it answers or names, the nearest first, without those whose token is wrong.
    named: Vec<MailRef>,
    /// The number in the subject.
    number: Option<TicketNumber>,
}

impl Threads {
    pub(super) async fn load(
        crm: &AutoCrm,
        scope: &Scope,
        mail: &InboundMail,
        parsed: &ParsedMail,
    ) -> Result<Self> {
        let mut threads = Self { addressed: None, own: Vec::new(), named: Vec::new(), number: None };
        let Some(keys) = crm.mail_keys() else { return Ok(threads) };
        threads.number = number_in(&parsed.subject);
        if let Some((_, number, token)) = MailKeys::split_reply_address(&mail.recipient) {
            let found = crm.store().ticket_by_number(scope, number).await?;
            threads.addressed =
                found.filter(|ticket| keys.owns_reply_token(scope.tenant(), ticket.id, &token));
        }
        let mut asked: Vec<MessageIdHeader> = parsed.message_id.iter().cloned().collect();
        let about = parsed.report.iter().flat_map(|report| &report.about);
        let answered = parsed.in_reply_to.iter().chain(parsed.references.iter().rev());
        for id in about.chain(answered) {
            if asked.len() < MAX_LOOKED_UP && !asked.contains(id) {
                asked.push(id.clone());
            }
        }
        if asked.is_empty() {
            return Ok(threads);
        }
        let known = crm.store().mail_refs(scope, &asked).await?;
        let is_genuine = |reference: &MailRef| match reference.direction {
            MailRefDirection::Outbound { outbound } => {
                keys.owns_message_id(scope.tenant(), outbound, &reference.message_id)
            }
            MailRefDirection::Inbound => true,
        };
        let mut genuine: Vec<MailRef> = known.into_iter().filter(is_genuine).collect();
        genuine.sort_by_key(|reference| asked.iter().position(|id| *id == reference.message_id));
        for reference in genuine {
            let own = Some(&reference.message_id) == parsed.message_id.as_ref();
            if own { threads.own.push(reference) } else { threads.named.push(reference) }
        }
        Ok(threads)
    }

    /// Returns whether another mail came in under the same Message-ID. The same bytes are taken in once, so that it
    /// has other contents.
    pub(super) fn repeats_an_id(&self) -> bool {
        self.own.iter().any(|reference| reference.direction == MailRefDirection::Inbound)
    }

    /// Returns whether this desk made the mail.
    pub(super) fn is_own(&self) -> bool {
        self.own.iter().any(is_outbound)
    }

    /// Returns the mail of this desk that a report is about: only a report that names an id which this desk made is
    /// acted upon.
    pub(super) fn reported(&self, parsed: &ParsedMail) -> Option<OutboundId> {
        let about = &parsed.report.as_ref()?.about;
        self.named.iter().find_map(|reference| match reference.direction {
            MailRefDirection::Outbound { outbound } if about.contains(&reference.message_id) => {
                Some(outbound)
            }
            _ => None,
        })
    }

    /// Returns the ticket that the mail belongs to. The number in a subject is anybody's guess: it locates a ticket
    /// only for those who take part in it.
    pub(super) async fn locate(
        self,
        crm: &AutoCrm,
        scope: &Scope,
        sender: UserId,
    ) -> Result<Option<Located>> {
        if let Some(ticket) = self.addressed {
            return Ok(Some(Located { ticket, by: LocatedBy::ReplyAddress }));
        }
        // Several mails may bear one id: the sender's own thread goes before another's.
        let known = || self.named.iter().filter(|reference| !is_outbound(reference));
        let found = (self.named.iter().chain(&self.own).find(|reference| is_outbound(reference)))
            .map(|reference| (reference, LocatedBy::OwnMessageId))
            .or_else(|| {
                let nearest = known().find(|reference| reference.user == sender).or_else(|| known().next());
                nearest.map(|reference| (reference, LocatedBy::KnownMessageId))
            });
        if let Some((reference, by)) = found
            && let Some(ticket) = crm.store().ticket(scope, reference.ticket).await?
        {
            return Ok(Some(Located { ticket, by }));
        }
        let Some(number) = self.number else { return Ok(None) };
        let numbered = crm.store().ticket_by_number(scope, number).await?;
        let own = numbered.filter(|ticket| ticket.involves(sender));
        Ok(own.map(|ticket| Located { ticket, by: LocatedBy::Subject }))
    }
}

fn is_outbound(reference: &MailRef) -> bool {
    matches!(reference.direction, MailRefDirection::Outbound { .. })
}

/// Returns the last number that a subject names as `[#1042]`.
fn number_in(subject: &str) -> Option<TicketNumber> {
    let rest = subject.rsplit_once("[#")?.1;
    let digits = rest.split_once(']')?.0;
    let plain = digits.len() <= 18 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse().ok().filter(|_| plain)?;
    Some(TicketNumber::new(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_names_its_last_number() {
        for (subject, expected) in [
            ("Re: Refund [#12]", Some(12)),
            ("[#1] Re: [#12] Refund", Some(12)),
            ("Re: Refund #12", None),
            ("Re: Refund [#]", None),
            ("Re: Refund [#+12]", None),
            ("Re: Refund [#12", None),
            ("Re: Refund [#99999999999999999999999]", None),
            ("", None),
        ] {
            assert_eq!(number_in(subject).map(TicketNumber::get), expected, "{subject}");
        }
    }
}
