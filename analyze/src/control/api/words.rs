//! `/api/words`: the user dictionary, beside the one that ships with the program. A word is a hint: it ranks searches and makes
//! keyphrases; whatever the dictionary says, any substring of a post is found.

use super::{
    super::standing::{Origin, UserWord},
    Api,
};
use crate::understand::user_word;
use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
};
use schemas::{
    kit::{auth::Caller, http::Problem},
    records::ControlValue,
};
use serde::Serialize;

/// More words of people's are no dictionary of a district.
const MOST: usize = 20_000;

/// All words.
#[derive(Serialize)]
pub(super) struct Words {
    words: Vec<UserWord>,
}

type Word = Result<Path<String>, PathRejection>;

fn word(path: Word) -> Result<String, Problem> {
    let Path(word) = path.map_err(|error| Problem::bad_request("bad_path", error.body_text()))?;
    user_word(&word).map_err(|why| Problem::bad_request("bad_word", format!("word: {why}")))
}

pub(super) async fn list(State(api): State<Api>) -> Json<Words> {
    Json(Words { words: api.words() })
}

pub(super) async fn add(State(api): State<Api>, caller: Caller, path: Word) -> Result<Json<UserWord>, Problem> {
    let word = word(path)?;
    let turn = api.controls.turn().await?;
    let words = api.words();
    // It stands already: nothing is set.
    if let Some(stands) = words.iter().find(|other| other.word == word) {
        return Ok(Json(stands.clone()));
    }
    if words.len() >= MOST {
        let message = format!(
            "用户词最多 {MOST} 个 / there are {MOST} words, which is the most: use a file ([understand] dictionary)"
        );
        return Err(Problem::conflict("too_many", message));
    }
    let value = ControlValue::Word { word: word.clone(), present: true };
    let control = api.signed(caller, "add_word", &word, value).await?;
    turn.set(&control).await?;
    api.controls.in_effect().await?;
    Ok(Json(UserWord { word, from: Origin::People, by: Some(control.who), at: Some(control.at) }))
}

pub(super) async fn remove(State(api): State<Api>, caller: Caller, path: Word) -> Result<StatusCode, Problem> {
    let word = word(path)?;
    let turn = api.controls.turn().await?;
    match api.words().iter().find(|other| other.word == word).map(|stands| stands.from) {
        Some(Origin::People) => {}
        Some(Origin::File | Origin::Config) => {
            return Err(Problem::conflict(
                "of_file",
                "word: 这个词在用户词典文件里, 请在文件中删去 / this word stands in the file of [understand] dictionary: take it out there",
            ));
        }
        None => {
            return Err(Problem::not_found("word: 没有这个用户词 / there is no such word: GET /api/words lists them"));
        }
    }
    let value = ControlValue::Word { word: word.clone(), present: false };
    let control = api.signed(caller, "remove_word", &word, value).await?;
    turn.set(&control).await?;
    api.controls.in_effect().await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Api {
    fn words(&self) -> Vec<UserWord> {
        self.controls.standing().words(&self.controls.file_words())
    }
}
