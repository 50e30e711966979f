//! Who calls, and what they may.
//!
//! The gateway finds out who calls (a session or a bearer token) and puts a [`Caller`] into the request. Every route names
//! the roles that it is for ([`guard`]); a request without a caller, or with one of another role, gets no further. Deny is
//! the default: a route that is not guarded has no handler that could run, because routers are built with [`guard`] only.

use super::http::Problem;
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{StatusCode, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::MethodRouter,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Programs that hand posts in; nothing else.
    Push,
    /// Sees boards and incidents.
    Viewer,
    /// On duty: signs, hands on, notes (值班员).
    Operator,
    /// Searches the archive (分析员).
    Analyst,
    /// Its own incidents and reports (责任单位).
    Unit,
    /// Checks who answered in time (督查).
    Supervisor,
    /// Everything.
    Admin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 7] =
        [Self::Push, Self::Viewer, Self::Operator, Self::Analyst, Self::Unit, Self::Supervisor, Self::Admin];
}

/// Who may hand posts in.
pub const MAY_PUSH: &[Role] = &[Role::Push, Role::Admin];
/// Who may see boards, topics, incidents and coverage.
pub const MAY_WATCH: &[Role] = &[Role::Viewer, Role::Operator, Role::Analyst, Role::Supervisor, Role::Admin];
/// Who may search the archive.
pub const MAY_SEARCH: &[Role] = &[Role::Operator, Role::Analyst, Role::Supervisor, Role::Admin];
/// Who may take the result of a search away as a file.
pub const MAY_EXPORT: &[Role] = &[Role::Analyst, Role::Supervisor, Role::Admin];
/// Who may sign, hand on, answer and close incidents.
pub const MAY_HANDLE: &[Role] = &[Role::Operator, Role::Admin];
/// Who may see incidents: those of [`MAY_WATCH`] all of them, a unit's people those of their unit.
pub const MAY_SEE_INCIDENTS: &[Role] =
    &[Role::Viewer, Role::Operator, Role::Analyst, Role::Unit, Role::Supervisor, Role::Admin];
/// Who may sign for a unit, note its progress, answer for it and send a matter back: its own people, and the desk when they telephone.
pub const MAY_SPEAK_FOR_UNIT: &[Role] = &[Role::Unit, Role::Operator, Role::Admin];
/// Who may hold a clock.
pub const MAY_PAUSE: &[Role] = &[Role::Supervisor, Role::Admin];
/// Who may correct what was understood, define watch topics and words, and set what others see.
pub const MAY_CONFIGURE: &[Role] = &[Role::Analyst, Role::Supervisor, Role::Admin];

/// Who may write to the duty roster; an operator there only what is his own.
pub const MAY_ROSTER: &[Role] = &[Role::Operator, Role::Supervisor, Role::Admin];
/// Who may keep pages back for a while; an operator for a shift at most.
pub const MAY_SILENCE: &[Role] = &[Role::Operator, Role::Supervisor, Role::Admin];
/// Who may let a page be practised.
pub const MAY_DRILL: &[Role] = &[Role::Supervisor, Role::Admin];

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The user's or token's name.
    pub name: String,
    /// Their role.
    pub role: Role,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(unknown)
    }
}

fn unknown() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "请先登录 / log in, or send a bearer token")
}

/// Lets only callers with one of `roles` through to the handlers of a route.
pub fn guard<S: Clone + Send + Sync + 'static>(roles: &'static [Role], route: MethodRouter<S>) -> MethodRouter<S> {
    route.layer(middleware::from_fn_with_state(roles, check))
}

async fn check(State(roles): State<&'static [Role]>, request: Request, next: Next) -> Response {
    match request.extensions().get::<Caller>() {
        None => unknown().into_response(),
        Some(caller) if roles.contains(&caller.role) => next.run(request).await,
        Some(_) => Problem::new(StatusCode::FORBIDDEN, "forbidden", "此角色无权限 / your role does not allow this")
            .into_response(),
    }
}
