//! The newest threads as JSON.

use super::{
    PER_PAGE,
    wire::{Page, Request},
    world::{Thread, World},
};
use serde_json::{Value, json};

/// By page: an array, empty behind the end.
pub(super) fn posts(world: &World, request: &Request) -> Page {
    let threads = world.newest();
    let (part, _) = request.part(&threads);
    ("application/json", Value::from_iter(part.iter().map(|thread| post(thread))).to_string())
}

/// By cursor: the threads with smaller ids than the cursor, so that no row can move over the boundary of two pages.
pub(super) fn timeline(world: &World, request: &Request) -> Page {
    let threads = world.newest();
    let before = |thread: &&&Thread| request.before.is_none_or(|before| thread.number() < before);
    let part: Vec<_> = threads.iter().filter(before).take(PER_PAGE).collect();
    let next = part.last().filter(|_| part.len() == PER_PAGE).map(|thread| thread.number());
    let items: Vec<Value> = part.iter().map(|thread| post(thread)).collect();
    ("application/json", json!({ "data": { "items": items, "next": next } }).to_string())
}

fn post(thread: &Thread) -> Value {
    json!({
        "id": thread.number(),
        "title": thread.title(),
        "text": thread.opening.text(),
        "user": { "name": thread.opening.author },
        "created_at": thread.opening.at.as_second(),
        "comments_count": thread.answers().len(),
        "url": format!("/thread/{}", thread.number()),
    })
}
