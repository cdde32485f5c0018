//! The suites on the local index and models.

#![expect(clippy::expect_used, reason = "a harness that cannot start fails")]

use std::sync::Arc;

use async_trait::async_trait;
use autocrm_ai::{
    classify::{TenantClassifiers, TrainingOptions},
    ground::{ExtractiveAnswerer, ExtractiveOptions},
    language::TrigramDetector,
    lexical::LexicalIndex,
    vectors::FlatVectorIndex,
};
use autocrm_core::{
    conformance::{Backend, Harness},
    port::{Classifier, LanguageDetector, LanguageModel, TextIndex, VectorIndex},
};

struct Local;

#[async_trait]
impl Harness<dyn TextIndex> for Local {
    async fn fresh(&self) -> Backend<dyn TextIndex> {
        let folder = tempfile::tempdir().expect("a folder");
        let index = LexicalIndex::open_or_create(folder.path()).expect("an index");
        Backend::new(Arc::new(index) as Arc<dyn TextIndex>).keeping(folder)
    }
}

#[async_trait]
impl Harness<dyn VectorIndex> for Local {
    async fn fresh(&self) -> Backend<dyn VectorIndex> {
        let folder = tempfile::tempdir().expect("a folder");
        let index = FlatVectorIndex::open(folder.path()).expect("an index");
        let path = folder.path().to_owned();
        Backend::new(Arc::new(index.clone()) as Arc<dyn VectorIndex>)
            .with_second(Arc::new(index))
            .with_reopen(Box::new(move || {
                Box::pin(async move {
                    Arc::new(FlatVectorIndex::open(&path).expect("the index")) as Arc<dyn VectorIndex>
                })
            }))
            .keeping(folder)
    }
}

#[async_trait]
impl Harness<dyn Classifier> for Local {
    async fn fresh(&self) -> Backend<dyn Classifier> {
        let classifiers = TenantClassifiers::new(TrainingOptions::default());
        Backend::new(Arc::new(classifiers) as Arc<dyn Classifier>)
    }
}

#[async_trait]
impl Harness<dyn LanguageModel> for Local {
    async fn fresh(&self) -> Backend<dyn LanguageModel> {
        let answerer = ExtractiveAnswerer::new(ExtractiveOptions::default());
        Backend::new(Arc::new(answerer) as Arc<dyn LanguageModel>)
    }
}

#[async_trait]
impl Harness<dyn LanguageDetector> for Local {
    async fn fresh(&self) -> Backend<dyn LanguageDetector> {
        Backend::new(Arc::new(TrigramDetector) as Arc<dyn LanguageDetector>)
    }
}

mod text_index {
    use super::Local;

    autocrm_core::text_index_conformance!(Local);
}

mod vector_index {
    use super::Local;

    autocrm_core::vector_index_conformance!(Local);
}

mod classifier {
    use super::Local;

    autocrm_core::classifier_conformance!(Local);
}

mod language_model {
    use super::Local;

    autocrm_core::language_model_conformance!(Local);
}

mod detector {
    use super::Local;

    autocrm_core::detector_conformance!(Local);
}
