//! `bounce`: how well reports and automatic answers are told from people's mail.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use autocrm_email::{Bounds, Classified, classify};
use serde_json::{Map, Value, json};

use crate::{
    failure::{Failure, Result},
    input::{self, csv},
    report::Report,
    stats::{class_figures, macro_f1, rate},
};

const CLASSES: [&str; 4] = ["bounce", "feedback", "auto_reply", "human"];
/// How often each mail is read when the speed is measured, so that few mails are enough.
const ROUNDS: usize = 5;

/// Sorts mails into bounces, feedback, automatic answers and people's mail, and compares with their labels.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A folder with mails and `labels.csv` (`file,class`; `bounce`, `feedback`, `auto_reply`, `human`).
    #[arg(long, value_name = "DIR")]
    cases: PathBuf,
}

struct Case {
    file: String,
    truth: String,
    raw: Vec<u8>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Report> {
    let cases = cases(arguments)?;
    let bounds = Bounds::default();
    let guesses: Vec<&str> = cases.iter().map(|case| label(&classify(&case.raw, &bounds))).collect();
    let pairs: Vec<(&str, &str)> =
        cases.iter().zip(&guesses).map(|(case, guess)| (case.truth.as_str(), *guess)).collect();
    let correct = pairs.iter().filter(|(truth, guess)| truth == guess).count();
    let human_as_bounce = pairs.iter().filter(|pair| **pair == ("human", "bounce")).count();
    let wrong = cases.iter().zip(&guesses).filter(|(case, guess)| case.truth != **guess);
    let failures: Vec<String> =
        wrong.map(|(case, guess)| format!("{} is {}, not {guess}", case.file, case.truth)).collect();
    let mut per_class = Map::new();
    for class in CLASSES {
        let (precision, recall, f1) = class_figures(&pairs, class);
        let count = pairs.iter().filter(|(truth, _)| *truth == class).count();
        let figures = json!({ "cases": count, "precision": precision, "recall": recall, "f1": f1 });
        per_class.insert(class.to_owned(), figures);
    }
    let mut report = Report::default();
    report
        .set("cases", cases.len())
        .set("correct", correct)
        .number("macro_f1", macro_f1(&pairs))
        .set("human_as_bounce", human_as_bounce)
        .set("per_class", Value::Object(per_class))
        .number("per_s", rate(cases.len() * ROUNDS, time(&cases, &bounds)))
        .set("failures", failures);
    Ok(report)
}

fn time(cases: &[Case], bounds: &Bounds) -> Duration {
    let started = Instant::now();
    for _ in 0..ROUNDS {
        for case in cases {
            std::hint::black_box(classify(std::hint::black_box(&case.raw), bounds));
        }
    }
    started.elapsed()
}

/// A disposition is a machine's answer; a list's mail and an invitation come from people.
fn label(class: &Classified) -> &'static str {
    match class {
        Classified::Delivery(_) => "bounce",
        Classified::Complaint(_) => "feedback",
        Classified::AutoReply | Classified::Disposition(_) => "auto_reply",
        _ => "human",
    }
}

fn cases(arguments: &Arguments) -> Result<Vec<Case>> {
    let labels = arguments.cases.join("labels.csv");
    let rows = csv::table(&labels, &input::text_of(&labels)?, &["file", "class"])?;
    if rows.is_empty() {
        return Err(Failure::in_file(&labels, None, "no mail is labelled"));
    }
    let mut found = Vec::with_capacity(rows.len());
    for (line, cells) in rows {
        let (file, truth) = (cells[0].clone(), cells[1].clone());
        if !CLASSES.contains(&truth.as_str()) {
            let problem = format!("`{truth}` is none of {}", CLASSES.join(", "));
            return Err(Failure::in_file(&labels, Some(line), problem));
        }
        let raw = fs::read(arguments.cases.join(&file))
            .map_err(|error| Failure::in_file(&labels, Some(line), format!("{file}: {error}")))?;
        found.push(Case { file, truth, raw });
    }
    Ok(found)
}
