//! No mail costs much more than an honest one of its size, whatever it is made of.

#![expect(clippy::unwrap_used, reason = "a helper fails as the test that calls it")]

#[path = "support/bombs.rs"]
mod bombs;

use std::time::{Duration, Instant};

use autocrm_core::port::MailParser as _;
use autocrm_email::{Bounds, MimeParser, RemoteImages, classify, sanitize};

/// What the most costly mail may cost, in honest letters of the largest size.
const LETTERS: u32 = 12;

/// Everything that is done with a mail before it is stored.
fn read(raw: &[u8]) {
    let parser = MimeParser::default();
    std::hint::black_box(classify(raw, &Bounds::default()));
    let mail = std::hint::black_box(parser.parse(raw));
    assert_eq!(mail.text.len() <= 1 << 20, mail.attachments.len() <= 100);
    let contents = parser.contents(raw);
    if let Some(html) = contents.html {
        let _ = std::hint::black_box(sanitize(&html, RemoteImages::Block));
    }
}

/// The best of some: a machine with other work is slow, not fast.
fn cost(raw: &[u8]) -> Duration {
    let once = || {
        let started = Instant::now();
        read(raw);
        started.elapsed()
    };
    (0..if cfg!(debug_assertions) { 1 } else { 3 }).map(|_| once()).min().unwrap()
}

#[test]
fn the_bomb_corpus_costs_no_more_than_some_letters() {
    let corpus = bombs::corpus();
    assert!(corpus.len() >= 45);
    let letter = cost(&bombs::letter()).max(cost(&bombs::letter()));
    let mut worst: Vec<(Duration, &str)> = corpus.iter().map(|(name, raw)| (cost(raw), *name)).collect();
    worst.sort_by(|one, other| other.cmp(one));
    assert!(worst[0].0 < letter * LETTERS, "a letter takes {letter:?}, the worst are {:?}", &worst[..5]);
}
