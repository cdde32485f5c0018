//! The lists of scenarios, one per port, and the two things made of a list: named tests and a table.

use crate::{
    conformance::{Backend, Scenario},
    port::{
        BlobStore, Classifier, LanguageDetector, LanguageModel, Mailer, Store, Templates, TextIndex,
        VectorIndex,
    },
};

/// Hands the store's scenarios to another macro, as `module { scenario, … }` groups.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_scenarios {
    ($use:path, $($arguments:tt)*) => {
        $use! {
            $($arguments)*
            commit {
                c1_every_kind_of_write_reads_back_equal,
                c1_committed_sets_outlive_every_handle,
                c2_a_write_from_another_version_changes_nothing,
                c2_every_noun_has_a_version,
                c3_one_of_64_writers_wins,
                c3_one_of_many_namesakes_is_made,
                c4_a_refused_set_leaves_nothing,
                c5_an_unchanged_row_is_checked,
                c5_nothing_follows_on_what_has_changed_meanwhile,
                c5_an_agents_load_is_counted_from_the_rows,
                c5_an_agent_is_never_given_more_than_fits,
                c6_every_handle_sees_a_commit_at_once,
                c9_numbers_increase_and_refused_sets_use_none,
                c9_numbers_given_at_once_differ,
            }
            receipt {
                c8_a_repetition_is_answered_with_the_first_receipt,
                c8_another_request_under_the_key_is_refused,
                c8_keys_are_scoped_by_tenant_and_principal,
                c8_a_key_is_kept_for_72_hours,
                c8_a_refused_set_keeps_no_key,
                c8_of_many_repetitions_at_once_one_is_applied,
            }
            journal {
                c10_events_take_the_next_positions,
                c10_sets_at_once_leave_no_gap,
                e1_a_reader_that_goes_on_misses_nothing,
                e2_a_tickets_events_follow_its_versions,
                e3_events_are_shown_by_scope,
                e4_erased_events_keep_their_place,
            }
            tenant {
                c1_a_tenant_reads_back_with_flags_and_scheme,
                c2_a_support_address_names_one_tenant,
                r1_a_scope_shows_its_own_tenant,
                r2_tenants_come_by_id,
            }
            user {
                c1_a_user_reads_back_with_every_field,
                c2_addresses_and_external_ids_are_unique_within_a_tenant,
                c12_a_required_user_exists_and_is_active,
                c12_a_required_user_is_active_before_the_writes,
                r1_staff_see_all_users_and_a_customer_only_themselves,
                r2_users_come_newest_first,
            }
            team {
                c1_a_team_reads_back_with_its_members,
                c2_names_are_unique_within_a_tenant,
                r1_staff_see_all_teams_and_customers_none,
            }
            ticket {
                r2_lists_come_in_every_order,
                r2_cursors_name_the_last_item,
                r2_filters_narrow_lists,
                r1_tickets_are_shown_by_scope,
                r1_deleted_tickets_are_shown_by_no_read,
                c2_only_deleted_tickets_are_erased,
                r1_loads_are_counted_for_staff,
                r1_the_latest_routing_is_shown_to_staff,
                c1_optional_fields_return_to_nothing,
            }
            conversation {
                r2_messages_come_in_their_order,
                r1_messages_are_shown_to_their_audience,
                r1_messages_follow_their_ticket,
                c1_a_judged_answer_reads_back,
                r1_templates_are_shown_to_their_team,
                c1_a_changed_template_reads_back,
            }
            knowledge {
                c1_new_chunks_replace_all_earlier_ones,
                c2_short_names_and_revision_numbers_are_unique,
                r1_articles_are_shown_to_their_readers,
                r2_articles_come_newest_first,
                r2_chunks_come_in_the_order_asked_for,
                c1_a_second_word_replaces_the_first,
            }
            mail {
                c1_mails_read_back_in_every_state,
                c2_a_mail_is_taken_in_once,
                c1_raw_bytes_read_back,
                r2_message_ids_lead_to_their_messages,
                r2_mails_that_leave_come_in_order,
                r1_mail_is_shown_to_the_tenants_eyes,
                r1_mail_is_erased_with_its_ticket,
                r1_raw_mails_of_one_ticket_alone_are_named,
                r1_outlying_raw_mails_of_a_ticket_alone_are_told,
            }
            correspondent {
                c1_addresses_read_back_in_every_state,
                c2_an_address_is_remembered_once,
                r2_suppressed_addresses_come_newest_first,
                r2_late_acknowledgements_are_counted,
                r1_addresses_are_shown_to_the_tenants_eyes,
            }
            notify {
                r1_notifications_are_ones_own,
                c1_a_read_notification_reads_back,
            }
            metrics {
                r1_figures_are_counted_from_the_tickets,
            }
            search {
                s1_every_word_is_in_text_or_subject,
                s1_a_changed_text_is_found_by_its_new_words,
                s1_hits_are_tickets_that_the_scope_shows,
                s2_notes_are_searched_when_staff_ask,
                s3_each_ticket_occurs_once_in_a_page,
                s4_any_text_is_a_valid_query,
            }
            queue {
                q1_jobs_appear_with_their_change_set,
                q1_waiting_ends_when_jobs_are_committed,
                q2_no_job_is_held_twice,
                q3_old_tokens_are_refused,
                q3_leases_are_extended,
                c11_a_stale_worker_commits_nothing,
                c11_a_retry_beyond_the_limit_is_dead,
                q4_crashes_use_up_attempts,
                q5_retries_wait_for_their_instant,
                q6_dead_jobs_are_listed_and_requeued,
                q6_the_depth_counts_every_state,
                q7_no_job_runs_early,
                q8_a_released_job_uses_no_attempt,
                q9_an_unreadable_payload_hinders_nobody,
                q10_no_job_is_lost_with_its_worker,
                q12_earlier_due_jobs_come_first,
            }
            queue_key {
                q11_jobs_of_one_key_run_one_by_one,
                q11_many_workers_keep_the_order,
                q11_a_waiting_retry_blocks_its_key,
                q11_a_released_job_keeps_its_place,
                q11_a_dead_job_blocks_nobody,
                q11_an_exhausted_job_blocks_nobody,
                q11_a_scheduled_job_blocks_nobody,
                q11_an_expired_lease_keeps_its_key,
            }
            scope {
                r1_a_random_world_is_shown_as_the_policy_says,
                r1_another_random_world_is_shown_as_the_policy_says,
                r1_an_empty_tenant_is_shown_nothing,
            }
            cancel {
                c7_a_dropped_commit_is_whole_or_absent,
                c7_dropped_queue_operations_lose_no_job,
                c7_dropped_reads_harm_nothing,
            }
        }
    };
}

