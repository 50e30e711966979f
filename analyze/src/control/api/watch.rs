//! `/api/watch`: watch topics that people define, beside those of the config.
//!
//! | a request | is |
//! |---|---|
//! | with a query that cannot be parsed, or would match nearly every post | refused: 400, with the character |
//! | without a name, or with one that another topic bears | refused: 400, 409 |
//! | to change or remove a topic of the config | refused: 409, with where it is changed |
//! | to change or remove one that does not stand | refused: 404 |

use super::{
    super::standing::{Origin, WatchTopic},
    Api, Body, read,
};
use crate::{query::parse_watch, understand::fold};
use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
};
use jiff::Timestamp;
use schemas::{
    kit::{auth::Caller, http::Problem},
    records::{Control, ControlValue},
};
use serde::{Deserialize, Serialize};

/// The longest name, in characters.
const LONGEST_NAME: usize = 50;
/// So many topics are matched with every post.
const MOST: usize = 10_000;

/// What somebody wants to be watched.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    name: String,
    query: String,
}

/// All topics.
#[derive(Serialize)]
pub(super) struct Topics {
    watch: Vec<WatchTopic>,
}

type Id = Result<Path<String>, PathRejection>;

fn id(path: Id) -> Result<String, Problem> {
    path.map(|Path(id)| id).map_err(|error| Problem::bad_request("bad_path", error.body_text()))
}

pub(super) async fn list(State(api): State<Api>) -> Json<Topics> {
    Json(Topics { watch: api.topics() })
}

pub(super) async fn add(
    State(api): State<Api>,
    caller: Caller,
    body: Body<Said>,
) -> Result<(StatusCode, Json<WatchTopic>), Problem> {
    let said = api.check_watch(&read(body)?)?;
    let turn = api.controls.turn().await?;
    let topics = api.topics();
    if topics.len() >= MOST {
        let message =
            format!("监测话题最多 {MOST} 个 / there are {MOST} watch topics, which is the most: remove one first");
        return Err(Problem::conflict("too_many", message));
    }
    is_free(&topics, &said.name, None)?;
    let id = api.controls.standing().new_id(Timestamp::now(), &api.controls.0.tz);
    let value = ControlValue::Watch { id: id.clone(), name: said.name, query: said.query };
    let control = api.signed(caller, "add_watch", &id, value).await?;
    turn.set(&control).await?;
    api.controls.in_effect().await?;
    Ok((StatusCode::CREATED, Json(shown(&id, &control))))
}

pub(super) async fn change(
    State(api): State<Api>,
    caller: Caller,
    path: Id,
    body: Body<Said>,
) -> Result<Json<WatchTopic>, Problem> {
    let (id, said) = (id(path)?, api.check_watch(&read(body)?)?);
    let turn = api.controls.turn().await?;
    let topics = api.topics();
    is_peoples(&topics, &id)?;
    is_free(&topics, &said.name, Some(&id))?;
    let value = ControlValue::Watch { id: id.clone(), name: said.name, query: said.query };
    let control = api.signed(caller, "change_watch", &id, value).await?;
    turn.set(&control).await?;
    api.controls.in_effect().await?;
    Ok(Json(shown(&id, &control)))
}

pub(super) async fn remove(State(api): State<Api>, caller: Caller, path: Id) -> Result<StatusCode, Problem> {
    let id = id(path)?;
    let turn = api.controls.turn().await?;
    is_peoples(&api.topics(), &id)?;
    let control = api.signed(caller, "remove_watch", &id, ControlValue::WatchRemoved { id: id.clone() }).await?;
    turn.set(&control).await?;
    api.controls.in_effect().await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Api {
    fn topics(&self) -> Vec<WatchTopic> {
        self.controls.standing().watch(&self.controls.0.config)
    }

    fn check_watch(&self, said: &Said) -> Result<Said, Problem> {
        let name = said.name.trim().to_owned();
        if !(1..=LONGEST_NAME).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            let message = format!(
                "name: 应为 1 到 {LONGEST_NAME} 字 / must have 1 to {LONGEST_NAME} characters, none of them a control character"
            );
            return Err(Problem::bad_request("bad_name", message));
        }
        parse_watch(&said.query, self.understanding().names())
            .map_err(|error| Problem::bad_request("bad_query", format!("query: {error}")))?;
        Ok(Said { name, query: said.query.trim().to_owned() })
    }
}

/// Refuses a name that another topic bears: people could not tell them apart, nor `话题:` in a search.
fn is_free(topics: &[WatchTopic], name: &str, own: Option<&str>) -> Result<(), Problem> {
    let bearer = topics.iter().find(|topic| fold(&topic.name) == fold(name) && own != Some(topic.id.as_str()));
    bearer.map_or(Ok(()), |bearer| {
        let message = format!(
            "name: 已有同名的监测话题 / the topic {} is called so: choose another name, or change that one",
            bearer.id
        );
        Err(Problem::conflict("name_taken", message))
    })
}

/// Refuses what is not changed here.
fn is_peoples(topics: &[WatchTopic], id: &str) -> Result<(), Problem> {
    match topics.iter().find(|topic| topic.id == id).map(|topic| topic.from) {
        Some(Origin::People) => Ok(()),
        Some(Origin::Config | Origin::File) => Err(Problem::conflict(
            "of_config",
            "id: 这是配置文件里的监测话题, 请在配置文件中修改 / this topic stands in the config file as [[watch]]: change it there and \
             start again",
        )),
        None => {
            Err(Problem::not_found("id: 没有这个监测话题 / there is no such watch topic: GET /api/watch lists them"))
        }
    }
}

/// What was set, as it is shown.
fn shown(id: &str, control: &Control) -> WatchTopic {
    let (name, query) = match &control.value {
        ControlValue::Watch { name, query, .. } => (name.clone(), query.clone()),
        _ => Default::default(),
    };
    let (by, at) = (Some(control.who.clone()), Some(control.at));
    WatchTopic { id: id.to_owned(), name, query, from: Origin::People, by, at }
}
