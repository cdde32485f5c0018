//! What is known of a mail outside of it: where it lay, and what the server that delivered it wrote on top.

use autocrm_core::{
    mail::{BlobHash, Envelope},
    text::{EmailAddress, ExternalId},
};

use super::ImapConfig;
use crate::parse::{Bounds, header::Header};

/// Returns the envelope of a mail of the folder.
pub(super) fn of(config: &ImapConfig, validity: u32, uid: u32, raw: &[u8]) -> Envelope {
    let header = Header::scan(raw, Bounds::default().header);
    let recipient = delivered_to(config, &header).unwrap_or_else(|| config.recipient.clone());
    let sender = header
        .text("return-path")
        .and_then(|path| EmailAddress::new(path.trim().trim_start_matches('<').trim_end_matches('>')).ok());
    // The names of host, user and folder may be of any length and hold any character.
    let place = format!("{}\n{}\n{}", config.host, config.user, config.folder);
    let place = BlobHash::of(place.as_bytes()).to_string();
    let short = place.get(..16).unwrap_or(&place);
    let provider_id = ExternalId::new(format!("imap/{short}/{validity}/{uid}")).ok();
    Envelope { sender, provider_id, ..Envelope::to(recipient) }
}

/// The topmost field of the name is the one that the delivering server wrote; it counts for the folder's own address only.
fn delivered_to(config: &ImapConfig, header: &Header<'_>) -> Option<EmailAddress> {
    let written = header.text(config.delivered_to.as_deref()?)?;
    let address = EmailAddress::new(written.trim().trim_start_matches('<').trim_end_matches('>')).ok()?;
    let (local, domain) = address.rsplit_once('@')?;
    let bare = local.split_once('+').map_or(local, |(bare, _)| bare);
    (format!("{bare}@{domain}") == config.recipient.as_str()).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imap::{Login, Security};

    fn config(delivered_to: Option<&str>) -> ImapConfig {
        ImapConfig {
            host: "imap.example.org".to_owned(),
            port: 993,
            security: Security::Tls,
            user: "support".to_owned(),
            login: Login::Password("secret".to_owned()),
            folder: "INBOX".to_owned(),
            recipient: EmailAddress::new("support@example.org").unwrap(),
            delivered_to: delivered_to.map(ToOwned::to_owned),
        }
    }

    #[test]
    fn the_topmost_delivery_counts_for_the_folders_own_address() {
        let raw = b"Return-Path: <ann@example.com>\r\nDelivered-To: support+1.k@example.org\r\nDelivered-To: boss@example.org\r\n\r\n";
        let envelope = of(&config(Some("Delivered-To")), 7, 42, raw);
        assert_eq!(envelope.recipient.as_str(), "support+1.k@example.org");
        assert_eq!(envelope.sender.unwrap().as_str(), "ann@example.com");
        assert!(envelope.provider_id.unwrap().as_str().ends_with("/7/42"));
        assert_eq!(of(&config(None), 7, 42, raw).recipient.as_str(), "support@example.org");
        let other = b"Delivered-To: boss@example.org\r\nDelivered-To: support+1.k@example.org\r\n\r\n";
        assert_eq!(of(&config(Some("delivered-to")), 7, 42, other).recipient.as_str(), "support@example.org");
        assert!(!format!("{:?}", config(None)).contains("secret"));
    }

    #[test]
    fn a_mail_has_one_name_per_folder_and_validity() {
        let name = |config: &ImapConfig, validity, uid| of(config, validity, uid, b"").provider_id.unwrap();
        let inbox = config(None);
        let other = ImapConfig { folder: "Other".to_owned(), ..config(None) };
        assert_eq!(name(&inbox, 1, 1), name(&inbox, 1, 1));
        for different in [name(&inbox, 2, 1), name(&inbox, 1, 2), name(&other, 1, 1)] {
            assert_ne!(name(&inbox, 1, 1), different);
        }
    }
}
