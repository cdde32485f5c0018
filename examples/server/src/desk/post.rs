//! Which way mails leave.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use autocrm_core::app::AutoCrmBuilder;
use autocrm_email::{
    ApiKey, FileOutbox, ResendConfig, ResendMailer, SmtpConfig, SmtpMailer, webhook::WebhookKey,
};

use crate::desk::{DataFolder, Failure, Result};

/// How the command line and the environment say where mails leave.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PostArguments {
    /// Send mails over SMTP: `smtps://USER:PASSWORD@HOST`, or `smtp://…` with STARTTLS; `?tls=none` does without TLS.
    /// Without this and `--resend-key-file`, mails are written into the outbox folder.
    #[arg(long, global = true, value_name = "URL", env = "AUTOCRM_SMTP_URL", hide_env_values = true)]
    smtp_url: Option<String>,
    /// Trust the authority of this certificate (PEM) for SMTP, besides those of the operating system.
    #[arg(long, global = true, value_name = "FILE", env = "AUTOCRM_SMTP_CERTIFICATE", requires = "smtp_url")]
    smtp_certificate: Option<PathBuf>,
    /// Send mails through Resend, with the key in this file.
    #[arg(long, global = true, value_name = "FILE", env = "AUTOCRM_RESEND_KEY_FILE")]
    #[arg(conflicts_with = "smtp_url")]
    resend_key_file: Option<PathBuf>,
    /// Send mails through Resend, with this key: by the environment only.
    #[arg(long, global = true, hide = true, env = "RESEND_API_KEY", hide_env_values = true)]
    #[arg(conflicts_with_all = ["smtp_url", "resend_key_file"])]
    resend_key: Option<String>,
    /// Where Resend's interface is.
    #[arg(long, global = true, value_name = "URL", env = "AUTOCRM_RESEND_URL", hide = true)]
    resend_url: Option<String>,
    /// Believe webhooks of Resend that are signed with a key of this file, one `whsec_…` a line; several while the key is
    /// changed. They are told to `/webhooks/resend`.
    #[arg(long, global = true, value_name = "FILE", env = "AUTOCRM_RESEND_WEBHOOK_KEYS")]
    resend_webhook_keys: Option<PathBuf>,
    /// How many requests per second Resend is asked at most.
    #[arg(long, global = true, value_name = "N", env = "AUTOCRM_RESEND_RATE")]
    #[arg(default_value_t = ResendConfig::PER_SECOND, value_parser = clap::value_parser!(u16).range(1..))]
    resend_rate: u16,
}

/// Which way mails leave.
#[derive(Debug, Clone)]
pub(crate) enum Post {
    /// As files into the outbox folder.
    Outbox,
    /// Over SMTP.
    Smtp(SmtpConfig),
    /// Through Resend.
    Resend(ResendMailer),
}

/// Returns the keys by which webhooks of Resend are believed.
pub(crate) fn webhook_keys(arguments: &PostArguments) -> Result<Vec<WebhookKey>> {
    let Some(path) = &arguments.resend_webhook_keys else { return Ok(Vec::new()) };
    let text = fs::read_to_string(path).map_err(Failure::file(path))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let keys: Option<Vec<WebhookKey>> = lines.map(WebhookKey::new).collect();
    keys.filter(|keys| !keys.is_empty()).ok_or_else(|| Failure::Damaged {
        path: path.clone(),
        problem: "expected one key of a webhook, whsec_…, a line".to_owned(),
    })
}

impl Post {
    /// Reads the arguments. Two ways at once are refused.
    pub(crate) fn of(arguments: &PostArguments) -> Result<Self> {
        if let Some(url) = &arguments.smtp_url {
            let mut config = SmtpConfig::from_url(url).map_err(|error| wrong("--smtp-url", error))?;
            if let Some(path) = &arguments.smtp_certificate {
                let pem = fs::read(path).map_err(Failure::file(path))?;
                config = config.root_certificate(&pem).map_err(|error| wrong("--smtp-certificate", error))?;
            }
            return Ok(Self::Smtp(config));
        }
        let key = match (&arguments.resend_key_file, &arguments.resend_key) {
            (Some(path), _) => fs::read_to_string(path).map_err(Failure::file(path))?,
            (None, Some(key)) => key.clone(),
            (None, None) => return Ok(Self::Outbox),
        };
        let key = ApiKey::new(key).map_err(|error| wrong("--resend-key-file", error))?;
        let mut config = ResendConfig::new(key).per_second(arguments.resend_rate);
        if let Some(url) = &arguments.resend_url {
            config = config.base_url(url).map_err(|error| wrong("--resend-url", error))?;
        }
        Ok(Self::Resend(ResendMailer::new(config)?))
    }

    /// Gives a desk its mailer; the folder is made where it is needed.
    pub(crate) fn equip(&self, builder: AutoCrmBuilder, folder: &DataFolder) -> Result<AutoCrmBuilder> {
        Ok(match self {
            Self::Outbox => builder.mailer(FileOutbox::open(folder.outbox())?),
            Self::Smtp(config) => builder.mailer(SmtpMailer::new(config.clone())?),
            Self::Resend(mailer) => builder.mailer(mailer.clone()),
        })
    }

    /// Says where mails leave.
    pub(crate) fn describe(&self, outbox: &Path) -> String {
        match self {
            Self::Outbox => outbox.display().to_string(),
            Self::Smtp(config) => format!("over SMTP to {}", config.server()),
            Self::Resend(_) => "through Resend".to_owned(),
        }
    }
}

fn wrong(option: &str, error: impl fmt::Display) -> Failure {
    Failure::Usage(format!("{option}: {error}"))
}
