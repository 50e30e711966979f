//! `GET /api/search/export`: the whole result as a file, sent as it is written; `GET /api/corrections/export`: what people corrected.
//!
//! Who takes a file away is on the audit record before its first byte; without the record there is no file. A file that breaks off is
//! broken off on the wire too.

use super::{Api, Given, PATIENCE, Parameters, audit, entry, problem, read};
use crate::archive::export::{ExportError, Format};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use schemas::kit::{auth::Caller, http::Problem};
use std::{
    io::{self, Write},
    time::Instant,
};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// Pieces that wait to be sent; the writer of the file waits for whoever reads it.
const WAITING: usize = 4;

pub(super) async fn export(
    State(api): State<Api>,
    caller: Caller,
    parameters: Given<Parameters>,
) -> Result<Response, Problem> {
    let parameters = read(parameters)?;
    let asked = parameters.to_string();
    let format: Format = parameters.format()?;
    let context = api.context();
    let search = parameters.search(&context)?;
    let permit = api.files.clone().try_acquire_owned().map_err(|_| {
        Problem::unavailable("有其他导出正在进行, 请稍后再试 / other files are being written: try again soon")
    })?;
    let counting = {
        let (archive, search) = (api.archive.clone(), search.clone());
        move || archive.count_rows(&search, Instant::now() + PATIENCE)
    };
    let counted = tokio::task::spawn_blocking(counting).await.map_err(|error| Problem::internal(&error))?;
    counted.map_err(|error| match error {
        ExportError::TooMany(_) => Problem::bad_request("too_many", error.to_string()),
        ExportError::Search(error) => problem(error),
        error => Problem::internal(&error),
    })?;
    audit::append(&api.log, &entry(caller, "export", "", asked)).await.map_err(|error| {
        tracing::error!(%error, "an export could not be put on the audit record: refused");
        Problem::unavailable("无法写入审计记录, 暂不能导出 / the audit record cannot be written: no export now")
    })?;
    let (archive, tz) = (api.archive.clone(), api.tz.clone());
    let write = move |out: Pieces| archive.export(&search, format, &tz, archive.folder(), out);
    sent(&api, permit, context.now, "wanglou", format, write)
}

/// `GET /api/corrections/export`.
pub(super) async fn corrections(State(api): State<Api>, caller: Caller) -> Result<Response, Problem> {
    let permit = api.files.clone().try_acquire_owned().map_err(|_| {
        Problem::unavailable("有其他导出正在进行, 请稍后再试 / other files are being written: try again soon")
    })?;
    audit::append(&api.log, &entry(caller, "corrections_export", "", String::new())).await.map_err(|error| {
        tracing::error!(%error, "an export could not be put on the audit record: refused");
        Problem::unavailable("无法写入审计记录, 暂不能导出 / the audit record cannot be written: no export now")
    })?;
    let archive = api.archive.clone();
    let write = move |out: Pieces| archive.export_corrections(out);
    sent(&api, permit, Timestamp::now(), "corrections", Format::Jsonl, write)
}

/// A file that is sent as it is written.
fn sent(
    api: &Api,
    permit: OwnedSemaphorePermit,
    now: Timestamp,
    name: &str,
    format: Format,
    write: impl FnOnce(Pieces) -> Result<u64, ExportError> + Send + 'static,
) -> Result<Response, Problem> {
    let (pieces, waiting) = mpsc::channel(WAITING);
    let stamp = now.to_zoned_datetime(api.tz.clone()).strftime("%Y%m%d-%H%M%S");
    let disposition = format!("attachment; filename=\"{name}-{stamp}.{}\"", format.ending());
    tokio::task::spawn_blocking(move || {
        match write(Pieces(pieces.clone())) {
            Ok(_) => drop(pieces.blocking_send(Piece::End)),
            Err(error) => tracing::warn!(%error, "an export broke off"),
        }
        drop(permit);
    });
    let body = Body::from_stream(futures::stream::try_unfold(waiting, |mut waiting| async {
        match waiting.recv().await {
            Some(Piece::Bytes(bytes)) => Ok(Some((bytes, waiting))),
            Some(Piece::End) => Ok(None),
            None => Err(io::Error::other("the export broke off")),
        }
    }));
    let mut response = ([(header::CONTENT_TYPE, format.media_type())], body).into_response();
    let value = HeaderValue::try_from(disposition).map_err(|error| Problem::internal(&error))?;
    response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    Ok(response)
}

/// A piece of a file.
enum Piece {
    Bytes(Bytes),
    /// The file is whole.
    End,
}

/// Sends what is written into it.
struct Pieces(mpsc::Sender<Piece>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .blocking_send(Piece::Bytes(Bytes::copy_from_slice(bytes)))
            .map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "whoever reads it went away"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
