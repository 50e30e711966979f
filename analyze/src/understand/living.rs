//! What is understood by now. Watch topics and words change while the program runs; whoever holds this sees each renewal from the
//! next post, batch or search on, and what is under way ends with what it began with.

use super::Understanding;
use std::sync::{Arc, PoisonError, RwLock};

/// The understanding that stands.
#[derive(Clone)]
pub struct Living(Arc<RwLock<Arc<Understanding>>>);

impl Living {
    /// What stands now.
    #[must_use]
    pub fn get(&self) -> Arc<Understanding> {
        // A holder that panicked has left a whole one: it is replaced in one step.
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another in its place.
    pub fn replace(&self, understanding: Arc<Understanding>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = understanding;
    }
}

impl From<Arc<Understanding>> for Living {
    fn from(understanding: Arc<Understanding>) -> Self {
        Self(Arc::new(RwLock::new(understanding)))
    }
}
