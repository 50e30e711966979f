//! Incidents, their histories and their feed.

use super::{Records, RecordsError, Tx, json, millis, text, time, unjson};
use crate::incident::File;
use schemas::records::{Event, Incident, IncidentRecord, Record, State};
use sqlx::{Any, Executor, Row, any::AnyRow};

fn file(row: &AnyRow) -> Result<File, RecordsError> {
    let id: String = row.try_get("id")?;
    Ok(File {
        incident: unjson(&id, row.try_get("body")?)?,
        matter: unjson(&id, row.try_get("matter")?)?,
        seq: row.try_get::<i64, _>("seq")?.unsigned_abs(),
        revision: row.try_get("revision")?,
        fresh: Vec::new(),
    })
}

async fn by_id<'c>(on: impl Executor<'c, Database = Any>, id: &str) -> Result<Option<File>, RecordsError> {
    let row = sqlx::query("SELECT id, seq, revision, body, matter FROM incidents WHERE id = $1")
        .bind(text(id))
        .fetch_optional(on)
        .await?;
    row.as_ref().map(file).transpose()
}

impl Records {
    /// An incident's file.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn incident(&self, id: &str) -> Result<Option<File>, RecordsError> {
        by_id(&self.pool, id).await
    }

    /// The youngest incident that a topic belonged to at an instant, whether it is open or not.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn incident_of(&self, topic: &str, at: jiff::Timestamp) -> Result<Option<Incident>, RecordsError> {
        let row = sqlx::query(
            "SELECT id, body FROM incidents JOIN incident_topics ON incident_topics.incident = incidents.id
             WHERE incident_topics.topic = $1 AND incident_topics.since <= $2
             ORDER BY incident_topics.since DESC, open DESC, LENGTH(id) DESC, id DESC LIMIT 1",
        )
        .bind(text(topic))
        .bind(millis(at))
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| unjson(row.try_get("id")?, row.try_get("body")?)).transpose()
    }

    /// Incidents, the youngest first; `open` chooses those that are not closed, or those that are.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn incidents(&self, open: Option<bool>, most: u32) -> Result<Vec<Incident>, RecordsError> {
        let (low, high) = open.map_or((0, 1), |open| (i64::from(open), i64::from(open)));
        let rows = sqlx::query(
            "SELECT id, body FROM incidents WHERE open >= $1 AND open <= $2 ORDER BY opened_at DESC, id DESC LIMIT $3",
        )
        .bind(low)
        .bind(high)
        .bind(i64::from(most))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| unjson(row.try_get("id")?, row.try_get("body")?)).collect()
    }

    /// Incidents that were opened since an instant, the youngest first.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn incidents_since(&self, since: jiff::Timestamp, most: u32) -> Result<Vec<Incident>, RecordsError> {
        let rows = sqlx::query(
            "SELECT id, body FROM incidents WHERE opened_at >= $1 ORDER BY opened_at DESC, id DESC LIMIT $2",
        )
        .bind(millis(since))
        .bind(i64::from(most))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| unjson(row.try_get("id")?, row.try_get("body")?)).collect()
    }

    /// All incidents that are not closed, each with the moment at which time alone has something to do to it, as it is stored: in
    /// milliseconds.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn open_with_due(&self) -> Result<Vec<(File, Option<jiff::Timestamp>)>, RecordsError> {
        let rows = sqlx::query("SELECT id, seq, revision, body, matter, due_at FROM incidents WHERE open = 1")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|row| Ok((file(row)?, row.try_get::<Option<i64>, _>("due_at")?.map(time)))).collect()
    }

    /// How many incidents are not closed, but for those that are only practised.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn open_incidents(&self) -> Result<i64, RecordsError> {
        Ok(sqlx::query("SELECT COUNT(*) AS n FROM incidents WHERE open = 1 AND drill = 0")
            .fetch_one(&self.pool)
            .await?
            .try_get("n")?)
    }

    /// An incident's history, the first event first.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn history(&self, id: &str) -> Result<Vec<Event>, RecordsError> {
        let rows = sqlx::query("SELECT seq, at, who, action, text FROM events WHERE incident = $1 ORDER BY seq")
            .bind(text(id))
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Event {
                    seq: row.try_get::<i64, _>("seq")?.unsigned_abs(),
                    at: time(row.try_get("at")?),
                    who: row.try_get("who")?,
                    action: row.try_get("action")?,
                    text: row.try_get("text")?,
                })
            })
            .collect()
    }

    /// Ids of incidents to which time alone has something to do, the longest due first.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn due(&self, now: jiff::Timestamp) -> Result<Vec<String>, RecordsError> {
        let rows = sqlx::query("SELECT id FROM incidents WHERE due_at <= $1 ORDER BY due_at LIMIT 500")
            .bind(millis(now))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
    }

    /// Records of the topic `incidents` that are not appended yet, in order, and the place of the last.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn feed(&self, most: u32) -> Result<Option<(i64, Vec<(String, String)>)>, RecordsError> {
        let rows = sqlx::query("SELECT position, incident, record FROM feed ORDER BY position LIMIT $1")
            .bind(i64::from(most))
            .fetch_all(&self.pool)
            .await?;
        let Some(last) = rows.last() else { return Ok(None) };
        let records = rows.iter().map(|row| Ok((row.try_get("incident")?, row.try_get("record")?)));
        Ok(Some((last.try_get("position")?, records.collect::<Result<_, sqlx::Error>>()?)))
    }
}

