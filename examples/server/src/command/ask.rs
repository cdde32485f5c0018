//! `ask`: a question, an answer with its sources, or why there is none.

use autocrm_core::{app::Source, assist::Abstention, user::Role};

use crate::{
    command::announce,
    desk::{Access, Desk, Home, Result},
};

/// Answers a question with a customer's eyes.
pub(super) async fn run(home: &Home, question: &str) -> Result<()> {
    let desk = Desk::open(home, Access::Shared, &mut announce).await?;
    let customer = desk.actor(Role::Customer).await?;
    let answer = desk.crm.agent().ask(&customer, question).await?;
    if let Some(reason) = answer.abstention {
        println!("no answer: {}", why(reason));
        return Ok(());
    }
    println!("{}\n", answer.text.trim());
    println!("sources (model {}, confidence {:.2}):", answer.model, answer.confidence);
    for source in &answer.sources {
        print_source(source);
    }
    Ok(())
}

fn print_source(source: &Source) {
    let citation = &source.citation;
    println!(
        "  [{}] {}, revision {}, bytes {}..{}",
        source.slug, source.title, citation.revision, citation.start, citation.end
    );
    for line in source.quote.lines() {
        println!("      > {line}");
    }
}

fn why(reason: Abstention) -> &'static str {
    match reason {
        Abstention::NothingFound => "the knowledge base holds nothing on it (nothing_found)",
        Abstention::WeakEvidence => "what the knowledge base holds does not answer it (weak_evidence)",
        Abstention::UnclearQuestion => "the question is too short to search with (unclear_question)",
    }
}
