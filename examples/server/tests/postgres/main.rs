//! The program on PostgreSQL: on the server that `AUTOCRM_TEST_POSTGRES_URL` names, and on private ones.

#![cfg(unix)]

mod desk;
mod failure;
mod move_over;
mod node;
mod nodes;
#[path = "../../../../autocrm-storage/tests/postgres/support.rs"]
#[expect(dead_code, reason = "the store's own tests use more of it")]
mod support;
