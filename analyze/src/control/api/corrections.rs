//! `/api/corrections`: an analyst says what a post is, and is believed.
//!
//! | a correction | is |
//! |---|---|
//! | of a post that the archive does not hold | refused: 404 |
//! | names a class, place or unit that the district's files do not | refused: 400, with where they are listed |
//! | names nothing at all | refused: 400 |
//! | of a post that is corrected already | merged: what it does not name stands as before |

use super::{Api, Body, read};
use crate::{
    archive::corrections::{Standing, merged},
    understand::Choices,
};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::PathRejection, rejection::QueryRejection},
    http::StatusCode,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jiff::Timestamp;
use schemas::{
    kit::{auth::Caller, http::Problem},
    records::{ControlValue, Correction, Label},
};
use serde::{Deserialize, Deserializer, Serialize};
use std::sync::Arc;

/// Corrections of a page, unless the caller says otherwise; and at most.
const USUAL: usize = 50;
const MOST: usize = 500;
/// The longest note, in characters.
const LONGEST_NOTE: usize = 500;
/// The most places of a post.
const MOST_PLACES: usize = 20;

/// What somebody says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    post: String,
    sentiment: Option<Label>,
    #[serde(default, deserialize_with = "given")]
    category: Option<Option<String>>,
    places: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    unit: Option<Option<String>>,
    note: Option<String>,
}

/// Tells a key that is null from one that is missing.
fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// A correction that stands, as the API shows it.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    correction: Correction,
    by: String,
    at: Timestamp,
}

impl From<&Standing> for Shown {
    fn from(Standing { correction, by, at }: &Standing) -> Self {
        Self { correction: correction.clone(), by: by.clone(), at: *at }
    }
}

pub(super) async fn correct(State(api): State<Api>, caller: Caller, body: Body<Said>) -> Result<Json<Shown>, Problem> {
    let said = read(body)?;
    let correction = api.check(said)?;
    api.find(correction.post.clone()).await?;
    let turn = api.controls.turn().await?;
    let former = api.controls.corrections().of(&correction.post);
    let correction = merged(former.as_deref().map(|standing| &standing.correction), correction);
    let post = correction.post.clone();
    let control = api.signed(caller, "correct", &post, ControlValue::Correction(correction)).await?;
    turn.set(&control).await?;
    let standing = api.controls.corrections().of(&post);
    standing.as_deref().map(|standing| Json(Shown::from(standing))).ok_or_else(|| {
        Problem::conflict("changed", "同时被他人撤回 / somebody has taken it back at the same moment: look again")
    })
}

impl Api {
    /// A correction of what somebody says, in the district's own words.
    fn check(&self, said: Said) -> Result<Correction, Problem> {
        let wrong = |key: &str, message: String| Problem::bad_request("bad_correction", format!("{key}: {message}"));
        let Said { post, sentiment, category, places, unit, note } = said;
        let understanding = self.understanding();
        let district = understanding.district();
        if sentiment.is_none() && category.is_none() && places.is_none() && unit.is_none() {
            let message = "请写明更正什么 / name what is wrong: sentiment, category, places or unit";
            return Err(Problem::bad_request("bad_correction", message));
        }
        if places.as_ref().is_some_and(|places| places.len() > MOST_PLACES) {
            return Err(wrong("places", format!("最多 {MOST_PLACES} 个 / at most {MOST_PLACES}")));
        }
        let category = category.map(|category| category.map(|named| district.category(&named)).transpose());
        let unit = unit.map(|unit| unit.map(|named| district.unit(&named)).transpose());
        let note = note.map(|note| note.trim().chars().filter(|&c| c == '\n' || !c.is_control()).collect::<String>());
        if note.as_ref().is_some_and(|note| note.chars().count() > LONGEST_NOTE) {
            return Err(wrong("note", format!("最多 {LONGEST_NOTE} 字 / at most {LONGEST_NOTE} characters")));
        }
        Ok(Correction {
            post,
            sentiment,
            category: category.transpose().map_err(|message| wrong("category", message))?,
            places: places
                .map(|named| district.places(&named))
                .transpose()
                .map_err(|message| wrong("places", message))?,
            unit: unit.transpose().map_err(|message| wrong("unit", message))?,
            note: note.filter(|note| !note.is_empty()),
        })
    }

