//! What a caller is told when the records can't do what was asked.
//!
//! | the records say | answer |
//! |---|---|
//! | another process is active, or has just taken over | 503 `standby`: ask the active one |
//! | the database is away, full, read-only or overloaded | 503 `unavailable`: try again |
//! | somebody else changed the same row | 409 `raced`: look at it again |
//! | anything else | 500: it is our fault, and in the log |

use crate::records::RecordsError;
use axum::http::StatusCode;
use schemas::kit::http::Problem;

/// After how many seconds whoever asked a process that stands by may ask again: it may have taken over by then.
const STANDBY: u32 = 5;

/// The answer.
pub(super) fn problem(error: &RecordsError) -> Problem {
    match error {
        RecordsError::Standby | RecordsError::Fenced { .. } => Problem {
            retry_after: Some(STANDBY),
            ..Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "standby",
                "本机是备机, 只能查看, 不能办理; 请到主机上办理, 或稍候片刻再试 / this process stands by and only shows: \
                 ask the active one (its /readyz answers 200), or try again in a few seconds",
            )
        },
        RecordsError::Raced(_) => Problem::conflict(
            "raced",
            "别人刚刚改动过, 请刷新后再试 / somebody else has just changed it: look at it again, then try again",
        ),
        error if error.is_outage() => {
            tracing::warn!(%error, "a request cannot be served now");
            Problem::unavailable(
                "值班数据库暂时不可用, 未作任何改动, 请稍后再试 / the records database cannot be used now, and nothing was \
                 changed: try again",
            )
        }
        error => Problem::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The module's table, a row each.
    #[test]
    fn what_a_caller_is_told() {
        let told = |error: RecordsError| {
            let problem = problem(&error);
            (problem.status.as_u16(), problem.code, problem.retry_after.is_some())
        };
        assert_eq!(told(RecordsError::Standby), (503, "standby", true));
        assert_eq!(told(RecordsError::Fenced { ours: 1, theirs: 2 }), (503, "standby", true));
        assert_eq!(told(RecordsError::Sql(sqlx::Error::PoolTimedOut)), (503, "unavailable", true));
        assert_eq!(told(RecordsError::Raced("x".into())), (409, "raced", false));
        assert_eq!(told(RecordsError::Sql(sqlx::Error::RowNotFound)), (500, "internal", false));
    }
}
