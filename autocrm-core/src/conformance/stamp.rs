//! The macros that make one named test of each scenario of a port.

/// Makes one named test of every scenario of a store, on the backends of the given harness, and one that compares it
/// with the in-memory store in [`CASES`](crate::conformance::model::CASES) random stories, or in as many as `cases`
/// says. One use per module.
#[macro_export]
macro_rules! store_conformance {
    ($harness:expr) => {
        $crate::store_conformance!($harness, cases = $crate::conformance::model::CASES);
    };
    ($harness:expr, cases = $cases:expr) => {
        $crate::__store_scenarios! { $crate::__stamp_tests, dyn $crate::port::Store, $harness, }

        #[test]
        fn model_agrees_with_memory() {
            $crate::conformance::model::agrees_with_memory(&conformance_harness(), $cases);
        }
    };
}

/// Makes one named test of every scenario of a blob store, on the backends of the given harness. One use per module.
#[macro_export]
macro_rules! blob_conformance {
    ($harness:expr) => {
        $crate::__blob_scenarios! { $crate::__stamp_tests, dyn $crate::port::BlobStore, $harness, }
    };
}

/// Makes one named test of every scenario of a mailer, on the backends of the given harness. One use per module.
#[macro_export]
macro_rules! mailer_conformance {
    ($harness:expr) => {
        $crate::__mailer_scenarios! { $crate::__stamp_tests, dyn $crate::port::Mailer, $harness, }
    };
}

/// Makes one named test of every scenario of a text index, on the backends of the given harness. One use per module.
#[macro_export]
macro_rules! text_index_conformance {
    ($harness:expr) => {
        $crate::__text_index_scenarios! { $crate::__stamp_tests, dyn $crate::port::TextIndex, $harness, }
    };
}

/// Makes one named test of every scenario of a vector index, on the backends of the given harness. One use per module.
#[macro_export]
macro_rules! vector_index_conformance {
    ($harness:expr) => {
        $crate::__vector_index_scenarios! { $crate::__stamp_tests, dyn $crate::port::VectorIndex, $harness, }
    };
}

/// Makes one named test of every scenario of a mail parser, on the backends of the given harness. One use per module.
#[macro_export]
macro_rules! mail_parser_conformance {
    ($harness:expr) => {
        $crate::__mail_parser_scenarios! { $crate::__stamp_tests, dyn $crate::port::MailParser, $harness, }
    };
}

/// Makes one named test of every scenario of a verifier of senders, on the backends of the given harness. One use per module.
#[macro_export]
macro_rules! sender_verifier_conformance {
    ($harness:expr) => {
        $crate::__sender_verifier_scenarios! { $crate::__stamp_tests, dyn $crate::port::SenderVerifier, $harness, }
    };
}

/// Makes one named test of every scenario of a language model, on the backends of the given harness. One use per module.
#[macro_export]
macro_rules! language_model_conformance {
    ($harness:expr) => {
        $crate::__language_model_scenarios! { $crate::__stamp_tests, dyn $crate::port::LanguageModel, $harness, }
    };
}

/// Makes one named test of every scenario of a classifier, on the backends of the given harness. One use per module.
#[macro_export]
macro_rules! classifier_conformance {
    ($harness:expr) => {
        $crate::__classifier_scenarios! { $crate::__stamp_tests, dyn $crate::port::Classifier, $harness, }
    };
}

/// Makes one named test of every scenario of a detector of languages, on the backends of the given harness. One use per module.
#[macro_export]
macro_rules! detector_conformance {
    ($harness:expr) => {
        $crate::__detector_scenarios! { $crate::__stamp_tests, dyn $crate::port::LanguageDetector, $harness, }
    };
}

/// Makes one named test of every scenario of templates, on the backends of the given harness. One use per module.
#[macro_export]
macro_rules! templates_conformance {
    ($harness:expr) => {
        $crate::__templates_scenarios! { $crate::__stamp_tests, dyn $crate::port::Templates, $harness, }
    };
}
