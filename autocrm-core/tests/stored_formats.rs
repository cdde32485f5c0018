//! Keeps everything that is stored as JSON as it was written: `golden/stored_formats.txt`. A format that changes here
//! cannot be read by the next version, unless that version says how.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    fs,
    path::Path,
};

use autocrm_core::{
    change::{Event, Job},
    id::Id,
    text::{Key, Note, TextError},
};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

#[path = "stored_formats/events.rs"]
mod events;
#[path = "stored_formats/mails.rs"]
mod mails;
#[path = "stored_formats/rows.rs"]
mod rows;

const GOLDEN: &str = include_str!("golden/stored_formats.txt");

/// Stored values by name.
#[derive(Default)]
struct Shelf {
    lines: Vec<String>,
}

impl Shelf {
    /// Writes a value, reads it back, and writes that again.
    fn keep<T: Serialize + DeserializeOwned + PartialEq + Debug>(&mut self, name: &str, value: &T) {
        let json = serde_json::to_string(value).unwrap();
        let read: T = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{name}: {error} in {json}"));
        assert_eq!(read, *value, "{name}");
        assert_eq!(serde_json::to_string(&read).unwrap(), json, "{name}");
        self.lines.push(format!("{name} {json}"));
    }

    /// Keeps a value whose type promises to refuse fields that it does not know.
    fn strict<T: Serialize + DeserializeOwned + PartialEq + Debug>(&mut self, name: &str, value: &T) {
        self.keep(name, value);
        let mut json = serde_json::to_value(value).unwrap();
        json.as_object_mut()
            .unwrap_or_else(|| panic!("{name} is an object"))
            .insert("surplus".into(), true.into());
        assert!(serde_json::from_value::<T>(json).is_err(), "{name} accepts a field that it does not know");
    }
}

fn id<T: Id>(number: u128) -> T {
    T::from(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number))
}

fn text<T: std::str::FromStr<Err = TextError>>(text: &str) -> T {
    text.parse().unwrap()
}

fn key(name: &str) -> Key {
    text(name)
}

fn note(words: &str) -> Note {
    text(words)
}

fn at(seconds: i64) -> autocrm_core::clock::Timestamp {
    autocrm_core::clock::Timestamp::from_micros(1_772_352_000_123_457 + seconds * 1_000_000)
}

fn all() -> Shelf {
    let mut shelf = Shelf::default();
    for event in events::events() {
        shelf.keep(&format!("event.{}", event.name()), &event);
    }
    for job in events::jobs() {
        let name = format!("job.{}", job.kind());
        // serde cannot refuse fields beside the tag of a variant that has none itself.
        if job == Job::CloseResolved {
            shelf.keep(&name, &job);
        } else {
            shelf.strict(&name, &job);
        }
    }
    events::entities(&mut shelf);
    rows::settings(&mut shelf);
    rows::people(&mut shelf);
    rows::tickets(&mut shelf);
    rows::messages(&mut shelf);
    rows::articles(&mut shelf);
    mails::mails(&mut shelf);
    shelf
}

#[test]
fn stored_formats_are_those_that_were_written() {
    let present = all().lines.join("\n") + "\n";
    if present == GOLDEN {
        return;
    }
    let written = Path::new(env!("CARGO_TARGET_TMPDIR")).join("stored_formats.txt");
    fs::write(&written, &present).unwrap();
    let before: BTreeSet<&str> = GOLDEN.lines().collect();
    let first = present.lines().find(|line| !before.contains(line)).unwrap_or("a line is gone, or moved");
    panic!(
        "stored formats differ from tests/golden/stored_formats.txt: {first}\nif that is meant, replace it by {}",
        written.display()
    );
}

/// Proves that the golden lines themselves can be read, whatever is written today.
#[test]
fn golden_events_and_jobs_are_read() {
    let mut read = 0;
    for line in GOLDEN.lines() {
        let (name, json) = line.split_once(' ').unwrap();
        if let Some(expected) = name.strip_prefix("event.") {
            let event: Event = serde_json::from_str(json).unwrap();
            assert_eq!(event.name(), expected);
            read += 1;
        } else if let Some(expected) = name.strip_prefix("job.") {
            let job: Job = serde_json::from_str(json).unwrap();
            assert_eq!(job.kind(), expected);
            read += 1;
        }
    }
    assert!(read > 40, "{read} lines");
}

#[test]
fn every_event_and_job_is_kept() {
    let events: BTreeSet<usize> = events::events().iter().map(events::place_of_event).collect();
    assert_eq!(events, (0..events::EVENTS).collect());
    let jobs: BTreeSet<usize> = events::jobs().iter().map(events::place_of_job).collect();
    assert_eq!(jobs, (0..events::JOBS).collect());
    let mut names = BTreeMap::<String, usize>::new();
    for event in events::events() {
        *names.entry(event.name().to_owned()).or_default() += 1;
    }
    assert_eq!(names.len(), events::EVENTS, "two events share a name: {names:?}");
}

#[test]
fn names_of_a_newer_version_are_refused() {
    for newer in [
        r#"{"noun":"ticket","event":{"type":"teleported"}}"#,
        r#"{"noun":"spaceship","event":{"type":"created"}}"#,
        r#"{"noun":"ticket"}"#,
    ] {
        assert!(serde_json::from_str::<Event>(newer).is_err(), "{newer}");
    }
    assert!(serde_json::from_str::<Job>(r#"{"kind":"teleport"}"#).is_err());
}
