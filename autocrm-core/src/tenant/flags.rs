//! The feature flags of the specification, per tenant.

use serde::{Deserialize, Serialize};

/// What is switched on for a tenant. On the wire the names are those of the specification (`aiResponses` …).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each flag is one switch of the specification")]
pub struct FeatureFlags {
    /// Answers are drafted; off: tickets are analysed and routed only.
    pub ai_responses: bool,
    /// Retrieval uses vectors beside words, when an embedder is present.
    pub vector_search: bool,
    /// Chat messages are accepted.
    pub realtime_chat: bool,
    /// The language of a message is detected and used.
    pub multi_language: bool,
    /// Switches for what is not ready.
    pub beta_features: BetaFeatures,
}

/// Flags that exist, default to off and gate nothing yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct BetaFeatures {
    /// Voice support.
    pub voice_support: bool,
    /// Video chat.
    pub video_chat: bool,
}

impl Default for FeatureFlags {
    fn default() -> Self {
        Self {
            ai_responses: true,
            vector_search: true,
            realtime_chat: true,
            multi_language: true,
            beta_features: BetaFeatures::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_names_are_those_of_the_specification() {
        let json = serde_json::to_string(&FeatureFlags::default()).unwrap();
        assert_eq!(
            json,
            r#"{"aiResponses":true,"vectorSearch":true,"realtimeChat":true,"multiLanguage":true,"betaFeatures":{"voiceSupport":false,"videoChat":false}}"#
        );
        assert!(serde_json::from_str::<FeatureFlags>(r#"{"airesponses":true}"#).is_err());
    }
}
