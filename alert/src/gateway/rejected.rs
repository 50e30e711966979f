//! `GET /api/rejected`: what could not be read, for administrators.

use super::{Gateway, limit};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use schemas::{
    kit::http::Problem,
    log::{LogError, Position, SharedLog, Topic},
    records::{Record, Rejected},
};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    limit: Option<u32>,
}

#[derive(Debug, Serialize)]
pub(super) struct List {
    rejected: Vec<Rejected>,
}

/// The youngest first.
pub(super) async fn list(
    State(gateway): State<Arc<Gateway>>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<List>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_request("query", rejection.body_text()))?;
    let most = limit(query.limit, 50)?.into();
    let rejected = youngest(&gateway.log, most).await.map_err(|error| Problem::unavailable(error.to_string()))?;
    Ok(Json(List { rejected }))
}

async fn youngest(log: &SharedLog, most: u64) -> Result<Vec<Rejected>, LogError> {
    let mut rejected = Vec::new();
    for partition in 0..log.describe(Topic::PostsRejected).await?.partitions {
        let (first, end) = log.bounds(Topic::PostsRejected, partition).await?;
        let offset = end.saturating_sub(most).max(first);
        let mut reader = log.reader(Topic::PostsRejected, vec![Position { partition, offset }]).await?;
        let mut next = offset;
        while next < end
            && let Some(batch) = reader.next(most as usize, Duration::from_secs(1)).await?
        {
            next = batch.next;
            rejected.extend(batch.entries.iter().filter_map(|entry| Rejected::decode(&entry.value).ok()));
        }
    }
    rejected.sort_by_key(|record| std::cmp::Reverse(record.at));
    rejected.truncate(most as usize);
    Ok(rejected)
}
