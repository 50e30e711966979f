//! The audit record: entries are added, never changed, and each is chained to the one before.
//!
//! `hash(n) = SHA-256(JSON [hash(n - 1), n, id, at in ms, who, role, action, object, detail])`, as hex, with an empty text before the
//! first. Who changes an entry, leaves one out or slips one in must write all later hashes anew, and whoever has written down one of
//! those (`wanglou audit verify` prints the last) finds it out.

use super::{Records, RecordsError, Tx, json, millis, text, time, unjson};
use schemas::records::{AuditEntry, Record};
use sha2::{Digest, Sha256};
use sqlx::{AnyConnection, AnyPool, Row, any::AnyRow};

/// Entries that are read at once.
const AT_ONCE: i64 = 5_000;

/// A place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// How many entries there are up to here.
    pub seq: u64,
    /// The hash, as hex; empty before the first entry.
    pub hash: String,
}

/// Whether the chain holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chain {
    /// From the first entry to this one.
    Whole(Link),
    /// Up to an entry.
    Broken {
        /// The number of the first entry that is not as it was.
        seq: u64,
        /// What is wrong there.
        what: String,
    },
}

impl Tx {
    /// Adds an entry. The id makes a repeat harmless: `audit/0/17` for what came from the topic, a random one otherwise.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn audit(&mut self, id: &str, entry: &AuditEntry) -> Result<(), RecordsError> {
        let mut head = lock(&mut self.tx).await?;
        if sqlx::query("SELECT 1 FROM audit WHERE id = $1").bind(id).fetch_optional(&mut *self.tx).await?.is_some() {
            return Ok(());
        }
        // As it is kept, so that it is hashed as it is read.
        let entry = AuditEntry {
            who: text(&entry.who),
            action: text(&entry.action),
            object: text(&entry.object),
            detail: text(&entry.detail),
            ..entry.clone()
        };
        sqlx::query(
            "INSERT INTO audit (id, at, who, role, action, object, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(id)
        .bind(millis(entry.at))
        .bind(&entry.who)
        .bind(json(&entry.role))
        .bind(&entry.action)
        .bind(&entry.object)
        .bind(&entry.detail)
        .execute(&mut *self.tx)
        .await?;
        head = append(&mut self.tx, head, id, &entry).await?;
        save(&mut self.tx, &head).await
    }
}

/// Chains what an earlier program has written.
pub(super) async fn adopt(connection: &mut AnyConnection) -> Result<(), RecordsError> {
    let mut head = lock(connection).await?;
    let rows = sqlx::query(
        "SELECT id, at, who, role, action, object, detail FROM audit
         WHERE NOT EXISTS (SELECT 1 FROM audit_chain WHERE audit_chain.id = audit.id) ORDER BY at, id",
    )
    .fetch_all(&mut *connection)
    .await?;
    if rows.is_empty() {
        return Ok(());
    }
    for row in &rows {
        let id: String = row.try_get("id")?;
        head = append(connection, head, &id, &entry(row)?).await?;
    }
    save(connection, &head).await
}

/// The chain's end, which nobody else changes before this change is done.
async fn lock(connection: &mut AnyConnection) -> Result<Link, RecordsError> {
    sqlx::query("UPDATE audit_head SET seq = seq WHERE name = 'audit'").execute(&mut *connection).await?;
    let row = sqlx::query("SELECT seq, hash FROM audit_head WHERE name = 'audit'").fetch_one(connection).await?;
    link(&row)
}

async fn append(
    connection: &mut AnyConnection,
    head: Link,
    id: &str,
    entry: &AuditEntry,
) -> Result<Link, RecordsError> {
    let next = next(&head, id, entry);
    sqlx::query("INSERT INTO audit_chain (seq, id, hash) VALUES ($1, $2, $3)")
        .bind(next.seq.cast_signed())
        .bind(id)
        .bind(&next.hash)
        .execute(connection)
        .await?;
    Ok(next)
}

async fn save(connection: &mut AnyConnection, head: &Link) -> Result<(), RecordsError> {
    sqlx::query("UPDATE audit_head SET seq = $1, hash = $2 WHERE name = 'audit'")
        .bind(head.seq.cast_signed())
        .bind(&head.hash)
        .execute(connection)
        .await?;
    Ok(())
}

