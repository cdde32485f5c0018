//! The list of scenarios of embedders.

use crate::{
    conformance::{Backend, Scenario},
    port::Embedder,
};

/// Hands the scenarios of embedders to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __embedder_scenarios {
    ($use:path, $($arguments:tt)*) => {
        $use! {
            $($arguments)*
            embedder {
                n1_every_text_has_its_embedding,
                n2_neighbours_do_not_matter,
                n3_texts_of_one_topic_lie_close,
                n4_any_text_is_embedded,
                n5_the_number_of_texts_is_bounded,
            }
        }
    };
}

/// Makes one named test of every scenario of an embedder, on the backends of the given harness. One use per module.
#[macro_export]
macro_rules! embedder_conformance {
    ($harness:expr) => {
        $crate::__embedder_scenarios! { $crate::__stamp_tests, dyn $crate::port::Embedder, $harness, }
    };
}

/// Returns every scenario of an embedder.
pub fn embedder_scenarios() -> Vec<Scenario<dyn Embedder>> {
    __embedder_scenarios! { table, dyn Embedder, }
}
