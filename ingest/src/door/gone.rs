//! placeholder until the marks land
use super::Door;
use jiff::Timestamp;
use schemas::log::LogError;
/// A post that is gone.
#[derive(Debug, Clone)]
#[allow(dead_code)]
pub struct Gone {
    /// source
    pub source: String,
    /// id
    pub native_id: String,
    /// when
    pub seen_gone_at: Timestamp,
    /// why
    pub reason: String,
}
impl Door {
    /// Marks.
    #[allow(clippy::unused_async)]
    pub async fn gone(&self, gone: &[Gone]) -> Result<u64, LogError> {
        Ok(gone.len() as u64)
    }
}
