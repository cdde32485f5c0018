//! autocrm-core
