//! The classifier port: one model per tenant, kept in memory.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use autocrm_core::{
    assist::{MAX_ALTERNATIVES, Scored},
    error::{Error, ErrorKind, Result},
    id::TenantId,
    port::{Classification, Classifier, Example as KnownText, TrainingSet},
    text::Key,
};

use super::{Example, LabelScore, LabelText, LinearClassifier, TrainingOptions, urgency::Urgency};

/// The name under which classifications are recorded.
pub const LINEAR_MODEL: &str = "linear-1";

/// The most examples of one tenant's training.
const MAX_TENANT_EXAMPLES: usize = 100_000;

/// An alternative less likely than this is not worth listing.
const LISTED_FROM: f64 = 0.02;

/// Classifies with one [`LinearClassifier`] per tenant and a list of urgent phrases.
///
/// Models live in memory and are trained again after a restart, which takes seconds even for 10,000 examples. Examples
/// of categories that no longer exist are passed over, because old tickets keep theirs.
#[derive(Debug, Default)]
pub struct TenantClassifiers {
    options: TrainingOptions,
    models: RwLock<HashMap<TenantId, Arc<TenantModel>>>,
}

#[derive(Debug, Clone)]
struct TenantModel {
    revision: u64,
    /// `None` without labels.
    classifier: Option<LinearClassifier>,
    urgency: Urgency,
}

impl TenantClassifiers {
    /// Returns classifiers that train with the given options.
    pub fn new(options: TrainingOptions) -> Self {
        Self { options, models: RwLock::default() }
    }

    fn model(&self, tenant: TenantId) -> Option<Arc<TenantModel>> {
        self.models.read().unwrap_or_else(PoisonError::into_inner).get(&tenant).cloned()
    }
}

fn train_model(revision: u64, set: &TrainingSet, options: &TrainingOptions) -> Result<TenantModel> {
    let labels: Vec<LabelText> = set
        .labels
        .iter()
        .map(|label| LabelText::new(label.key.as_str(), label.description.as_str()))
        .collect();
    let known: std::collections::HashSet<&str> = set.labels.iter().map(|label| label.key.as_str()).collect();
    let examples: Vec<Example<'_>> = set
        .examples
        .iter()
        .filter(|example| known.contains(example.category.as_str()))
        .map(|example| Example { text: &example.text, label: example.category.as_str() })
        .collect();
    let classifier =
        if labels.is_empty() { None } else { Some(LinearClassifier::train(&labels, &examples, options)?) };
    Ok(TenantModel { revision, classifier, urgency: Urgency::new(&set.urgency_hints) })
}

/// Keeps the likeliest label and those after it that are worth listing.
fn listed(scores: &[LabelScore<'_>]) -> Vec<Scored<Key>> {
    let mut categories = Vec::new();
    for (rank, score) in scores.iter().take(MAX_ALTERNATIVES + 1).enumerate() {
        let least = if rank == 0 { 0.0 } else { LISTED_FROM };
        if score.probability <= least {
            break;
        }
        // Labels come from keys, so the way back cannot fail.
        if let Ok(value) = Key::new(score.label) {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a probability needs no more than seven digits"
            )]
            categories.push(Scored { value, confidence: score.probability as f32 });
        }
    }
    categories
}

#[async_trait]
impl Classifier for TenantClassifiers {
    async fn is_trained(&self, tenant: TenantId, revision: u64) -> Result<bool> {
        Ok(self.model(tenant).is_some_and(|model| model.revision == revision))
    }

    async fn train(&self, tenant: TenantId, revision: u64, set: &TrainingSet) -> Result<()> {
        let operation = "classifier.train";
        if set.examples.len() > MAX_TENANT_EXAMPLES {
            return Err(Error::new(ErrorKind::LimitExceeded, operation).context("examples"));
        }
        let (owned, options) = (set.clone(), self.options);
        let training = tokio::task::spawn_blocking(move || train_model(revision, &owned, &options));
        let model =
            training.await.map_err(|source| Error::new(ErrorKind::Internal, operation).source(source))??;
        self.models.write().unwrap_or_else(PoisonError::into_inner).insert(tenant, Arc::new(model));
        Ok(())
    }

    async fn learn(&self, tenant: TenantId, example: &KnownText) -> Result<()> {
        let mut models = self.models.write().unwrap_or_else(PoisonError::into_inner);
        let Some(model) = models.get_mut(&tenant) else { return Ok(()) };
        let category = example.category.as_str();
        let knows = model
            .classifier
            .as_ref()
            .is_some_and(|classifier| classifier.labels().any(|label| label == category));
        match &mut Arc::make_mut(model).classifier {
            Some(classifier) if knows => classifier.learn(&Example { text: &example.text, label: category }),
            _ => Ok(()),
        }
    }

