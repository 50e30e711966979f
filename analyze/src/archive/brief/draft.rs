//! A brief: its figures, curve and samples, made from what searches answer. Pure: the searches are asked through a function.
//!
//! Facets only nominate which values are shown; each number is the answer to the very search that it links to. What is worked out of
//! two numbers (环比) stands beside them. No sentence is written but those of `lead`, of figures.

use super::{
    ask::{Ask, Span},
    order::{Kind, Order},
};
use crate::{
    archive::search::{
        Hit, MOST_HITS, Page, Search, SearchError, Sort,
        histogram::{Scale, after, begin},
    },
    query::{
        Context, Filter,
        field::{KEYWORDS, Keyword},
    },
};
use jiff::{SignedDuration, Timestamp};
use std::cmp::Reverse;

/// Values of a table.
const ROWS: usize = 8;
/// Posts that are shown.
const SAMPLES: usize = 8;
/// Characters of a sample's text.
const EXCERPT: usize = 140;
/// Where days take the place of hours, and months that of days.
const HOURS_UP_TO: SignedDuration = SignedDuration::from_hours(50);
const DAYS_UP_TO: SignedDuration = SignedDuration::from_hours(62 * 24);
/// More bars than such a time has.
const MOST_BARS: usize = 100;

/// The tables, by the facet that nominates their values.
const TABLES: [(&str, &str); 5] =
    [("topic", "监测话题"), ("category", "类别"), ("place", "街道"), ("source", "来源"), ("unit", "涉及单位")];

/// A number and the search that yields it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Posts, or a count of one post.
    pub value: u64,
    /// The search.
    pub ask: Ask,
}

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// Words of ours or a name.
    Text(String),
    /// A number.
    Figure(Figure),
}

/// A value of a field: how many posts have it, and had it in the period before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What people call it.
    pub name: String,
    /// In the period.
    pub now: Figure,
    /// In the one before.
    pub before: Figure,
}

/// The values of a field that most posts have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What the field is called.
    pub title: &'static str,
    /// Its values.
    pub rows: Vec<Row>,
}

/// A bar of the curve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// When it begins, as people read it.
    pub label: String,
    /// Posts in it.
    pub figure: Figure,
}

/// A post that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The title, or how the text begins. Crawled.
    pub title: String,
    /// How the text goes on, or nothing. Crawled.
    pub excerpt: String,
    /// Where it stands: an `http` or `https` address, or none.
    pub url: Option<String>,
    /// What people call its source.
    pub source: String,
    /// When it was published, as people read it.
    pub published: String,
    /// What it counts, by what people call that.
    pub counts: Vec<(&'static str, u64)>,
    /// The search that shows it.
    pub ask: Ask,
}

/// A brief.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    /// What it is called.
    pub title: String,
    /// The period, and what narrows it, as people read it.
    pub subtitle: String,
    /// What kind.
    pub kind: Kind,
    /// The period.
    pub span: Span,
    /// The summary.
    pub lead: Vec<Vec<Run>>,
    /// All posts, and those of each sentiment.
    pub totals: Table,
    /// Posts over the period.
    pub curve: Vec<Bar>,
    /// Values that most posts have; none where no post has one.
    pub tables: Vec<Table>,
    /// The posts with the most likes, replies and reposts, and the search that yields them.
    pub samples: Vec<Sample>,
    /// The search whose first hits the samples are.
    pub samples_ask: Ask,
    /// What a reader must know of the figures.
    pub notes: Vec<String>,
}

impl Brief {
    /// Whether there is no post.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.totals.rows.first().is_none_or(|row| row.now.value == 0)
    }

    /// All numbers that are counts of posts.
    #[must_use]
    pub fn figures(&self) -> Vec<&Figure> {
        let rows = std::iter::once(&self.totals).chain(&self.tables).flat_map(|table| &table.rows);
        let lead = self.lead.iter().flatten().filter_map(|run| match run {
            Run::Figure(figure) => Some(figure),
            Run::Text(_) => None,
        });
        rows.flat_map(|row| [&row.now, &row.before])
            .chain(lead)
            .chain(self.curve.iter().map(|bar| &bar.figure))
            .collect()
    }
}

