//! The lists of scenarios, one per port, and the two things made of a list: named tests and a table.

use crate::{
    conformance::{Backend, Scenario},
    port::Store,
};

/// Hands the store's scenarios to another macro, as `module { scenario, … }` groups.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_scenarios {
    ($use:path, $($arguments:tt)*) => {
        $use! {
            $($arguments)*
            user {
                c1_a_user_reads_back_with_every_field,
                c2_addresses_and_external_ids_are_unique_within_a_tenant,
                r1_staff_see_all_users_and_a_customer_only_themselves,
                r2_users_come_newest_first,
            }
        }
    };
}

/// Makes one named test of each scenario; `$harness` is evaluated for each.
#[doc(hidden)]
#[macro_export]
macro_rules! __stamp_tests {
    ($port:ty, $harness:expr, $($module:ident { $($scenario:ident,)+ })+) => {
        fn conformance_harness() -> impl $crate::conformance::Harness<$port> {
            $harness
        }

        $(mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    let harness = super::conformance_harness();
                    let backend = $crate::conformance::Harness::<$port>::fresh(&harness).await;
                    $crate::conformance::$module::$scenario(backend).await;
                }
            )+
        })+
    };
}

/// Makes a table of the scenarios.
macro_rules! table {
    ($port:ty, $($module:ident { $($scenario:ident,)+ })+) => {
        vec![$($(
            Scenario {
                name: concat!(stringify!($module), "::", stringify!($scenario)),
                run: |backend: Backend<$port>| Box::pin(crate::conformance::$module::$scenario(backend)),
            },
        )+)+]
    };
}

/// Makes one named test of every scenario of a store, on the backends of the given harness. One use per module.
#[macro_export]
macro_rules! store_conformance {
    ($harness:expr) => {
        $crate::__store_scenarios! { $crate::__stamp_tests, dyn $crate::port::Store, $harness, }
    };
}

/// Returns every scenario of a store.
pub fn store_scenarios() -> Vec<Scenario<dyn Store>> {
    __store_scenarios! { table, dyn Store, }
}