/// The link that follows.
fn next(before: &Link, id: &str, entry: &AuditEntry) -> Link {
    let AuditEntry { v: _, at, who, role, action, object, detail } = entry;
    let seq = before.seq + 1;
    let told = json(&(&before.hash, seq, id, millis(*at), who, role, action, object, detail));
    let hash = Sha256::digest(told.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    Link { seq, hash }
}

fn link(row: &AnyRow) -> Result<Link, RecordsError> {
    let seq: i64 = row.try_get("seq")?;
    Ok(Link { seq: seq.cast_unsigned(), hash: row.try_get("hash")? })
}

fn entry(row: &AnyRow) -> Result<AuditEntry, RecordsError> {
    Ok(AuditEntry {
        v: AuditEntry::VERSION,
        at: time(row.try_get("at")?),
        who: row.try_get("who")?,
        role: unjson("an audit entry's role", row.try_get("role")?)?,
        action: row.try_get("action")?,
        object: row.try_get("object")?,
        detail: row.try_get("detail")?,
    })
}

impl Records {
    /// The youngest entries, the youngest first.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn audit_entries(&self, most: u32) -> Result<Vec<AuditEntry>, RecordsError> {
        let rows =
            sqlx::query("SELECT at, who, role, action, object, detail FROM audit ORDER BY at DESC, id DESC LIMIT $1")
                .bind(i64::from(most))
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(entry).collect()
    }

    /// Reckons the chain again from the first entry on. `known` is a link that somebody has written down: the chain must pass through it.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn verify_audit(&self, known: Option<&Link>) -> Result<Chain, RecordsError> {
        // What is added meanwhile comes after this end.
        let end = sqlx::query("SELECT seq, hash FROM audit_head WHERE name = 'audit'").fetch_one(&self.pool).await?;
        let end = link(&end)?;
        let mut head = Link::default();
        loop {
            let rows = read(&self.pool, head.seq, end.seq).await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                let (kept, seq) = (link(row)?, head.seq + 1);
                let broken = |what: String| Ok(Chain::Broken { seq, what });
                if kept.seq != seq {
                    return broken("entries are missing: the chain goes on with a later number".into());
                }
                let id: String = row.try_get("id")?;
                if row.try_get::<Option<i64>, _>("at")?.is_none() {
                    return broken(format!("the entry {id:?} is gone"));
                }
                head = next(&head, &id, &entry(row)?);
                if head != kept {
                    return broken(format!("the entry {id:?}, or the one before it, is not as it was written"));
                }
                if known.is_some_and(|known| known.seq == seq && known.hash != head.hash) {
                    return broken(
                        "its hash is not the one that you know: all from some earlier entry on was written anew".into(),
                    );
                }
            }
        }
        let broken = |seq: u64, what: &str| Ok(Chain::Broken { seq, what: what.into() });
        if head != end {
            return broken(head.seq + 1, "the chain's end is missing");
        }
        if known.is_some_and(|known| known.seq > head.seq) {
            return broken(head.seq + 1, "the chain ends before the link that you know");
        }
        let strangers: i64 = sqlx::query(
            "SELECT COUNT(*) AS count FROM audit WHERE NOT EXISTS (SELECT 1 FROM audit_chain WHERE audit_chain.id = audit.id)",
        )
        .fetch_one(&self.pool)
        .await?
        .try_get("count")?;
        if strangers > 0 {
            return broken(head.seq + 1, &format!("{strangers} entries stand in the record and not in the chain"));
        }
        Ok(Chain::Whole(head))
    }
}

async fn read(pool: &AnyPool, after: u64, to: u64) -> Result<Vec<AnyRow>, RecordsError> {
    Ok(sqlx::query(
        "SELECT chain.seq AS seq, chain.hash AS hash, chain.id AS id, audit.at AS at, audit.who AS who, audit.role AS role,
                audit.action AS action, audit.object AS object, audit.detail AS detail
         FROM audit_chain AS chain LEFT JOIN audit ON audit.id = chain.id
         WHERE chain.seq > $1 AND chain.seq <= $2 ORDER BY chain.seq LIMIT $3",
    )
    .bind(after.cast_signed())
    .bind(to.cast_signed())
    .bind(AT_ONCE)
    .fetch_all(pool)
    .await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::kit::auth::Role;

    /// Computed with Python: `sha256(json.dumps(["",1,"a/1",1795000000000,"王敏","operator","acked","20261124-0001","签收"],
    /// ensure_ascii=False, separators=(",",":")).encode()).hexdigest()`.
    #[test]
    fn the_hash_is_that_of_another_implementation() {
        let entry = AuditEntry {
            v: AuditEntry::VERSION,
            at: time(1_795_000_000_000),
            who: "王敏".into(),
            role: Role::Operator,
            action: "acked".into(),
            object: "20261124-0001".into(),
            detail: "签收".into(),
        };
        let link = next(&Link::default(), "a/1", &entry);
        assert_eq!(
            (link.seq, link.hash.as_str()),
            (1, "1dfc8f931a9353f632912068f7bab607b1f8c482e5391733df84ca92216f441c")
        );
        assert_ne!(next(&link, "a/1", &entry).hash, link.hash);
    }
}