    async fn classify(&self, tenant: TenantId, text: &str) -> Result<Classification> {
        let model = self.model(tenant);
        let priority = match &model {
            Some(model) => model.urgency.of(text),
            None => Urgency::new(&std::collections::BTreeMap::new()).of(text),
        };
        let scores = model
            .as_ref()
            .and_then(|model| model.classifier.as_ref())
            .map(|classifier| classifier.classify(text));
        let categories = scores.as_deref().map(listed).unwrap_or_default();
        Ok(Classification { categories, priority, model: LINEAR_MODEL.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use autocrm_core::{port::Label, ticket::Priority};
    use uuid::Uuid;

    use super::*;

    fn tenant(number: u128) -> TenantId {
        TenantId::from_uuid(Uuid::from_u128(number))
    }

    fn key(text: &str) -> Key {
        Key::new(text).unwrap()
    }

    fn set() -> TrainingSet {
        let label =
            |name: &str, description: &str| Label { key: key(name), description: description.to_owned() };
        TrainingSet {
            labels: vec![
                label("billing", "invoices and refunds"),
                label("login", "password, sign in, account locked"),
            ],
            ..TrainingSet::default()
        }
    }

    #[tokio::test]
    async fn labels_alone_are_enough_to_begin() {
        let classifiers = TenantClassifiers::default();
        assert!(!classifiers.is_trained(tenant(1), 3).await.unwrap());
        classifiers.train(tenant(1), 3, &set()).await.unwrap();
        assert!(classifiers.is_trained(tenant(1), 3).await.unwrap());
        assert!(!classifiers.is_trained(tenant(1), 4).await.unwrap());
        let found = classifiers.classify(tenant(1), "URGENT where is my refund").await.unwrap();
        assert_eq!(found.categories[0].value, key("billing"));
        assert_eq!(found.priority.value, Priority::Urgent);
        assert_eq!(found.model, LINEAR_MODEL);
    }

    #[tokio::test]
    async fn tenants_do_not_learn_from_each_other() {
        let classifiers = TenantClassifiers::default();
        for number in [1, 2] {
            classifiers.train(tenant(number), 1, &set()).await.unwrap();
        }
        let before = classifiers.classify(tenant(2), "the gizmo wobbles").await.unwrap();
        let example = KnownText { text: "the gizmo wobbles".to_owned(), category: key("login") };
        for _ in 0..5 {
            classifiers.learn(tenant(1), &example).await.unwrap();
        }
        assert_eq!(classifiers.classify(tenant(2), "the gizmo wobbles").await.unwrap(), before);
        let taught = classifiers.classify(tenant(1), "the gizmo wobbles").await.unwrap();
        assert_eq!(taught.categories[0].value, key("login"));
        assert!(classifiers.classify(tenant(3), "the gizmo wobbles").await.unwrap().categories.is_empty());
    }

    #[tokio::test]
    async fn training_replaces_everything() {
        let classifiers = TenantClassifiers::default();
        classifiers.train(tenant(1), 1, &set()).await.unwrap();
        classifiers.train(tenant(1), 2, &TrainingSet::default()).await.unwrap();
        assert!(classifiers.is_trained(tenant(1), 2).await.unwrap());
        assert!(classifiers.classify(tenant(1), "refund").await.unwrap().categories.is_empty());
    }

    #[tokio::test]
    async fn unknown_categories_are_passed_over() {
        let classifiers = TenantClassifiers::default();
        let orphan = KnownText { text: "old".to_owned(), category: key("abolished") };
        classifiers.learn(tenant(1), &orphan).await.unwrap();
        let with_orphan = TrainingSet { examples: vec![orphan.clone()], ..set() };
        classifiers.train(tenant(1), 1, &with_orphan).await.unwrap();
        classifiers.learn(tenant(1), &orphan).await.unwrap();
        let found = classifiers.classify(tenant(1), "password").await.unwrap();
        assert_eq!(found.categories[0].value, key("login"));
    }

    #[tokio::test]
    async fn too_many_examples_are_refused() {
        let example = KnownText { text: String::new(), category: key("login") };
        let huge = TrainingSet { examples: vec![example; MAX_TENANT_EXAMPLES + 1], ..set() };
        let refused = TenantClassifiers::default().train(tenant(1), 1, &huge).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::LimitExceeded);
    }

    #[tokio::test]
    async fn strange_texts_are_classified() {
        let classifiers = TenantClassifiers::default();
        classifiers.train(tenant(1), 1, &set()).await.unwrap();
        for text in ["", "🙂🙂🙂", "\0\0", "漢字", "שלום", &"x ".repeat(5_000_000)] {
            let found = classifiers.classify(tenant(1), text).await.unwrap();
            assert!(found.categories.iter().map(|scored| scored.confidence).sum::<f32>() <= 1.0);
        }
    }
}