    /// Looks whether the archive holds a post.
    async fn find(&self, id: String) -> Result<(), Problem> {
        let archive = self.archive.clone();
        let found = tokio::task::spawn_blocking(move || archive.post(&id)).await;
        let found = found.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))?;
        found.map(drop).ok_or_else(|| {
            Problem::not_found(
                "post: 库中没有这个帖子 / the archive does not hold this post: pass on a hit's id as it is; one that came a moment \
                 ago is there in a second",
            )
        })
    }
}

pub(super) async fn take_back(
    State(api): State<Api>,
    caller: Caller,
    post: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path(post) = post.map_err(|error| Problem::bad_request("bad_path", error.body_text()))?;
    let turn = api.controls.turn().await?;
    if api.controls.corrections().of(&post).is_none() {
        return Err(Problem::not_found(
            "post: 没有这条更正 / no correction of this post stands: GET /api/corrections lists them",
        ));
    }
    let value = ControlValue::CorrectionRemoved { post: post.clone() };
    let control = api.signed(caller, "take_back_correction", &post, value).await?;
    turn.set(&control).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which page is asked for.
#[derive(Deserialize)]
pub(super) struct Asked {
    limit: Option<usize>,
    cursor: Option<String>,
}

/// A page.
#[derive(Serialize)]
pub(super) struct Page {
    total: usize,
    corrections: Vec<Shown>,
    next: Option<String>,
}

pub(super) async fn list(
    State(api): State<Api>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let Query(Asked { limit, cursor }) = asked.map_err(|error| Problem::bad_request("bad_query", error.body_text()))?;
    let limit = limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::bad_request("bad_limit", format!("limit: must lie between 1 and {MOST}")));
    }
    let cursor = cursor.filter(|cursor| !cursor.is_empty()).map(|cursor| place_of(&cursor)).transpose()?;
    Ok(Json(page(&api.controls.corrections().standing(), limit, cursor.as_ref())))
}

/// The page behind a place; corrections come as [`standing`](crate::archive::corrections::Corrections::standing) sorts them.
fn page(standing: &[Arc<Standing>], limit: usize, after: Option<&(Timestamp, String)>) -> Page {
    let begin = after.map_or(0, |(at, post)| {
        standing.partition_point(|other| other.at > *at || other.at == *at && other.correction.post <= *post)
    });
    let shown = &standing[begin..standing.len().min(begin.saturating_add(limit))];
    let more = begin + shown.len() < standing.len();
    Page {
        total: standing.len(),
        corrections: shown.iter().map(|standing| Shown::from(&**standing)).collect(),
        next: shown.last().filter(|_| more).map(|last| BASE64.encode(format!("{} {}", last.at, last.correction.post))),
    }
}

fn place_of(cursor: &str) -> Result<(Timestamp, String), Problem> {
    let read = || {
        let text = String::from_utf8(BASE64.decode(cursor).ok()?).ok()?;
        let (at, post) = text.split_once(' ')?;
        Some((at.parse().ok()?, post.to_owned()))
    };
    read().ok_or_else(|| {
        Problem::bad_request(
            "bad_cursor",
            "the cursor is none: pass on `next` of the page before as it is, or leave it out",
        )
    })
}

pub(super) async fn choices(State(api): State<Api>) -> Json<Choices> {
    Json(api.understanding().district().choices())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pages_hold_each_correction_once_in_order(seconds in prop::collection::vec(0_i64..5, 0..30), limit in 1_usize..7) {
            let corrections = crate::archive::corrections::Corrections::default();
            for (number, second) in seconds.iter().enumerate() {
                let post = format!("forum:{number}");
                let correction = Correction { post: post.clone(), ..Correction::default() };
                let at = Timestamp::from_second(*second).unwrap();
                corrections.set(&post, Some(Standing { correction, by: "分析员".into(), at }));
            }
            let standing = corrections.standing();
            let (mut found, mut cursor) = (Vec::new(), None);
            loop {
                let page = page(&standing, limit, cursor.as_ref());
                prop_assert!(page.corrections.len() <= limit && page.total == seconds.len());
                found.extend(page.corrections.into_iter().map(|shown| (shown.at, shown.correction.post)));
                let Some(next) = page.next else { break };
                cursor = Some(place_of(&next).unwrap());
            }
            let wanted: Vec<_> = standing.iter().map(|one| (one.at, one.correction.post.clone())).collect();
            prop_assert_eq!(found, wanted);
        }

        #[test]
        fn any_cursor_is_read_or_refused(text in any::<String>()) {
            let _ = place_of(&text);
            let _ = place_of(&BASE64.encode(text));
        }
    }
}
