//! The templates of mails: those that come along, and those of a folder in their place.

use std::{fs, path::Path};

use autocrm_core::{
    id::TenantId,
    text::{Key, Language},
};
use autocrm_email::{MjmlTemplates, TemplateSource};

use crate::desk::{Failure, Result};

/// Reads templates from a folder: `NAME/LANGUAGE/{subject.txt,body.mjml,body.txt}` for all tenants, and the same below
/// `tenants/ID` for one. Each is tried out on sample data.
pub(crate) fn templates(folder: Option<&Path>) -> Result<MjmlTemplates> {
    let library = MjmlTemplates::default();
    let Some(root) = folder else { return Ok(library) };
    let mut library = shelf(library, root, None)?;
    let tenants = root.join("tenants");
    if tenants.is_dir() {
        for id in folders(&tenants)? {
            let path = tenants.join(&id);
            let tenant: TenantId = id.parse().map_err(|_| damaged(&path, "no id of a tenant"))?;
            library = shelf(library, &path, Some(tenant))?;
        }
    }
    Ok(library)
}

fn shelf(mut library: MjmlTemplates, root: &Path, tenant: Option<TenantId>) -> Result<MjmlTemplates> {
    for name in folders(root)?.into_iter().filter(|name| tenant.is_some() || name != "tenants") {
        for code in folders(&root.join(&name))? {
            let path = root.join(&name).join(&code);
            let read = |part: &str| {
                let file = path.join(part);
                fs::read_to_string(&file).map_err(Failure::file(&file))
            };
            let source = TemplateSource {
                subject: read("subject.txt")?,
                mjml: read("body.mjml")?,
                text: read("body.txt")?,
            };
            library = library
                .with(tenant, &Key::new(&name)?, &Language::new(&code)?, source)
                .map_err(|error| damaged(&path, &error.to_string()))?;
        }
    }
    Ok(library)
}

/// Returns the names of the folders below a folder, in order.
fn folders(path: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(Failure::file(path))? {
        let found = entry.map_err(Failure::file(path))?;
        if found.path().is_dir() {
            names.push(found.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn damaged(path: &Path, problem: &str) -> Failure {
    Failure::Damaged { path: path.to_owned(), problem: problem.to_owned() }
}