/// How a number stands to the one before: in per cent, with a digit behind the point, rounded half away from nought.
#[must_use]
pub fn change(now: u64, before: u64) -> String {
    if before == 0 {
        return if now == 0 { "持平".to_owned() } else { "上期为零".to_owned() };
    }
    let (now, before) = (i128::from(now), i128::from(before));
    let doubled = (now - before) * 2_000;
    let tenths = (doubled + doubled.signum() * before) / (2 * before);
    match tenths {
        0 if now == before => "持平".to_owned(),
        _ => {
            let sign = if now < before { '-' } else { '+' };
            format!("{sign}{}.{}%", tenths.abs() / 10, tenths.abs() % 10)
        }
    }
}

/// Asks what a brief needs and drafts it.
///
/// # Errors
/// What `find` fails with.
pub fn draft(
    order: &Order,
    context: &Context,
    find: &mut dyn FnMut(&Search) -> Result<Page, SearchError>,
) -> Result<Brief, SearchError> {
    let mut drafting = Drafting { order, context, find };
    let whole = Ask { q: order.q.clone(), span: order.span, sort: Sort::Time };
    let scale = drafting.scale();
    let search = Search {
        facets: TABLES.iter().map(|(facet, _)| *facet).collect(),
        top: ROWS,
        histogram: Some((scale, context.tz.clone())),
        ..drafting.search(&whole)
    };
    let page = (drafting.find)(&search)?;
    let mut rows = vec![Row {
        name: "全部".to_owned(),
        now: Figure { value: page.total, ask: whole.clone() },
        before: drafting.count(whole.over(order.before))?,
    }];
    let sentiments = KEYWORDS.iter().find(|field| field.name == "sentiment");
    for (wire, names) in sentiments.map_or(&[][..], |field| field.choices) {
        let name = names.first().copied().unwrap_or(wire);
        rows.extend(drafting.row(&whole, "sentiment", wire, Some(name))?);
    }
    let totals = Table { title: "总量与情感", rows };
    let mut tables = Vec::new();
    for (facet, title) in TABLES {
        let mut rows = Vec::new();
        for value in page.facets.get(facet).into_iter().flatten() {
            rows.extend(drafting.row(&whole, facet, &value.value, None)?);
        }
        rows.sort_by_key(|row| Reverse(row.now.value));
        if !rows.is_empty() {
            tables.push(Table { title, rows });
        }
    }
    let curve = if page.total > 0 { drafting.curve(&whole, scale, &page) } else { Vec::new() };
    let samples_ask = Ask { sort: Sort::Heat, ..whole };
    let samples = if page.total > 0 { drafting.samples(&samples_ask)? } else { Vec::new() };
    let lead = drafting.lead(&totals, &tables);
    let notes = drafting.notes(&page.lacking);
    let (title, subtitle) = drafting.title();
    let (kind, span) = (order.kind, order.span);
    Ok(Brief { title, subtitle, kind, span, lead, totals, curve, tables, samples, samples_ask, notes })
}

struct Drafting<'a> {
    order: &'a Order,
    context: &'a Context,
    find: &'a mut dyn FnMut(&Search) -> Result<Page, SearchError>,
}

