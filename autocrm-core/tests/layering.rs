//! Holds the modules of the crate to their layers: each uses only modules of its own or an earlier layer.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The layers, lowest first. Modules of one layer may use each other. `testing` stands before `conformance`, because
/// the suites build their worlds with its fixtures.
const LAYERS: &[&[&str]] = &[
    &["blob", "clock", "error", "id", "page", "text", "transition"],
    &["tenant"],
    &["access"],
    &["user"],
    &["team"],
    &["ticket"],
    &["conversation"],
    &["sla"],
    &["routing"],
    &["rule"],
    &["knowledge"],
    &["assist"],
    &["mail"],
    &["notify"],
    &["metrics"],
    &["audit"],
    &["change"],
    &["port"],
    &["memory"],
    &["layer"],
    &["app"],
    &["worker"],
    &["testing"],
    &["conformance"],
];

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// A source file: the module path below the crate root, and the text.
struct Source {
    path: Vec<String>,
    text: String,
}

/// Cuts a source into words, `::` and single signs, without comments and literals.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut found = Vec::new();
    let mut index = 0;
    while index < chars.len() {
        let c = at(index);
        if c == '/' && at(index + 1) == '/' {
            while index < chars.len() && at(index) != '\n' {
                index += 1;
            }
        } else if c == '/' && at(index + 1) == '*' {
            while index < chars.len() && !(at(index) == '*' && at(index + 1) == '/') {
                index += 1;
            }
            index += 2;
        } else if c == 'r'
            && (at(index + 1) == '"' || (at(index + 1) == '#' && matches!(at(index + 2), '"' | '#')))
        {
            let hashes = (index + 1..chars.len()).take_while(|place| at(*place) == '#').count();
            index += hashes + 2;
            let closes = |place: usize| at(place) == '"' && (1..=hashes).all(|hash| at(place + hash) == '#');
            while index < chars.len() && !closes(index) {
                index += 1;
            }
            index += hashes + 1;
        } else if c == '"' {
            index += 1;
            while index < chars.len() && at(index) != '"' {
                index += if at(index) == '\\' { 2 } else { 1 };
            }
            index += 1;
        } else if c == '\'' && at(index + 1) == '\\' {
            index += 3;
            while index < chars.len() && at(index) != '\'' {
                index += 1;
            }
            index += 1;
        } else if c == '\'' && at(index + 2) == '\'' {
            index += 3;
        } else if c.is_alphanumeric() || c == '_' {
            let length = (index..chars.len())
                .take_while(|place| at(*place).is_alphanumeric() || at(*place) == '_')
                .count();
            found.push(chars[index..index + length].iter().collect());
            index += length;
        } else if c == ':' && at(index + 1) == ':' {
            found.push("::".to_owned());
            index += 2;
        } else {
            if !c.is_whitespace() {
                found.push(c.to_string());
            }
            index += 1;
        }
    }
    found
}

/// Leaves out every `#[cfg(test)] mod … { … }`.
fn without_unit_tests(tokens: &[String]) -> Vec<&str> {
    let words: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let mark = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    let mut kept = Vec::new();
    let mut index = 0;
    while index < words.len() {
        if !words[index..].starts_with(&mark) {
            kept.push(words[index]);
            index += 1;
            continue;
        }
        let mut depth = 0;
        while index < words.len() {
            match words[index] {
                "{" => depth += 1,
                "}" => depth -= 1,
                ";" if depth == 0 => break,
                _ => {}
            }
            index += 1;
            if depth == 0 && words[index - 1] == "}" {
                break;
            }
        }
    }
    kept
}

/// Returns the names that follow a path prefix at `index`: one, or those of a group.
fn targets(words: &[&str], index: usize) -> Vec<String> {
    if words.get(index) != Some(&"{") {
        return words.get(index).map(|word| (*word).to_owned()).into_iter().collect();
    }
    let (mut depth, mut found, mut expected) = (0, Vec::new(), false);
    for word in &words[index..] {
        match *word {
            "{" => {
                depth += 1;
                expected = depth == 1;
            }
            "}" if depth == 1 => break,
            "}" => depth -= 1,
            "," => expected = depth == 1,
            name if expected => {
                found.push(name.to_owned());
                expected = false;
            }
            _ => {}
        }
    }
    found
}

