//! Searches that somebody keeps under a name, for himself or for all.

use super::{Records, RecordsError, Tx, millis, text, time};
use jiff::Timestamp;
use serde::Serialize;
use sqlx::{Row, any::AnyRow};

const COLUMNS: &str = "id, owner, name, query, shared, created_at, changed_at";

/// A search that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SavedSearch {
    /// Its id.
    pub id: String,
    /// Who keeps it.
    pub owner: String,
    /// What it is called.
    pub name: String,
    /// What stands behind the `?` of the search page's address.
    pub query: String,
    /// Whether others see it.
    pub shared: bool,
    /// When it was saved first.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub changed_at: Timestamp,
}

fn saved(row: &AnyRow) -> Result<SavedSearch, RecordsError> {
    Ok(SavedSearch {
        id: row.try_get("id")?,
        owner: row.try_get("owner")?,
        name: row.try_get("name")?,
        query: row.try_get("query")?,
        shared: row.try_get::<i64, _>("shared")? != 0,
        created_at: time(row.try_get("created_at")?),
        changed_at: time(row.try_get("changed_at")?),
    })
}

impl Records {
    /// Those that somebody keeps, and those that others share, by name.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn searches(&self, who: &str, most: u32) -> Result<Vec<SavedSearch>, RecordsError> {
        // His own come first, so that no flood of shared ones cuts them off.
        let query = format!(
            "SELECT {COLUMNS} FROM searches WHERE owner = $1 OR shared = 1
             ORDER BY CASE WHEN owner = $1 THEN 0 ELSE 1 END, name, id LIMIT $2"
        );
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(query)).bind(text(who)).bind(i64::from(most)).fetch_all(&self.pool).await?;
        rows.iter().map(saved).collect()
    }
}

impl Tx {
    /// A search that is kept, whoever keeps it.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn search(&mut self, id: &str) -> Result<Option<SavedSearch>, RecordsError> {
        let query = format!("SELECT {COLUMNS} FROM searches WHERE id = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(query)).bind(text(id)).fetch_optional(&mut *self.tx).await?;
        row.as_ref().map(saved).transpose()
    }

    /// How many searches somebody keeps.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn searches_of(&mut self, owner: &str) -> Result<i64, RecordsError> {
        let row = sqlx::query("SELECT COUNT(*) AS n FROM searches WHERE owner = $1")
            .bind(text(owner))
            .fetch_one(&mut *self.tx)
            .await?;
        Ok(row.try_get("n")?)
    }

    /// Keeps a search, or what has become of it; its owner and when it was saved first stay as they were.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn save_search(&mut self, search: &SavedSearch) -> Result<(), RecordsError> {
        sqlx::query(
            "INSERT INTO searches (id, owner, name, query, shared, created_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, query = excluded.query, shared = excluded.shared,
             changed_at = excluded.changed_at",
        )
        .bind(text(&search.id))
        .bind(text(&search.owner))
        .bind(text(&search.name))
        .bind(text(&search.query))
        .bind(i64::from(search.shared))
        .bind(millis(search.created_at))
        .bind(millis(search.changed_at))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Forgets a search; `false` when there was none.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn forget_search(&mut self, id: &str) -> Result<bool, RecordsError> {
        let done = sqlx::query("DELETE FROM searches WHERE id = $1").bind(text(id)).execute(&mut *self.tx).await?;
        Ok(done.rows_affected() == 1)
    }
}