impl Drafting<'_> {
    fn search(&self, ask: &Ask) -> Search {
        // The order's query was read, and what narrows it was when it was added.
        ask.search(self.context).unwrap_or_else(|_| Search::new(crate::query::Query::Or(Vec::new())))
    }

    fn count(&mut self, ask: Ask) -> Result<Figure, SearchError> {
        let search = self.search(&ask);
        let value = (self.find)(&search)?.total;
        Ok(Figure { value, ask })
    }

    /// A value of a field, in both periods. None where no search can ask for it.
    fn row(&mut self, whole: &Ask, field: &str, value: &str, name: Option<&str>) -> Result<Option<Row>, SearchError> {
        let Some(field) = Keyword::find(field) else { return Ok(None) };
        let Some(ask) = whole.with(&Filter::keyword(field, value), self.context) else { return Ok(None) };
        let name = name.or_else(|| self.context.names.called(field.name, value)).unwrap_or(value).to_owned();
        let before = self.count(ask.over(self.order.before))?;
        Ok(Some(Row { name, now: self.count(ask)?, before }))
    }

    fn scale(&self) -> Scale {
        let length = self.order.span.from.duration_until(self.order.span.to);
        if length <= HOURS_UP_TO {
            Scale::Hour
        } else if length <= DAYS_UP_TO {
            Scale::Day
        } else {
            Scale::Month
        }
    }

    /// The bars of the whole period, those without posts too.
    fn curve(&self, whole: &Ask, scale: Scale, page: &Page) -> Vec<Bar> {
        let Span { from, to } = whole.span;
        let form = match scale {
            Scale::Hour => "%m-%d %H:%M",
            Scale::Month => "%Y-%m",
            _ => "%m-%d",
        };
        let counted = page.histogram.iter().flat_map(|histogram| &histogram.buckets);
        let counted: Vec<_> = counted.collect();
        let mut bars = Vec::new();
        let mut at = Some(begin(from, scale, &self.context.tz));
        while let Some(begins) = at.filter(|at| *at < to && bars.len() < MOST_BARS) {
            let ends = after(begins, scale, &self.context.tz).filter(|ends| *ends > begins);
            let value = counted.iter().find(|bucket| bucket.from == begins).map_or(0, |bucket| bucket.count);
            let span = Span { from: begins.max(from), to: ends.unwrap_or(to).min(to) };
            bars.push(Bar { label: self.told(begins, form), figure: Figure { value, ask: whole.over(span) } });
            at = ends;
        }
        bars
    }

    fn samples(&mut self, ask: &Ask) -> Result<Vec<Sample>, SearchError> {
        let mut search = Search { limit: SAMPLES.min(MOST_HITS), collapse: true, ..self.search(ask) };
        let mut found = (self.find)(&search);
        if matches!(found, Err(SearchError::TooManyTexts(_))) {
            search.collapse = false;
            found = (self.find)(&search);
        }
        Ok(found?.hits.into_iter().map(|hit| self.sample(hit)).collect())
    }

    fn sample(&self, hit: Hit) -> Sample {
        let to = hit.published_at.checked_add(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX);
        let moment = Ask { q: String::new(), span: Span { from: hit.published_at, to }, sort: Sort::Heat };
        let of_source = Keyword::find("source").map(|field| Filter::keyword(field, &hit.source));
        let ask = of_source.and_then(|filter| moment.with(&filter, self.context)).unwrap_or(moment);
        let text = flat(&hit.text);
        let title = hit.title.as_deref().map(flat).filter(|title| !title.is_empty());
        let (title, excerpt) = match title {
            Some(title) => (shortened(&title, EXCERPT), shortened(&text, EXCERPT)),
            None => (shortened(&text, EXCERPT), String::new()),
        };
        Sample {
            title: if title.is_empty() { "(无文字)".to_owned() } else { title },
            excerpt,
            url: hit.url.filter(|url| is_web(url)),
            source: self.context.names.called("source", &hit.source).unwrap_or(&hit.source).to_owned(),
            published: self.told(hit.published_at, "%F %R"),
            counts: vec![("点赞", hit.counts.likes), ("评论", hit.counts.replies), ("转发", hit.counts.reposts)],
            ask,
        }
    }

    fn told(&self, at: Timestamp, form: &str) -> String {
        at.to_zoned_datetime(self.context.tz.clone()).strftime(form).to_string()
    }

    fn told_span(&self, span: Span) -> String {
        format!("{} 至 {}", self.told(span.from, "%F %R"), self.told(span.to, "%F %R"))
    }

    fn title(&self) -> (String, String) {
        let Order { kind, typed, span, .. } = self.order;
        let date = |at: Timestamp| self.told(at, "%Y年%-m月%-d日");
        let title = match kind {
            Kind::Matter => "网络舆情快报".to_owned(),
            Kind::Day => format!("网络舆情日报（{}）", date(span.from)),
            Kind::Week => {
                let last = span.to.checked_sub(SignedDuration::from_secs(1)).unwrap_or(span.to);
                format!("网络舆情周报（{} 至 {}）", date(span.from), date(last))
            }
        };
        let about = if typed.is_empty() { String::new() } else { format!("检索式：{typed}　") };
        (title, format!("{about}时段：{}", self.told_span(*span)))
    }

    /// The summary: sentences of figures alone.
    fn lead(&self, totals: &Table, tables: &[Table]) -> Vec<Vec<Run>> {
        let text = |text: String| Run::Text(text);
        let Some((all, sentiments)) = totals.rows.split_first() else { return Vec::new() };
        let before = self.told_span(self.order.before);
        let compared = format!(" 条，环比{}。", change(all.now.value, all.before.value));
        let counted = |opening: &str| {
            vec![
                text(opening.to_owned()),
                Run::Figure(all.now.clone()),
                text(format!(" 条；上一期（{before}）")),
                Run::Figure(all.before.clone()),
                text(compared.clone()),
            ]
        };
        if all.now.value == 0 {
            return vec![vec![text("本期没有符合条件的帖子。".to_owned())], counted("本期帖子 ")];
        }
        let mut lead = vec![counted("本期符合条件的帖子共 ")];
        let mut sentence = vec![text("其中".to_owned())];
        for (number, row) in sentiments.iter().enumerate() {
            let comma = if number == 0 { "" } else { "，" };
            sentence.push(text(format!("{comma}{} ", row.name)));
            sentence.push(Run::Figure(row.now.clone()));
            sentence.push(text(" 条".to_owned()));
        }
        sentence.push(text("。".to_owned()));
        lead.push(sentence);
        let mut sentence = Vec::new();
        for table in tables {
            let Some(first) = table.rows.first() else { continue };
            sentence.push(text(format!("{}最多的是“{}”，", table.title, first.name)));
            sentence.push(Run::Figure(first.now.clone()));
            sentence.push(text(" 条；".to_owned()));
        }
        if let Some(Run::Text(end)) = sentence.last_mut() {
            *end = " 条。".to_owned();
            lead.push(sentence);
        }
        lead
    }

    fn notes(&self, lacking: &[String]) -> Vec<String> {
        let mut notes = vec![
            format!("数据截至 {}。", self.told(self.context.now, "%F %T %:z")),
            "每个数字都链接到得出它的检索。晚到的帖子会使再次检索的结果增加。一条帖子可有多个街道、类别或话题，各项相加不等于总数。"
                .to_owned(),
            "环比由同一行的两个数字算出。样本按点赞、评论、转发之和排列，同文只列一条。".to_owned(),
        ];
        if self.order.is_open {
            notes.push("本期尚未结束：数据到成稿时为止，上一期取相同时段。".to_owned());
        }
        if !lacking.is_empty() {
            notes.push(format!(
                "{} 的档案由旧版程序建立，部分字段可能少计：运行 wanglou reindex 后重出。",
                lacking.join("、")
            ));
        }
        notes
    }
}

