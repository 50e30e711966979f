//! `GET /api/briefs`: a 快报, 日报 or 周报 as HTML or Word.
//!
//! Who takes one away is on the audit record before its first byte, as with exports.

use super::{Api, Given, audit, entry, problem, read};
use crate::archive::brief::{Format, Wanted, html};
use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use schemas::kit::{auth::Caller, http::Problem};
use std::time::{Duration, Instant};

/// How long all searches of a brief may take together.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn brief(
    State(api): State<Api>,
    caller: Caller,
    parameters: Given<Wanted>,
) -> Result<Response, Problem> {
    let wanted = read(parameters)?;
    let asked = wanted.to_string();
    let format = wanted.format.as_deref().map(str::trim).and_then(|format| serde_json::from_value(format.into()).ok());
    let format: Format = format
        .ok_or_else(|| Problem::bad_request("bad_parameter", "format: 应为 html 或 docx / must be html or docx"))?;
    let context = api.context();
    let order = wanted.order(&context).map_err(|error| {
        let code = if error.parameter == "q" { "bad_query" } else { "bad_parameter" };
        Problem::bad_request(code, error.to_string())
    })?;
    let permit = api.files.clone().try_acquire_owned().map_err(|_| {
        Problem::unavailable("有其他导出正在进行, 请稍后再试 / other files are being written: try again soon")
    })?;
    audit::append(&api.log, &entry(caller, "brief", "", asked)).await.map_err(|error| {
        tracing::error!(%error, "a brief could not be put on the audit record: refused");
        Problem::unavailable("无法写入审计记录, 暂不能出稿 / the audit record cannot be written: no brief now")
    })?;
    let name = context.now.to_zoned_datetime(api.tz.clone()).strftime("wanglou-brief-%Y%m%d-%H%M%S").to_string();
    let (archive, links) = (api.archive.clone(), api.links.clone());
    let work = move || {
        let brief = archive.brief(&order, &context, Instant::now() + PATIENCE).map_err(problem);
        let file = brief.and_then(|brief| format.write(&brief, &links).map_err(|error| Problem::internal(&error)));
        drop(permit);
        file
    };
    let file = tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))??;
    let shown = if format == Format::Html { "inline" } else { "attachment" };
    let disposition = format!("{shown}; filename=\"{name}.{}\"", format.ending());
    let disposition = HeaderValue::try_from(disposition).map_err(|error| Problem::internal(&error))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(format.media_type())),
        (header::CONTENT_DISPOSITION, disposition),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(html::POLICY)),
    ];
    Ok((headers, file).into_response())
}
