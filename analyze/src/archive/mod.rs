//! Verdicts, tantivy, search.
