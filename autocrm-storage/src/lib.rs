//! autocrm-storage
