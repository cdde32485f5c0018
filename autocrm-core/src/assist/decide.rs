//! Whether an answer may leave by itself.

use crate::assist::{Disposition, ReasonCode};

/// The conditions under which an answer may leave by itself; all of them have to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each field is one named condition of the rule")]
pub struct SendConditions {
    /// `aiResponses` is on.
    pub flag_on: bool,
    /// The model wrote an answer.
    pub answered: bool,
    /// The category allows it.
    pub category_allowed: bool,
    /// The confidence reaches the threshold.
    pub confident: bool,
    /// Every sentence rests on a passage.
    pub cited: bool,
    /// The sender is known to be who they say.
    pub sender_verified: bool,
    /// No agent has written to the customer yet, and nobody is in charge who would be talked over.
    pub nobody_involved: bool,
    /// A person wrote the message that is answered.
    pub written_by_person: bool,
}

/// Decides what becomes of an answer, and says why it is not sent by itself.
pub fn dispose(conditions: SendConditions) -> (Disposition, Vec<ReasonCode>) {
    let reasons: Vec<ReasonCode> = [
        (conditions.flag_on, ReasonCode::FlagOff),
        (conditions.answered, ReasonCode::Abstained),
        (conditions.category_allowed, ReasonCode::CategoryNotAllowed),
        (conditions.confident, ReasonCode::LowConfidence),
        (conditions.cited, ReasonCode::Uncited),
        (conditions.sender_verified, ReasonCode::SenderUnverified),
        (conditions.nobody_involved, ReasonCode::PersonInvolved),
        (conditions.written_by_person, ReasonCode::AutomaticMail),
    ]
    .into_iter()
    .filter(|(holds, _)| !holds)
    .map(|(_, reason)| reason)
    .collect();
    let disposition = if !conditions.flag_on || !conditions.answered {
        Disposition::HandOff
    } else if reasons.is_empty() {
        Disposition::Send
    } else {
        Disposition::Suggest
    };
    (disposition, reasons)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: SendConditions = SendConditions {
        flag_on: true,
        answered: true,
        category_allowed: true,
        confident: true,
        cited: true,
        sender_verified: true,
        nobody_involved: true,
        written_by_person: true,
    };

    #[test]
    fn every_condition_alone_keeps_an_answer_from_leaving() {
        assert_eq!(dispose(ALL), (Disposition::Send, Vec::new()));
        let broken = [
            SendConditions { flag_on: false, ..ALL },
            SendConditions { answered: false, ..ALL },
            SendConditions { category_allowed: false, ..ALL },
            SendConditions { confident: false, ..ALL },
            SendConditions { cited: false, ..ALL },
            SendConditions { sender_verified: false, ..ALL },
            SendConditions { nobody_involved: false, ..ALL },
            SendConditions { written_by_person: false, ..ALL },
        ];
        for conditions in broken {
            let (disposition, reasons) = dispose(conditions);
            assert_ne!(disposition, Disposition::Send);
            assert_eq!(reasons.len(), 1);
        }
    }
}
