//! The console at `/`: a single-page application, built into the program.
//!
//! Files under `assets/` bear a hash of their content in the name and never change; everything else is asked for anew each
//! time. A path that no file has is the application's own (`/login`, `/incidents/…`) and gets its page.

use axum::{
    http::{HeaderMap, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "console/dist/"]
#[allow_missing = true]
struct Dist;

const NOT_BUILT: &str = "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><title>望楼</title>\
<body><h1>望楼 Wanglou</h1><p>值班台尚未构建进本程序: 请运行 <code>make console</code> 后重新编译。接口照常可用: \
<a href=\"/api/openapi.json\">/api/openapi.json</a></p><p>The console is not built into this program: run <code>make \
console</code> and build again. The API works all the same.</p></body></html>";

/// Serves a file of the console, or its page.
pub(super) async fn serve(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if let Some(found) = Dist::get(path).filter(|_| !path.is_empty()) {
        return file(path, &found, &headers);
    }
    // What looks like a file is one that is missing: a page in its place would only confuse.
    if path.rsplit('/').next().is_some_and(|name| name.contains('.')) {
        return StatusCode::NOT_FOUND.into_response();
    }
    match Dist::get("index.html") {
        Some(page) => file("index.html", &page, &headers),
        None => (StatusCode::SERVICE_UNAVAILABLE, Html(NOT_BUILT)).into_response(),
    }
}

fn file(path: &str, found: &EmbeddedFile, headers: &HeaderMap) -> Response {
    let hash: String = found.metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{hash}\"");
    let kept = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let about = [
        (header::CONTENT_TYPE, content_type(found.metadata.mimetype())),
        (header::CACHE_CONTROL, kept.to_owned()),
        (header::ETAG, tag.clone()),
    ];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    (about, found.data.clone().into_owned()).into_response()
}

fn content_type(mime: &str) -> String {
    if mime.starts_with("text/") { format!("{mime}; charset=utf-8") } else { mime.to_owned() }
}
