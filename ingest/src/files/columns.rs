//! Which of the door's keys each column of a file is.
//!
//! | heading, or key of a line | is |
//! |---|---|
//! | written in `[source.columns]` | what stands there: a key of the door, or `ignore` |
//! | a key of the door | that key |
//! | one of the headings that hotlines use most ([`COMMON`]) | its key |
//! | blank, and so are its cells | nothing |
//! | anything else | unknown: the file is refused, the column named |
//!
//! Two columns may be one key only where texts can be joined.

use schemas::kit::settings::Source;
use std::collections::HashMap;

/// How a value of a key is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    /// A text that may come from several columns, one below the other.
    Texts,
    Time,
    Count,
    Links,
    /// A whole value of JSON, for lines.
    Json,
}

/// A key of the door; that of a reply's part is written with a dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
}

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Key(Key),
    Ignore,
}

/// The word for a column that is not taken.
const IGNORE: &str = "ignore";

const KEYS: &[(&str, Form)] = &[
    ("source", Form::Text),
    ("native_id", Form::Text),
    ("kind", Form::Text),
    ("url", Form::Text),
    ("title", Form::Text),
    ("text", Form::Texts),
    ("author", Form::Text),
    ("published_at", Form::Time),
    ("published_precision", Form::Text),
    ("fetched_at", Form::Time),
    ("thread_id", Form::Text),
    ("parent_id", Form::Text),
    ("likes", Form::Count),
    ("replies", Form::Count),
    ("reposts", Form::Count),
    ("place", Form::Text),
    ("media", Form::Links),
    ("media_alt", Form::Json),
    ("reply", Form::Json),
    ("reply.text", Form::Texts),
    ("reply.published_at", Form::Time),
    ("reply.by", Form::Text),
];

/// Headings of hotlines' and message boards' exports that mean the same everywhere.
const COMMON: &[(&str, &str)] = &[
    ("工单编号", "native_id"),
    ("工单号", "native_id"),
    ("留言编号", "native_id"),
    ("诉求标题", "title"),
    ("工单标题", "title"),
    ("留言主题", "title"),
    ("诉求内容", "text"),
    ("工单内容", "text"),
    ("留言详情", "text"),
    ("来电时间", "published_at"),
    ("诉求时间", "published_at"),
    ("受理时间", "published_at"),
    ("留言时间", "published_at"),
    ("留言用户", "author"),
    ("承办单位", "reply.by"),
    ("答复单位", "reply.by"),
    ("答复内容", "reply.text"),
    ("答复意见", "reply.text"),
    ("答复时间", "reply.published_at"),
];

/// The columns of a source, as its config has them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns(HashMap<String, Target>);

impl Columns {
    /// # Errors
    /// The headings whose key is none.
    pub(crate) fn new(source: &Source) -> Result<Self, Vec<(String, String)>> {
        let mut faults = Vec::new();
        let mut columns = HashMap::new();
        for (heading, name) in &source.columns {
            match named(name) {
                Some(target) => {
                    columns.insert(plain(heading).to_owned(), target);
                }
                None => {
                    let keys: Vec<_> = KEYS.iter().map(|(name, _)| *name).collect();
                    faults.push((heading.clone(), format!("{name:?} is none of {}, {IGNORE}", keys.join(", "))));
                }
            }
        }
        if faults.is_empty() { Ok(Self(columns)) } else { Err(faults) }
    }

    /// What the column of a heading is, if it is known.
    pub(crate) fn target(&self, heading: &str) -> Option<Target> {
        let heading = plain(heading);
        if let Some(&target) = self.0.get(heading) {
            return Some(target);
        }
        let common = COMMON.iter().find(|(known, _)| *known == heading).map(|(_, name)| *name);
        named(common.unwrap_or(heading)).filter(|target| *target != Target::Ignore)
    }
}

/// The columns of a table, by the row of its headings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Headings(pub(crate) Vec<(String, Option<Target>)>);

