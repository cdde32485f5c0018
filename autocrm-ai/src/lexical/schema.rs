//! The fields of the index.

use autocrm_core::{
    access::ArticleVisibility,
    id::{ArticleId, TenantId},
};
use tantivy::{
    Term,
    schema::{
        BytesOptions, Field, IndexRecordOption, NumericOptions, STRING, Schema, SchemaBuilder,
        TextFieldIndexing, TextOptions,
    },
};

/// The names of the columns that hold the chunk's id, in the order of their significance.
pub(crate) const CHUNK_COLUMNS: [&str; 2] = ["chunk_high", "chunk_low"];

/// The names of the columns that hold the article's id.
pub(crate) const ARTICLE_COLUMNS: [&str; 2] = ["article_high", "article_low"];

/// The name of the column that holds the digest of the article as it was applied.
pub(crate) const DIGEST_COLUMN: &str = "digest";

/// The schema and its fields.
#[derive(Debug, Clone)]
pub(crate) struct Fields {
    pub(crate) schema: Schema,
    /// Tenant and visibility in one term: a query cannot name one without the other.
    pub(crate) audience: Field,
    /// Tenant and article in one term: what `Replace` and `Remove` delete.
    pub(crate) article: Field,
    pub(crate) language: Field,
    pub(crate) title: Field,
    /// Title, headings and passage.
    pub(crate) body: Field,
    pub(crate) chunk_columns: [Field; 2],
    pub(crate) article_columns: [Field; 2],
    pub(crate) digest: Field,
}

impl Fields {
    pub(crate) fn new() -> Self {
        let mut builder = SchemaBuilder::default();
        let key = BytesOptions::default().set_indexed();
        let words = TextOptions::default().set_indexing_options(
            // Terms come from our own analysis; the tokenizer is never asked.
            TextFieldIndexing::default().set_tokenizer("raw").set_index_option(IndexRecordOption::WithFreqs),
        );
        let column = NumericOptions::default().set_fast();
        let audience = builder.add_bytes_field("audience", key.clone());
        let article = builder.add_bytes_field("article", key);
        let language = builder.add_text_field("language", STRING);
        let title = builder.add_text_field("title", words.clone());
        let body = builder.add_text_field("body", words);
        let chunk_columns = CHUNK_COLUMNS.map(|name| builder.add_u64_field(name, column.clone()));
        let article_columns = ARTICLE_COLUMNS.map(|name| builder.add_u64_field(name, column.clone()));
        let digest = builder.add_u64_field(DIGEST_COLUMN, column);
        let schema = builder.build();
        Self { schema, audience, article, language, title, body, chunk_columns, article_columns, digest }
    }

    pub(crate) fn audience_term(&self, tenant: TenantId, visibility: ArticleVisibility) -> Term {
        Term::from_field_bytes(self.audience, &audience_key(tenant, visibility))
    }

    pub(crate) fn article_term(&self, tenant: TenantId, article: ArticleId) -> Term {
        Term::from_field_bytes(self.article, &article_key(tenant, article))
    }
}

pub(crate) fn audience_key(tenant: TenantId, visibility: ArticleVisibility) -> [u8; 17] {
    let code = match visibility {
        ArticleVisibility::Public => 0,
        ArticleVisibility::Tenant => 1,
        ArticleVisibility::Internal => 2,
    };
    let mut key = [code; 17];
    let (id, _) = key.split_at_mut(16);
    id.copy_from_slice(tenant.as_uuid().as_bytes());
    key
}

pub(crate) fn article_key(tenant: TenantId, article: ArticleId) -> [u8; 32] {
    let mut key = [0; 32];
    let (left, right) = key.split_at_mut(16);
    left.copy_from_slice(tenant.as_uuid().as_bytes());
    right.copy_from_slice(article.as_uuid().as_bytes());
    key
}