/// Returns the modules of the crate's root that a source names.
fn uses(source: &Source) -> BTreeSet<String> {
    let all = tokens(&source.text);
    let words = without_unit_tests(&all);
    let mut found = BTreeSet::new();
    let mut index = 0;
    while index < words.len() {
        if words[index] == "crate" && words.get(index + 1) == Some(&"::") {
            found.extend(targets(&words, index + 2));
        }
        let mut climbed = 0;
        while words[index..].starts_with(&["super", "::"]) {
            climbed += 1;
            index += 2;
        }
        if climbed > 0 && climbed >= source.path.len() {
            found.extend(targets(&words, index));
        } else if climbed == 0 {
            index += 1;
        }
    }
    found.remove("self");
    found
}

/// Returns every edge that leads to a later layer, and every module without a layer.
fn violations(sources: &[Source]) -> Vec<String> {
    let modules: BTreeSet<&str> =
        sources.iter().filter_map(|source| source.path.first()).map(String::as_str).collect();
    let mut found = Vec::new();
    for source in sources {
        let Some(module) = source.path.first() else { continue };
        let Some(layer) = layer_of(module) else {
            found.push(format!("{module} has no layer"));
            continue;
        };
        for target in uses(source) {
            let what = source.path.join("::");
            match layer_of(&target) {
                Some(above) if above > layer => found.push(format!("{what} uses {target}, which is later")),
                None if modules.contains(target.as_str()) || target == "*" => {
                    found.push(format!("{what} uses {target}, which has no layer"));
                }
                _ => {}
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

fn read_tree(folder: &Path, path: &[String], sources: &mut Vec<Source>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        let name = entry.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut below = path.to_vec();
        if entry.is_dir() {
            below.push(name);
            read_tree(&entry, &below, sources);
        } else if entry.extension().is_some_and(|extension| extension == "rs") && name != "lib" {
            // Unit tests that fill a file of their own.
            if name == "tests" {
                continue;
            }
            if name != "mod" {
                below.push(name);
            }
            sources.push(Source { path: below, text: fs::read_to_string(&entry).unwrap() });
        }
    }
}

fn crate_sources() -> Vec<Source> {
    let mut sources = Vec::new();
    read_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &[], &mut sources);
    sources
}

#[test]
fn modules_use_only_earlier_layers() {
    let sources = crate_sources();
    assert!(sources.len() > 50, "the sources were not found");
    let found = violations(&sources);
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn the_crate_root_declares_the_modules_in_the_order_of_their_layers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    let all = tokens(&fs::read_to_string(root).unwrap());
    let declared: Vec<&str> = all
        .windows(3)
        .filter(|three| three[0] == "mod" && three[2] == ";")
        .map(|three| three[1].as_str())
        .collect();
    let layers: Vec<usize> = declared.iter().map(|module| layer_of(module).expect(module)).collect();
    assert!(layers.is_sorted(), "{declared:?}");
}

fn fake(path: &[&str], text: &str) -> Source {
    Source { path: path.iter().map(|&name| name.to_owned()).collect(), text: text.to_owned() }
}

#[test]
fn the_checker_finds_edges_upwards() {
    for (path, text, upward) in [
        (&["ticket", "model"][..], "use crate::mail::BlobHash;", "mail"),
        (&["ticket", "model"], "use crate::{id::{A, mail::B}, text, change::Event};", "change"),
        (&["ticket", "model"], "fn f() -> crate::port::Store { todo() }", "port"),
        (&["ticket", "model"], "use super::super::app::AutoCrm;", "app"),
        (&["ticket"], "use super::worker;", "worker"),
        (&["id"], "use super::{tenant, clock};", "tenant"),
        (&["ticket"], "const A: &str = \"\\\"\"; const B: char = '\"'; use crate::mail::X;", "mail"),
        (&["ticket"], "#[cfg(test)] mod tests { use crate::app; } use crate::memory::Y;", "memory"),
    ] {
        let expected = format!("{} uses {upward}, which is later", path.join("::"));
        assert_eq!(violations(&[fake(path, text)]), [expected], "{text}");
    }
    assert_eq!(violations(&[fake(&["helper"], "")]), ["helper has no layer"]);
}

#[test]
fn the_checker_lets_the_rest_pass() {
    for (path, text) in [
        (&["ticket", "model"][..], "use crate::{access::Scope, id::{TeamId, UserId}, ticket::Status};"),
        (&["ticket", "model"], "use super::Status; // use crate::app::AutoCrm;"),
        (&["ticket"], "/* crate::app::X */ const A: &str = r#\"crate::app::\"X\"#; fn f<'a>(x: &'a str) {}"),
        (&["ticket"], "#[cfg(test)]\nmod tests { mod deep { use crate::app::AutoCrm; } }"),
        (&["id"], "use crate::clock::Timestamp;"),
    ] {
        assert!(violations(&[fake(path, text)]).is_empty(), "{text}");
    }
}
