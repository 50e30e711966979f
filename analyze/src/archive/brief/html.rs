//! A brief as one HTML page: no script, no other file, A4 when printed.

use super::{
    Links,
    clean::{escape, target},
    draft::{Bar, Brief, Figure, Run, Table, change},
};
use std::fmt::Write;

/// What a browser may do with the page: show it.
pub const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The same where a page speaks of itself, which cannot say who frames it.
const OWN_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = "@page{size:A4;margin:20mm 18mm}\
*{box-sizing:border-box}\
body{max-width:174mm;margin:12mm auto;padding:0 4mm;color:#1a1a1a;background:#fff;line-height:1.7;\
font:15px/1.7 'Source Han Sans SC','Noto Sans CJK SC','Microsoft YaHei','PingFang SC',sans-serif}\
h1{font-size:24px;text-align:center;color:#b3261e;border-bottom:2px solid #b3261e;padding-bottom:8px;margin:0 0 6px}\
h2{font-size:17px;margin:22px 0 6px;break-after:avoid}\
p{margin:6px 0}.about{text-align:center;color:#555;font-size:13px;overflow-wrap:anywhere}\
a{color:#0b57a4;text-decoration:none;border-bottom:1px dotted}\
table{width:100%;border-collapse:collapse;font-size:14px;break-inside:avoid}\
th,td{border:1px solid #ccc;padding:3px 8px;text-align:right;font-variant-numeric:tabular-nums}\
th:first-child,td:first-child{text-align:left;overflow-wrap:anywhere}th{background:#f3f3f3}\
svg{width:100%;height:auto;break-inside:avoid}svg text{font-size:11px;fill:#555}svg a{border:0}\
rect{fill:#3f7cba}li{margin:8px 0;break-inside:avoid;overflow-wrap:anywhere}.meta{color:#555;font-size:13px}\
.notes{color:#555;font-size:12px;border-top:1px solid #ccc;margin-top:24px;padding-top:6px}\
@media print{body{margin:0;padding:0;max-width:none}a{color:inherit;border:0}}";

/// Of the curve's drawing.
const WIDTH: u64 = 700;
const HEIGHT: u64 = 170;
const TOP: u64 = 22;
const FOOT: u64 = 20;

/// The page. Links of figures go to the console that `links` names.
#[must_use]
pub fn html(brief: &Brief, links: &Links) -> String {
    let mut page = String::new();
    let title = escape(&brief.title);
    let _ = write!(
        page,
        "<!DOCTYPE html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{OWN_POLICY}\">\
         <meta name=\"referrer\" content=\"no-referrer\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1><p class=\"about\">{}</p>",
        escape(&brief.subtitle)
    );
    for sentence in &brief.lead {
        page.push_str("<p>");
        for run in sentence {
            match run {
                Run::Text(text) => page.push_str(&escape(text)),
                Run::Figure(figure) => number(&mut page, figure, links),
            }
        }
        page.push_str("</p>");
    }
    table(&mut page, &brief.totals, links);
    if !brief.curve.is_empty() {
        page.push_str("<h2>发帖走势</h2>");
        curve(&mut page, &brief.curve, links);
    }
    for values in &brief.tables {
        table(&mut page, values, links);
    }
    samples(&mut page, brief, links);
    page.push_str("<div class=\"notes\">");
    for note in brief.notes.iter().map(String::as_str).chain(links.note()) {
        let _ = write!(page, "<p>{}</p>", escape(note));
    }
    page.push_str("</div></body></html>\n");
    page
}

/// A link; what leaves the console says nothing of where it came from.
fn link(page: &mut String, address: &str, hint: &str, text: &str) {
    let (address, hint, text) = (target(address), escape(hint), escape(text));
    let _ = write!(page, "<a href=\"{address}\" title=\"{hint}\" rel=\"noopener noreferrer nofollow\">{text}</a>");
}

fn number(page: &mut String, figure: &Figure, links: &Links) {
    link(page, &links.of(&figure.ask), &figure.ask.q, &figure.value.to_string());
}

fn table(page: &mut String, table: &Table, links: &Links) {
    let title = escape(table.title);
    let _ = write!(
        page,
        "<h2>{title}</h2><table><thead><tr><th>名称</th><th>本期</th><th>上一期</th><th>环比</th></tr></thead><tbody>"
    );
    for row in &table.rows {
        let _ = write!(page, "<tr><td>{}</td><td>", escape(&row.name));
        number(page, &row.now, links);
        page.push_str("</td><td>");
        number(page, &row.before, links);
        let _ = write!(page, "</td><td>{}</td></tr>", change(row.now.value, row.before.value));
    }
    page.push_str("</tbody></table>");
}

/// The curve as bars, each a link; those that hold the most are told by number.
fn curve(page: &mut String, bars: &[Bar], links: &Links) {
    let most = bars.iter().map(|bar| bar.figure.value).max().unwrap_or(1).max(1);
    let count = (bars.len() as u64).max(1);
    let at = |number: u64| number * WIDTH / count;
    let labels = count.div_ceil(8).max(1);
    let _ = write!(page, "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"发帖走势\">");
    for (number, bar) in (0_u64..).zip(bars) {
        let (left, right) = (at(number), at(number + 1));
        let value = bar.figure.value;
        let room = HEIGHT - TOP - FOOT;
        let height = (u128::from(value) * u128::from(room)).div_ceil(u128::from(most)) as u64;
        let top = HEIGHT - FOOT - height;
        let width = (right - left).saturating_sub(2).max(1);
        let label = escape(&bar.label);
        let _ = write!(
            page,
            "<a href=\"{}\"><title>{label} {value}</title>\
             <rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"/>",
            target(&links.of(&bar.figure.ask))
        );
        if count <= 31 || value == most {
            let _ = write!(
                page,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{value}</text>",
                left + width / 2,
                top.saturating_sub(4)
            );
        }
        page.push_str("</a>");
        if number % labels == 0 {
            let _ = write!(page, "<text x=\"{left}\" y=\"{}\">{label}</text>", HEIGHT - 5);
        }
    }
    page.push_str("</svg>");
}

fn samples(page: &mut String, brief: &Brief, links: &Links) {
    if brief.samples.is_empty() {
        return;
    }
    page.push_str("<h2>");
    link(page, &links.of(&brief.samples_ask), &brief.samples_ask.q, "传播最广的帖子");
    page.push_str("</h2><ol>");
    for sample in &brief.samples {
        page.push_str("<li>");
        match &sample.url {
            Some(url) => link(page, url, "", &sample.title),
            None => page.push_str(&escape(&sample.title)),
        }
        let _ = write!(page, "<br>{}", escape(&sample.excerpt));
        let _ = write!(page, "<div class=\"meta\">{}　{}", escape(&sample.source), escape(&sample.published));
        for (name, value) in &sample.counts {
            let _ = write!(page, "　{name} ");
            link(page, &links.of(&sample.ask), &sample.ask.q, &value.to_string());
        }
        page.push_str("</div></li>");
    }
    page.push_str("</ol>");
}