/// Whether a crawled address may be linked to.
fn is_web(url: &str) -> bool {
    let lower = url.get(..8).unwrap_or_default().to_ascii_lowercase();
    let is_http = lower.starts_with("http://") || lower == "https://";
    is_http
        && url.len() <= 2_000
        && !url.chars().any(|c| c.is_control() || c.is_whitespace() || "\"'<>\\^`{|}".contains(c))
}

/// A text in one line.
fn flat(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_change_is_told_in_per_cent() {
        for (now, before, told) in [
            (0, 0, "持平"),
            (7, 7, "持平"),
            (7, 0, "上期为零"),
            (0, 7, "-100.0%"),
            (125, 100, "+25.0%"),
            (2, 3, "-33.3%"),
            (1_000_001, 1_000_000, "+0.0%"),
            (u64::MAX, 1, "+1844674407370955161400.0%"),
        ] {
            assert_eq!(change(now, before), told, "{now} {before}");
        }
    }

    #[test]
    fn only_web_addresses_are_links() {
        for url in ["http://a.example/1?b=c&d", "HTTPS://a.example"] {
            assert!(is_web(url), "{url}");
        }
        for url in
            ["javascript:alert(1)", "http:a", "file:///etc/passwd", "https://a b", "https://a\"onclick=", "", "//a"]
        {
            assert!(!is_web(url), "{url}");
        }
    }

    proptest! {
        #[test]
        fn any_change_is_told(now in any::<u64>(), before in any::<u64>()) {
            prop_assert_eq!(change(now, before).starts_with('-'), before > 0 && now < before);
        }

        #[test]
        fn an_excerpt_is_one_line_of_some_length(text in any::<String>(), most in 1_usize..50) {
            let short = shortened(&flat(&text), most);
            prop_assert!(short.chars().count() <= most + 1 && !short.chars().any(char::is_control));
        }
    }
}
