//! autocrm-email
