//! Posts that were seen and are there no more: marks in `posts.raw`.
//!
//! | the memory of what was seen says of the post | outcome |
//! |---|---|
//! | it is gone | spared |
//! | anything else, or nothing | a mark is appended; then it is gone in memory too, so that its return is not spared |
//!
//! What a mark does to a post, and to one that nobody knows, is analyze's to decide.

use super::{Door, blocking, line::readable};
use jiff::Timestamp;
use schemas::{
    log::{LogError, NewRecord, Topic, partition_of},
    records::{self, Record, post_id},
};

/// A post that is seen to be gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Its source.
    pub source: String,
    /// The source's own id of it.
    pub native_id: String,
    /// When it was first seen to be gone.
    pub seen_gone_at: Timestamp,
    /// By what, for a person: `HTTP 404`.
    pub reason: String,
}

impl Gone {
    fn record(&self) -> records::Gone {
        records::Gone {
            v: records::Gone::VERSION,
            id: post_id(&self.source, &self.native_id),
            source: self.source.clone(),
            native_id: self.native_id.clone(),
            gone_at: self.seen_gone_at,
            reason: readable(&self.reason),
        }
    }
}

impl Door {
    /// Marks posts as gone, each in its own partition, and returns how many marks are new. They are durable when this returns.
    ///
    /// # Errors
    /// When the log cannot take them. Handing all in again is safe.
    pub async fn gone(&self, gone: &[Gone]) -> Result<u64, LogError> {
        let hashing = self.seen().hashing();
        let marks: Vec<_> = gone.iter().map(Gone::record).collect();
        let prints: Vec<_> = marks.iter().map(|mark| hashing.gone(&mark.id)).collect();
        let known = {
            let (door, prints) = (self.clone(), prints.clone());
            blocking(move || door.seen().knows(&prints)).await?
        };
        let (mut records, mut new) = (Vec::new(), Vec::new());
        for ((mark, print), _) in marks.iter().zip(prints).zip(known).filter(|(_, known)| !known) {
            let partition = partition_of(&mark.id, self.0.partitions);
            records.push(NewRecord { partition, key: None, value: mark.encode() });
            new.push(print);
        }
        if !records.is_empty() {
            let positions = self.0.log.append(Topic::PostsRaw, records).await?;
            self.seen().mark_appended(&new, &positions);
        }
        Ok(new.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::{
        kit::settings::Settings,
        log::{Embedded, EmbeddedOptions, Position, SharedLog},
        records::{DoorPost, RawRecord, Via},
    };
    use std::{path::Path, sync::Arc, time::Duration};

    fn post(native_id: &str) -> DoorPost {
        let line = serde_json::json!({
            "source": "forum", "native_id": native_id, "kind": "post", "text": "停水", "published_at": "2026-11-24T10:00:00Z",
        });
        serde_json::from_value(line).unwrap()
    }

    fn gone(native_id: &str) -> Gone {
        Gone {
            source: "forum".into(),
            native_id: native_id.into(),
            seen_gone_at: "2026-11-24T12:00:00Z".parse().unwrap(),
            reason: "HTTP 404".into(),
        }
    }

    async fn door(folder: &Path, log: &SharedLog) -> Door {
        let settings = Settings::parse(&format!("data_dir = {:?}", folder.display().to_string()), []).unwrap();
        Door::open(&settings, log.clone()).await.unwrap()
    }

    /// What `posts.raw` holds of a post: the offset of each record, and whether it is a mark.
    async fn records(log: &SharedLog, id: &str) -> Vec<bool> {
        let partition = partition_of(id, log.describe(Topic::PostsRaw).await.unwrap().partitions);
        let mut reader = log.reader(Topic::PostsRaw, vec![Position { partition, offset: 0 }]).await.unwrap();
        let batch = reader.next(100, Duration::from_secs(60)).await.unwrap().unwrap();
        let records = batch.entries.iter().map(|entry| RawRecord::decode(&entry.value).unwrap());
        let of_post = records.filter_map(|record| match record {
            RawRecord::Post(post) => (post.id == id).then_some(false),
            RawRecord::Gone(gone) => (gone.id == id).then_some(true),
        });
        of_post.collect()
    }

    #[tokio::test]
    async fn a_mark_lies_beside_its_post_and_a_return_is_not_spared() {
        let folder = tempfile::tempdir().unwrap();
        let log: SharedLog = Arc::new(Embedded::open(&EmbeddedOptions::new(folder.path().join("log"))).unwrap());
        let door = self::door(folder.path(), &log).await;
        assert_eq!(door.take_posts(vec![post("1")], Via::Crawl).await.unwrap().accepted, 1);
        assert_eq!(door.gone(&[gone("1")]).await.unwrap(), 1);
        assert_eq!(door.gone(&[gone("1")]).await.unwrap(), 0, "said twice");
        // A door that is opened anew reads the marks back too.
        let door = self::door(folder.path(), &log).await;
        assert_eq!(door.gone(&[gone("1")]).await.unwrap(), 0, "said again after a restart");
        let back = door.take_posts(vec![post("1"), post("1")], Via::Crawl).await.unwrap();
        assert_eq!((back.accepted, back.duplicate), (1, 1), "it is back, and then known");
        assert_eq!(records(&log, "forum:1").await, [false, true, false]);
        assert_eq!(door.gone(&[gone("1")]).await.unwrap(), 1, "gone once more");
    }
}