/// Hands the scenarios of blobs to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __blob_scenarios {
    ($use:path, $($arguments:tt)*) => {
        $use! {
            $($arguments)*
            blob {
                b1_bytes_read_back,
                b2_the_same_bytes_again_change_nothing,
                b3_tenants_are_apart,
                b4_deleting_what_is_missing_succeeds,
                b5_other_bytes_are_corrupt,
            }
        }
    };
}

/// Hands the scenarios of mailers to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __mailer_scenarios {
    ($use:path, $($arguments:tt)*) => {
        $use! {
            $($arguments)*
            mailer {
                d1_a_mail_is_sent_once,
                d1_a_dropped_send_is_sent_once,
                d2_other_content_under_an_id_is_refused,
                d3_what_can_never_be_sent_is_invalid,
                d4_no_text_adds_a_header,
            }
        }
    };
}

/// Hands the scenarios of text indexes to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __text_index_scenarios {
    ($use:path, $($arguments:tt)*) => {
        $use! {
            $($arguments)*
            text_index {
                x1_hits_are_of_the_tenant_and_visibilities,
                x1_the_best_come_first,
                x2_the_cursor_survives_with_the_changes,
                x2_a_dropped_apply_is_whole_or_absent,
                x3_applying_again_changes_nothing,
                x4_searches_see_what_was_applied,
                x5_a_cleared_index_starts_anew,
                x6_any_text_is_a_valid_query,
                x7_pages_walk_one_list,
            }
        }
    };
}

