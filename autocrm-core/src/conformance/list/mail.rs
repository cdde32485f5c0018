//! The lists of scenarios of what reads and verifies received mails.

use crate::{
    conformance::{Backend, Scenario},
    port::{MailParser, SenderVerifier},
};

/// Hands the scenarios of mail parsers to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __mail_parser_scenarios {
    ($use:path, $($arguments:tt)*) => {
        $use! {
            $($arguments)*
            parser {
                p1_any_bytes_are_answered,
                p2_only_an_unmistakable_sender_is_named,
                p3_texts_are_clean,
            }
        }
    };
}

/// Hands the scenarios of verifiers of senders to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __sender_verifier_scenarios {
    ($use:path, $($arguments:tt)*) => {
        $use! {
            $($arguments)*
            verifier {
                a1_only_the_authors_domain_is_proved,
                a2_what_was_changed_proves_nothing,
                a3_any_bytes_are_answered,
                a4_what_cannot_be_found_out_does_not_pass,
                a5_the_verdict_names_the_authors_domain,
                a6_a_mail_does_not_vouch_for_itself,
            }
        }
    };
}

/// Returns every scenario of a mail parser.
pub fn mail_parser_scenarios() -> Vec<Scenario<dyn MailParser>> {
    __mail_parser_scenarios! { table, dyn MailParser, }
}

/// Returns every scenario of a verifier of senders.
pub fn sender_verifier_scenarios() -> Vec<Scenario<dyn SenderVerifier>> {
    __sender_verifier_scenarios! { table, dyn SenderVerifier, }
}