impl Headings {
    /// # Errors
    /// What is wrong with them, for whoever made the file.
    pub(crate) fn read(row: impl IntoIterator<Item = String>, columns: &Columns) -> Result<Self, String> {
        let (mut headings, mut unknown, mut twice) = (Vec::new(), Vec::new(), Vec::new());
        for (number, heading) in (1..).zip(row) {
            let heading = plain(&heading).to_owned();
            let target = columns.target(&heading);
            if target.is_none() && !heading.is_empty() {
                unknown.push(format!("{} ({heading:?})", number_name(number)));
            }
            if let Some(Target::Key(key)) = target
                && key.form != Form::Texts
                && headings.iter().any(|(_, known)| *known == target)
            {
                twice.push(format!("{} ({heading:?}) is {} as another one is", number_name(number), key.name));
            }
            headings.push((heading, target));
        }
        if !unknown.is_empty() {
            unknown.truncate(10);
            return Err(format!(
                "no key is known for column {}: name it in [source.columns], with \"ignore\" for what is not to be taken",
                unknown.join(", ")
            ));
        }
        if let Some(twice) = twice.first() {
            return Err(format!("column {twice}"));
        }
        for needed in ["native_id", "text", "published_at"] {
            let has =
                |(_, target): &(String, Option<Target>)| matches!(target, Some(Target::Key(key)) if key.name == needed);
            if !headings.iter().any(has) {
                return Err(format!(
                    "no column is {needed}: is this the row of the headings? [source.file] header says which"
                ));
            }
        }
        Ok(Self(headings))
    }
}

/// A column as spreadsheets name it: A, B, …, Z, AA.
pub(crate) fn number_name(number: usize) -> String {
    let (mut rest, mut name) = (number, Vec::new());
    while rest > 0 {
        rest -= 1;
        name.push(b'A' + (rest % 26) as u8);
        rest /= 26;
    }
    name.iter().rev().map(|&letter| char::from(letter)).collect()
}

fn named(name: &str) -> Option<Target> {
    if name == IGNORE {
        return Some(Target::Ignore);
    }
    KEYS.iter().find(|(known, _)| *known == name).map(|&(name, form)| Target::Key(Key { name, form }))
}

/// Headings are written with blanks, breaks and marks of what must be filled in.
fn plain(heading: &str) -> &str {
    heading.trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | ':' | '：' | '\u{feff}'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::kit::settings::Settings;

    fn columns(more: &str) -> Result<Columns, Vec<(String, String)>> {
        let text = format!("[[source]]\nid = \"hotline\"\nkind = \"file\"\npath = \"/x\"\n[source.columns]\n{more}");
        Columns::new(Settings::parse(&text, []).unwrap().source[0].get_ref())
    }

    fn read(row: &[&str], more: &str) -> Result<Headings, String> {
        Headings::read(row.iter().map(|&heading| heading.to_owned()), &columns(more).unwrap())
    }

    #[test]
    fn each_row_of_the_table() {
        let columns = columns("\"编号\" = \"native_id\"\n\"电话\" = \"ignore\"\n\"诉求标题\" = \"text\"").unwrap();
        let name = |heading| match columns.target(heading) {
            Some(Target::Key(key)) => Some(key.name),
            Some(Target::Ignore) => Some("ignore"),
            None => None,
        };
        assert_eq!(name(" *编号：\n"), Some("native_id"));
        assert_eq!(name("电话"), Some("ignore"));
        assert_eq!(name("诉求标题"), Some("text"), "the config's word goes before the common one");
        assert_eq!(
            (name("likes"), name("reply.by"), name("来电时间")),
            (Some("likes"), Some("reply.by"), Some("published_at"))
        );
        assert_eq!((name("手机"), name(""), name("ignore")), (None, None, None));
    }

    #[test]
    fn a_key_that_is_none_is_a_fault_of_the_config() {
        let faults = columns("\"编号\" = \"number\"").unwrap_err();
        assert!(faults[0].0 == "编号" && faults[0].1.contains("native_id"), "{faults:?}");
    }

    #[test]
    fn headings_that_do_not_do_are_refused_by_name() {
        assert!(read(&["工单编号", "诉求内容", "来电时间", ""], "").is_ok());
        let unknown = read(&["工单编号", "诉求内容", "来电时间", "联系电话"], "").unwrap_err();
        assert!(unknown.contains("D (\"联系电话\")"), "{unknown}");
        let twice = read(&["工单编号", "工单号", "诉求内容", "来电时间"], "").unwrap_err();
        assert!(twice.contains("B (\"工单号\") is native_id"), "{twice}");
        assert!(read(&["工单编号", "诉求内容", "工单内容", "来电时间"], "").is_ok(), "texts are joined");
        let missing = read(&["工单编号", "诉求内容"], "").unwrap_err();
        assert!(missing.contains("published_at") && missing.contains("header"), "{missing}");
    }

    #[test]
    fn columns_are_named_as_spreadsheets_do() {
        assert_eq!([1, 26, 27, 702, 703].map(number_name), ["A", "Z", "AA", "ZZ", "AAA"]);
    }
}
