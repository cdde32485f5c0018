//! Embeds the demo desk's knowledge base and sample mails, so that the binary works from anywhere.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script where to write through the environment"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let root = manifest.join("../..").canonicalize()?;

    let docs = root.join("docs");
    let mails = root.join("examples/mails");
    let mut articles = with_ending(&docs, "md")?;
    let readme = root.join("README.md");
    println!("cargo::rerun-if-changed={}", readme.display());
    if readme.is_file() {
        articles.push(readme);
    }

    let mut code = String::from("pub(crate) static ARTICLES: &[(&str, &str)] = &[\n");
    for path in articles {
        writeln!(code, "    ({:?}, include_str!({:?})),", stem(&path)?, text(&path)?)?;
    }
    code.push_str("];\n\npub(crate) static MAILS: &[(&str, &[u8])] = &[\n");
    for path in with_ending(&mails, "eml")? {
        writeln!(code, "    ({:?}, include_bytes!({:?})),", stem(&path)?, text(&path)?)?;
    }
    code.push_str("];\n");
    fs::write(output.join("library.rs"), code)?;
    Ok(())
}

/// Returns the folder's files with the ending, by name, and asks for a new run when the folder changes.
fn with_ending(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut found = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_file() && path.extension().is_some_and(|extension| extension == ending) {
                println!("cargo::rerun-if-changed={}", path.display());
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn text(path: &Path) -> Result<&str, Box<dyn Error>> {
    path.to_str().ok_or_else(|| format!("{} is not UTF-8", path.display()).into())
}

/// Returns the file's name without its ending, in lower case: the article's short name.
fn stem(path: &Path) -> Result<String, Box<dyn Error>> {
    let name = path.file_stem().and_then(|name| name.to_str()).ok_or("a file name is not UTF-8")?;
    Ok(name.to_lowercase())
}
