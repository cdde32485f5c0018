//! `mail preview`: every template, filled with sample data.

use std::{fs, path::Path};

use autocrm_core::{
    id::TenantId,
    mail::{Notice, NoticeData},
    port::{NoticeRequest, Templates as _},
    tenant::TriggerEvent,
    text::{Key, Language},
};

use crate::desk::{Failure, Result, templates};

/// Which templates are shown, and where the pages go.
#[derive(Debug, clap::Args)]
pub(super) struct PreviewArguments {
    /// Show only the template of this name.
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// Show only the templates in this language.
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
    /// Write each mail into this folder, as `NAME.LANGUAGE.html` and `.txt`, to look at it in a browser.
    #[arg(long, value_name = "DIR")]
    out: Option<std::path::PathBuf>,
}

/// Fills the templates and prints subject and plain twin of each.
pub(super) fn preview(overrides: Option<&Path>, arguments: &PreviewArguments) -> Result<()> {
    let library = templates(overrides)?;
    let wanted = |given: &Option<String>, name: &str| given.as_deref().is_none_or(|given| given == name);
    let names: Vec<(String, String)> = library
        .names()
        .filter(|(name, language)| wanted(&arguments.template, name) && wanted(&arguments.language, language))
        .map(|(name, language)| (name.to_owned(), language.to_owned()))
        .collect();
    if names.is_empty() {
        return Err(Failure::Usage("there is no such template".to_owned()));
    }
    if let Some(folder) = &arguments.out {
        fs::create_dir_all(folder).map_err(Failure::file(folder))?;
    }
    for (name, language) in &names {
        // A template of the host's own is shown with the sample of the event that it is named like, or of any.
        let event = TriggerEvent::ALL.into_iter().find(|event| event.as_str() == name);
        let data = NoticeData::sample(event.unwrap_or(TriggerEvent::Updated));
        let (template, code) = (Key::new(name)?, Language::new(language)?);
        let tenant = TenantId::from_uuid(uuid::Uuid::nil());
        let request = NoticeRequest { tenant, template: &template, language: Some(&code), data: &data };
        let notice = library.render(&request)?;
        println!("== {name}, {language}\nSubject: {}\n\n{}", notice.subject, notice.text);
        if let Some(folder) = &arguments.out {
            write(folder, name, language, &notice)?;
        }
    }
    println!("{} templates", names.len());
    Ok(())
}

fn write(folder: &Path, name: &str, language: &str, notice: &Notice) -> Result<()> {
    for (ending, text) in [("html", &notice.html), ("txt", &notice.text)] {
        let path = folder.join(format!("{name}.{language}.{ending}"));
        fs::write(&path, text.as_str()).map_err(Failure::file(&path))?;
    }
    Ok(())
}
