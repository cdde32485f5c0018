//! Everything that a database has to do.

use crate::port::{
    Committer, ConversationReader, CorrespondentReader, EventReader, JobQueue, KnowledgeReader, MailReader,
    MetricsReader, NotificationReader, TeamReader, TenantReader, TicketIndex, TicketReader, UserReader,
};

/// Everything that a database has to do. Whatever implements the parts is a store.
pub trait Store:
    Committer
    + ConversationReader
    + CorrespondentReader
    + EventReader
    + JobQueue
    + KnowledgeReader
    + MailReader
    + MetricsReader
    + NotificationReader
    + TeamReader
    + TenantReader
    + TicketIndex
    + TicketReader
    + UserReader
{
}

impl<T> Store for T where
    T: Committer
        + ConversationReader
        + CorrespondentReader
        + EventReader
        + JobQueue
        + KnowledgeReader
        + MailReader
        + MetricsReader
        + NotificationReader
        + TeamReader
        + TenantReader
        + TicketIndex
        + TicketReader
        + UserReader
        + ?Sized
{
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::{
        BlobStore, Classifier, LanguageDetector, LanguageModel, MailParser, Mailer, SenderVerifier, TextIndex,
    };

    /// Compiles only while every port is object-safe.
    #[expect(dead_code, clippy::too_many_arguments, reason = "the signature is the test")]
    fn every_port_is_object_safe(
        _: &dyn Store,
        _: &dyn BlobStore,
        _: &dyn Classifier,
        _: &dyn LanguageDetector,
        _: &dyn LanguageModel,
        _: &dyn MailParser,
        _: &dyn Mailer,
        _: &dyn SenderVerifier,
        _: &dyn TextIndex,
    ) {
    }
}
