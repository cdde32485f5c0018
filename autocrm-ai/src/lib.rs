//! autocrm-ai
