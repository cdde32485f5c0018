//! Mails out of an IMAP folder, while the server runs.

use std::{convert::Infallible, future::pending, time::Duration};

use autocrm_core::text::EmailAddress;
use autocrm_email::imap::{ImapConfig, ImapPoller, Login, Security};
use clap::Args;

use crate::desk::{Desk, Failure, Result, SUPPORT};

/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

#[derive(Debug, Clone, Default, Args)]
#[expect(clippy::struct_field_names, reason = "a field bears the name of its option, among those of others")]
pub(super) struct ImapArguments {
    /// Take in the mails of a folder on this IMAP server.
    #[arg(long, value_name = "HOST", env = "AUTOCRM_IMAP_HOST", requires = "imap_user")]
    imap_host: Option<String>,
    /// The port of the IMAP server; TLS is spoken from the first byte.
    #[arg(long, value_name = "PORT", env = "AUTOCRM_IMAP_PORT", default_value_t = 993)]
    imap_port: u16,
    /// The user on the IMAP server.
    #[arg(long, value_name = "NAME", env = "AUTOCRM_IMAP_USER")]
    imap_user: Option<String>,
    /// The user's password.
    #[arg(long, value_name = "SECRET", env = "AUTOCRM_IMAP_PASSWORD", hide_env_values = true)]
    imap_password: Option<String>,
    /// The folder.
    #[arg(long, value_name = "NAME", env = "AUTOCRM_IMAP_FOLDER", default_value = "INBOX")]
    imap_folder: String,
    /// The field in which the server writes the address that a mail was delivered to, such as `Delivered-To`.
    #[arg(long, value_name = "FIELD", env = "AUTOCRM_IMAP_DELIVERED_TO")]
    imap_delivered_to: Option<String>,
    /// How many seconds pass between two looks.
    #[arg(long, value_name = "SECONDS", env = "AUTOCRM_IMAP_INTERVAL", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3_600))]
    imap_interval: u64,
    /// Do not encrypt the connection: for a server on the same machine.
    #[arg(long, env = "AUTOCRM_IMAP_PLAIN")]
    imap_plain: bool,
}

impl ImapArguments {
    /// Returns the folder to follow, if one is named.
    pub(super) fn config(&self) -> Result<Option<ImapConfig>> {
        let (Some(host), Some(user)) = (&self.imap_host, &self.imap_user) else { return Ok(None) };
        let password = self.imap_password.clone().ok_or_else(|| {
            Failure::Usage("the IMAP user has no password: set AUTOCRM_IMAP_PASSWORD".to_owned())
        })?;
        Ok(Some(ImapConfig {
            host: host.clone(),
            port: self.imap_port,
            security: if self.imap_plain { Security::Plain } else { Security::Tls },
            user: user.clone(),
            login: Login::Password(password),
            folder: self.imap_folder.clone(),
            recipient: EmailAddress::new(SUPPORT)?,
            delivered_to: self.imap_delivered_to.clone(),
        }))
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(self.imap_interval)
    }

    /// Looks into the folder again and again; never returns. After failures the pause grows to ten minutes.
    pub(super) async fn follow(&self, desk: &Desk, config: Option<ImapConfig>) -> Infallible {
        let Some(config) = config else { return pending().await };
        let fetcher = ImapPoller::new(config, desk.crm.mailbox());
        let mut pause = self.interval();
        loop {
            match fetcher.poll().await {
                Ok(polled) => {
                    if polled.taken + polled.refused > 0 {
                        tracing::info!(taken = polled.taken, refused = polled.refused, "mails were fetched");
                    }
                    pause = if polled.more { Duration::ZERO } else { self.interval() };
                }
                Err(error) => {
                    tracing::warn!(%error, "no mail could be fetched");
                    let longest = LONGEST_PAUSE.max(self.interval());
                    pause = (pause * 2).clamp(self.interval(), longest);
                }
            }
            tokio::time::sleep(pause).await;
        }
    }
}
