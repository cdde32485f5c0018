//! From a change of an article to the documents of its passages.

use autocrm_core::{
    access::ArticleVisibility,
    id::{ArticleId, TenantId},
    port::IndexedChunk,
    text::Language,
};
use tantivy::{
    TantivyDocument,
    tokenizer::{PreTokenizedString, Token},
};

use super::{
    analyze::terms,
    schema::{Fields, article_key, audience_key},
};
use crate::{hash::Fnv1a, words::Stemmer};

/// The language under which articles of unknown language are listed (ISO 639-2, "undetermined").
pub(crate) const UNDETERMINED: &str = "und";

/// An article as it is to be searched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ArticleText<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) article: ArticleId,
    pub(crate) title: &'a str,
    pub(crate) visibility: ArticleVisibility,
    pub(crate) language: Option<&'a Language>,
    pub(crate) chunks: &'a [IndexedChunk],
}

impl ArticleText<'_> {
    /// Returns a digest of everything that a search could tell apart.
    pub(crate) fn digest(&self) -> u64 {
        let mut digest = Fnv1a::new();
        digest.add(&audience_key(self.tenant, self.visibility));
        digest.add_text(self.title);
        digest.add_text(self.language.map_or(UNDETERMINED, Language::as_str));
        for chunk in self.chunks {
            digest.add(chunk.id.as_uuid().as_bytes());
            digest.add_text(&chunk.heading);
            digest.add_text(&chunk.text);
        }
        digest.finish()
    }

    /// Returns one document per passage.
    pub(crate) fn documents(&self, fields: &Fields) -> Vec<TantivyDocument> {
        let language = self.language.map_or(UNDETERMINED, Language::as_str);
        let stemmer = Stemmer::of(Some(language));
        let title = terms(self.title, &stemmer);
        let digest = self.digest();
        let mut documents = Vec::with_capacity(self.chunks.len());
        for chunk in self.chunks {
            let mut body = title.clone();
            body.extend(terms(&chunk.heading, &stemmer));
            body.extend(terms(&chunk.text, &stemmer));
            let mut document = TantivyDocument::new();
            document.add_bytes(fields.audience, &audience_key(self.tenant, self.visibility));
            document.add_bytes(fields.article, &article_key(self.tenant, self.article));
            document.add_text(fields.language, language);
            document.add_pre_tokenized_text(fields.title, analysed(title.clone()));
            document.add_pre_tokenized_text(fields.body, analysed(body));
            add_id(&mut document, fields.chunk_columns, chunk.id.as_uuid().as_u64_pair());
            add_id(&mut document, fields.article_columns, self.article.as_uuid().as_u64_pair());
            document.add_u64(fields.digest, digest);
            documents.push(document);
        }
        documents
    }
}

fn add_id(document: &mut TantivyDocument, columns: [tantivy::schema::Field; 2], (high, low): (u64, u64)) {
    document.add_u64(columns[0], high);
    document.add_u64(columns[1], low);
}

fn analysed(terms: Vec<String>) -> PreTokenizedString {
    let token = |(position, text): (usize, String)| Token {
        offset_from: 0,
        offset_to: 0,
        position,
        text,
        position_length: 1,
    };
    PreTokenizedString { text: String::new(), tokens: terms.into_iter().enumerate().map(token).collect() }
}