impl Tx {
    /// Forgets the feed up to a place: it is on the topic.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn fed(&mut self, through: i64) -> Result<(), RecordsError> {
        sqlx::query("DELETE FROM feed WHERE position <= $1").bind(through).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// An incident's file.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn incident(&mut self, id: &str) -> Result<Option<File>, RecordsError> {
        by_id(&mut *self.tx, id).await
    }

    /// The youngest incident of a topic.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn youngest_of(&mut self, topic: &str) -> Result<Option<File>, RecordsError> {
        let row = sqlx::query(
            "SELECT id, seq, revision, body, matter FROM incidents
             JOIN incident_topics ON incident_topics.incident = incidents.id WHERE incident_topics.topic = $1
             ORDER BY incident_topics.since DESC, open DESC, LENGTH(id) DESC, id DESC LIMIT 1",
        )
        .bind(text(topic))
        .fetch_optional(&mut *self.tx)
        .await?;
        row.as_ref().map(file).transpose()
    }

    /// Topics that have an incident that is not closed.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn open_topics(&mut self) -> Result<std::collections::HashSet<String>, RecordsError> {
        let rows = sqlx::query(
            "SELECT DISTINCT incident_topics.topic AS topic FROM incidents
             JOIN incident_topics ON incident_topics.incident = incidents.id WHERE open = 1",
        )
        .fetch_all(&mut *self.tx)
        .await?;
        rows.iter().map(|row| Ok(row.try_get("topic")?)).collect()
    }

    /// Incidents that are not closed and were opened since, the youngest first, at most `most`.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn opened_since(&mut self, since: jiff::Timestamp, most: u32) -> Result<Vec<File>, RecordsError> {
        let rows = sqlx::query(
            "SELECT id, seq, revision, body, matter FROM incidents WHERE open = 1 AND opened_at >= $1
             ORDER BY opened_at DESC, LENGTH(id) DESC, id DESC LIMIT $2",
        )
        .bind(millis(since))
        .bind(i64::from(most))
        .fetch_all(&mut *self.tx)
        .await?;
        rows.iter().map(file).collect()
    }

    /// A topic belongs to an incident no longer.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn leave(&mut self, topic: &str, incident: &str) -> Result<(), RecordsError> {
        sqlx::query("DELETE FROM incident_topics WHERE topic = $1 AND incident = $2")
            .bind(text(topic))
            .bind(text(incident))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// What an event of an incident's history says.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn event_text(&mut self, incident: &str, seq: u64) -> Result<Option<String>, RecordsError> {
        let row = sqlx::query("SELECT text FROM events WHERE incident = $1 AND seq = $2")
            .bind(text(incident))
            .bind(seq as i64)
            .fetch_optional(&mut *self.tx)
            .await?;
        Ok(row.map(|row| row.try_get("text")).transpose()?)
    }

    /// The id of the next incident of a day: `20261124-0007`.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn next_id(&mut self, day: &str) -> Result<String, RecordsError> {
        let row = sqlx::query("SELECT id FROM incidents WHERE id LIKE $1 ORDER BY LENGTH(id) DESC, id DESC LIMIT 1")
            .bind(format!("{day}-%"))
            .fetch_optional(&mut *self.tx)
            .await?;
        let last: Option<String> = row.map(|row| row.try_get("id")).transpose()?;
        let number = last.and_then(|id| id.rsplit('-').next()?.parse().ok()).unwrap_or(0_u64);
        Ok(format!("{day}-{:04}", number + 1))
    }

    /// Writes a file: its row, its new events, and their records for the topic `incidents`.
    ///
    /// # Errors
    /// [`RecordsError::Raced`] when somebody else wrote it since it was read.
    pub async fn save(&mut self, file: &mut File) -> Result<(), RecordsError> {
        let incident = &file.incident;
        let due = file.next_due();
        let open = i64::from(incident.state != State::Closed);
        let statement = if file.revision == 0 {
            "INSERT INTO incidents (id, topic, open, opened_at, due_at, seq, revision, body, matter, drill)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        } else {
            "UPDATE incidents SET topic = $2, open = $3, opened_at = $4, due_at = $5, seq = $6, revision = $7, body = $8,
             matter = $9, drill = $10 WHERE id = $1 AND revision = $7 - 1"
        };
        let written = sqlx::query(statement)
            .bind(&incident.id)
            .bind(text(&incident.topic.id))
            .bind(open)
            .bind(millis(incident.opened_at))
            .bind(due.map(millis))
            .bind(file.seq as i64)
            .bind(file.revision + 1)
            .bind(json(incident))
            .bind(json(&file.matter))
            .bind(i64::from(incident.drill))
            .execute(&mut *self.tx)
            .await?;
        if written.rows_affected() != 1 {
            return Err(RecordsError::Raced(incident.id.clone()));
        }
        file.revision += 1;
        for topic in std::iter::once(&file.incident.topic).chain(&file.incident.related) {
            sqlx::query(
                "INSERT INTO incident_topics (topic, incident, since) VALUES ($1, $2, $3) ON CONFLICT (topic, incident) DO NOTHING",
            )
            .bind(text(&topic.id))
            .bind(&file.incident.id)
            .bind(millis(file.incident.updated_at.max(file.incident.opened_at)))
            .execute(&mut *self.tx)
            .await?;
        }
        for event in std::mem::take(&mut file.fresh) {
            sqlx::query("INSERT INTO events (incident, seq, at, who, action, text) VALUES ($1, $2, $3, $4, $5, $6)")
                .bind(&file.incident.id)
                .bind(event.seq as i64)
                .bind(millis(event.at))
                .bind(text(&event.who))
                .bind(&event.action)
                .bind(text(&event.text))
                .execute(&mut *self.tx)
                .await?;
            self.show(&file.incident, event).await?;
        }
        Ok(())
    }

    /// Puts a record for the topic `incidents` in line.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn show(&mut self, incident: &Incident, event: Event) -> Result<(), RecordsError> {
        let record = IncidentRecord { v: IncidentRecord::VERSION, event, incident: incident.clone() };
        sqlx::query(
            "INSERT INTO feed (position, incident, record) SELECT COALESCE(MAX(position), 0) + 1, $1, $2 FROM feed",
        )
        .bind(&incident.id)
        .bind(json(&record))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}