/// Hands the scenarios of vector indexes to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __vector_index_scenarios {
    ($use:path, $($arguments:tt)*) => {
        $use! {
            $($arguments)*
            vector_index {
                v1_hits_are_of_the_tenant_and_visibilities,
                v1_a_language_narrows_the_search,
                v2_the_best_come_first,
                v2_scores_are_cosines,
                v2_nothing_better_is_missed,
                v3_a_small_tenant_gets_its_hits,
                v3_a_narrow_filter_gets_its_hits,
                v4_pages_walk_one_list,
                v9_queries_outside_of_their_ranges_are_refused,
            }
            vector_feed {
                v5_the_cursor_survives_with_the_changes,
                v5_a_dropped_apply_is_whole_or_absent,
                v6_searches_see_what_was_applied,
                v6_a_chunk_belongs_to_one_article,
                v7_applying_again_changes_nothing,
                v7_an_overtaken_batch_changes_nothing,
                v7_a_batch_after_a_gap_is_a_conflict,
                v7_followers_at_once_converge,
                v8_spaces_are_apart,
                v8_a_space_is_held_until_it_is_dropped,
                v9_embeddings_of_another_space_are_refused,
                v9_batches_beyond_their_limits_are_refused,
                v10_an_erased_article_is_in_no_space,
                v11_a_cleared_index_holds_no_space,
            }
        }
    };
}

/// Hands the scenarios of language models to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __language_model_scenarios {
    ($use:path, $($arguments:tt)*) => {
        $use! {
            $($arguments)*
            assistant {
                m1_citations_lie_within_the_passages,
                m2_without_passages_there_is_no_answer,
                m3_an_answer_has_text_and_citations,
            }
        }
    };
}

/// Hands the scenarios of classifiers to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __classifier_scenarios {
    ($use:path, $($arguments:tt)*) => {
        $use! {
            $($arguments)*
            assistant {
                k1_tenants_do_not_learn_from_each_other,
                k2_descriptions_alone_sort_texts,
                k3_training_replaces_what_was_learned,
                k4_equal_training_gives_equal_answers,
                k5_any_text_is_classified,
            }
        }
    };
}

/// Hands the scenarios of detectors of languages to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __detector_scenarios {
    ($use:path, $($arguments:tt)*) => {
        $use! {
            $($arguments)*
            assistant {
                l1_no_language_is_guessed,
            }
        }
    };
}

/// Hands the scenarios of templates to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __templates_scenarios {
    ($use:path, $($arguments:tt)*) => {
        $use! {
            $($arguments)*
            templates {
                n1_the_same_request_gives_the_same_mail,
                n2_the_subject_is_one_line_and_both_forms_tell_the_same,
                n3_data_is_text_in_html,
                n4_a_template_that_does_not_exist_is_not_found,
                n5_another_language_is_answered_in_the_usual_one,
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

mod mail;

pub use mail::{mail_parser_scenarios, sender_verifier_scenarios};

/// Returns every scenario of a store.
pub fn store_scenarios() -> Vec<Scenario<dyn Store>> {
    __store_scenarios! { table, dyn Store, }
}

/// Returns every scenario of a blob store.
pub fn blob_scenarios() -> Vec<Scenario<dyn BlobStore>> {
    __blob_scenarios! { table, dyn BlobStore, }
}

/// Returns every scenario of a mailer.
pub fn mailer_scenarios() -> Vec<Scenario<dyn Mailer>> {
    __mailer_scenarios! { table, dyn Mailer, }
}

/// Returns every scenario of a text index.
pub fn text_index_scenarios() -> Vec<Scenario<dyn TextIndex>> {
    __text_index_scenarios! { table, dyn TextIndex, }
}

/// Returns every scenario of a vector index.
pub fn vector_index_scenarios() -> Vec<Scenario<dyn VectorIndex>> {
    __vector_index_scenarios! { table, dyn VectorIndex, }
}

/// Returns every scenario of a language model.
pub fn language_model_scenarios() -> Vec<Scenario<dyn LanguageModel>> {
    __language_model_scenarios! { table, dyn LanguageModel, }
}

/// Returns every scenario of a classifier.
pub fn classifier_scenarios() -> Vec<Scenario<dyn Classifier>> {
    __classifier_scenarios! { table, dyn Classifier, }
}

/// Returns every scenario of a detector of languages.
pub fn detector_scenarios() -> Vec<Scenario<dyn LanguageDetector>> {
    __detector_scenarios! { table, dyn LanguageDetector, }
}

/// Returns every scenario of templates.
pub fn templates_scenarios() -> Vec<Scenario<dyn Templates>> {
    __templates_scenarios! { table, dyn Templates, }
}
