//! The walk through a source's list, and the chase of a gap: both are walks, from the first page or from where an earlier
//! visit had to stop ([`super::walk`] decides).

use super::{
    ledger::{Below, Missing},
    order,
    visit::{Stop, Visit},
    walk::{Reached, Walk},
};
use crate::{
    source::{
        Reader,
        listing::{ListPage, Row},
    },
    web::request::Validators,
};
use jiff::Timestamp;
use std::collections::HashSet;
use url::Url;

/// So many posts say something about a site.
const SIGNIFICANT: u32 = 3;

/// What the walk from the first page came to.
pub(super) struct Walked {
    /// The source says that its first page has not changed.
    pub(super) unchanged: bool,
    /// How far back it read without leaving anything out: the oldest time that its rows state.
    pub(super) oldest: Option<Timestamp>,
    /// Whether rows may be missing anywhere between those that it read.
    pub(super) is_broken: bool,
    /// The keys of its rows, in their order.
    pub(super) listed: Vec<String>,
    pub(super) validators: Validators,
}

/// A walk that came to its end.
struct Done {
    walk: Walk,
    reached: Reached,
    /// The last page that was read: from here a later visit goes on, for rows may have slid up into it.
    last_page: Url,
    /// What made it stop before anything was reached.
    broke: Option<String>,
    /// The list moved each time that it was read: that is nobody's fault, and another try is not to wait long.
    moved: bool,
    validators: Validators,
}

impl Done {
    /// Where whoever goes on begins.
    fn below(&self) -> Below {
        Below { page: self.last_page.clone(), rows: self.walk.last().to_vec() }
    }
}

impl Visit<'_> {
    /// Walks from the first page back to what is known.
    pub(super) async fn walk(&mut self) -> Result<Walked, Stop> {
        let validators = self.memory.state.list.clone();
        let start = self.site.start.clone();
        let Some(done) = self.pages(&start, &validators, None).await? else {
            self.memory.state.rhythm.learn(0, 0, self.began, &self.site.tz);
            return Ok(Walked { unchanged: true, oldest: None, is_broken: false, listed: Vec::new(), validators });
        };
        let is_first = self.memory.state.ledger.covered_to.is_none();
        let news = done.walk.news(|row| self.memory.frontier.knows(&row.key, row.changed.as_deref(), None));
        self.memory.state.rhythm.learn(news, done.walk.first_page as u32, self.began, &self.site.tz);
        let any_known = done.walk.rows.iter().any(|row| self.memory.frontier.has(&row.key));
        self.first_rows = done.walk.rows.iter().take(done.walk.first_page).map(|row| row.key.clone()).collect();
        let order = done.walk.order();
        let risen = order::risen(&self.memory.state.order, &order, |key| self.memory.frontier.has(key));
        self.list(done.walk.sure(), is_first);
        risen.into_iter().for_each(|key| self.memory.frontier.raise(key, self.began));
        self.memory.state.order = order::of(order.into_iter());
        let (pages, is_broken) = (done.walk.pages, done.broke.is_some());
        let below = done.below();
        self.behind = match (&done.reached, done.broke) {
            (_, Some(reason)) => {
                self.trouble(reason.clone());
                Some((Missing::Rows(below), reason))
            }
            (Reached::More(_), None) => {
                let reason = format!("after {pages} pages of the list nothing known was reached");
                Some((Missing::Rows(below), reason))
            }
            // A list that never said where it goes on may be a window: whatever fell out of it is not to be seen again.
            (Reached::End, None) if !self.memory.state.goes_on && !any_known && !is_first => Some((
                Missing::Lost,
                format!(
                    "all {} rows of the list are new, and it does not say where older ones are: set `next`, or visit more often",
                    done.walk.rows.len()
                ),
            )),
            (Reached::End | Reached::Known(_), None) => None,
        };
        Ok(Walked {
            unchanged: false,
            is_broken,
            oldest: done.walk.rows.iter().filter_map(|row| row.published_at).min(),
            listed: done.walk.rows.iter().map(|row| row.key.clone()).collect(),
            validators: done.validators,
        })
    }

    /// Chases a gap in the list, or reads on in its history.
    pub(super) async fn chase(&mut self) -> Result<(), Stop> {
        let Some(gap) = self.memory.state.ledger.due(Timestamp::now()).cloned() else { return Ok(()) };
        let Missing::Rows(Below { page, rows }) = &gap.missing else { return Ok(()) };
        if !self.has_time(false) {
            return Ok(());
        }
        let before = if gap.history { Some(Timestamp::MIN) } else { Some(gap.found_at) };
        let done = match self.pages(page, &Validators::default(), before).await {
            Ok(Some(done)) => done,
            Ok(None) => return Ok(()),
            Err(Stop::Source(trouble)) => {
                self.trouble(format!("a gap cannot be closed yet: {}", trouble.reason));
                self.memory.state.ledger.failed(&gap.missing, self.site.pace.fastest, Timestamp::now());
                return Ok(());
            }
            Err(stop) => return Err(stop),
        };
        let slid = *page != self.site.start && !done.walk.has_met(rows);
        self.list(done.walk.sure(), gap.history);
        let proof = match &done.reached {
            _ if slid => None,
            _ if gap.history && self.memory.frontier.is_half_full() => {
                Some("as much history is read as is remembered".into())
            }
            Reached::Known(key) if done.broke.is_none() => {
                Some(format!("reading on from {page} reached {key}, which was known before the gap"))
            }
            Reached::End if done.broke.is_none() => Some(format!("reading on from {page} reached the end of the list")),
            _ => None,
        };
        let ledger = &mut self.memory.state.ledger;
        match proof {
            Some(proof) => {
                let closed = ledger.close(|open| *open == gap, &proof);
                self.closed.extend(closed);
            }
            None if done.moved => ledger.wait(&gap.missing, self.site.pace.fastest, Timestamp::now()),
            None if slid => ledger.advance(gap.found_at, &Below { page: self.site.start.clone(), rows: Vec::new() }),
            None if done.last_page == *page => ledger.failed(&gap.missing, self.site.pace.fastest, Timestamp::now()),
            None => ledger.advance(gap.found_at, &done.below()),
        }
        Ok(())
    }

    /// Notes the rows as listed: what they carry is durable.
    fn list(&mut self, rows: &[Row], history: bool) {
        for row in rows {
            let (key, changed) = (row.key.as_str(), row.changed.as_deref());
            self.memory.frontier.list(key, changed, row.thread.as_ref(), history, self.began);
        }
    }

    /// Reads pages from `first` on, until what was known is reached (known before `before`, where it is given), and hands in
    /// what their rows carry. None when the first has not changed.
    async fn pages(
        &mut self,
        first: &Url,
        validators: &Validators,
        before: Option<Timestamp>,
    ) -> Result<Option<Done>, Stop> {
        // Who chases begins with a page that was read before.
        let most = self.site.reader.list_pages() + u32::from(before.is_some());
        let (mut read, mut readable) = (0, 0);
        let mut walk = Walk::default();
        let Some((list, begin, validators)) = self.first_page(first, validators).await? else { return Ok(None) };
        let (mut page, mut at) = (list, begin);
        let first = at.clone();
        let (reached, mut broke) = loop {
            let next = page.next.clone();
            self.memory.state.goes_on |= next.is_some();
            self.carry(&mut page.rows, &mut read, &mut readable).await?;
            let frontier = &self.memory.frontier;
            let reached = walk.take(page.rows, next, |row| frontier.knows(&row.key, row.changed.as_deref(), before));
            let Reached::More(next) = &reached else { break (reached, None) };
            if walk.pages >= most || !self.has_time(true) {
                break (reached, None);
            }
            match self.list_page(next).await {
                // A chase that finds the same once more has come to the end; else the layout may be changing under our eyes.
                Ok(read) if read.rows.is_empty() && self.is_html() && before.is_none() => {
                    let reason = format!(
                        "page {} of the list shows no row, although the page before leads to it",
                        walk.pages + 1
                    );
                    break (reached, Some(reason));
                }
                Ok(read) => page = read,
                // Feeds and APIs name a next page until there is none.
                Err(Stop::Source(trouble)) if trouble.is_gone => break (Reached::End, None),
                Err(Stop::Source(trouble)) => {
                    let reason = format!("page {} of the list could not be read: {}", walk.pages + 1, trouble.reason);
                    break (reached, Some(reason));
                }
                Err(stop) => return Err(stop),
            }
            at.clone_from(next);
        };
        if read >= SIGNIFICANT && readable == 0 {
            return Err(Stop::layout_changed(&format!(
                "of {read} rows none could be read ({})",
                self.told().unwrap_or_default()
            )));
        }
        let pages = walk.pages;
        while broke.is_none() && walk.is_to_be_walked_again() {
            let mut next = Some(first.clone());
            for number in 1.. {
                let Some(url) = next.take() else { break };
                if number > pages + most {
                    broke = Some(format!("the list moves faster than it can be read: {} pages of news", number - 1));
                    break;
                }
                let mut page = match self.list_page(&url).await {
                    Ok(page) if page.rows.is_empty() && self.is_html() => {
                        broke = Some(format!("page {number} of the list shows no row when it is read once more"));
                        break;
                    }
                    Ok(page) => page,
                    Err(Stop::Source(trouble)) if trouble.is_gone && number > 1 => break,
                    Err(Stop::Source(trouble)) => {
                        broke =
                            Some(format!("page {number} of the list could not be read once more: {}", trouble.reason));
                        break;
                    }
                    Err(stop) => return Err(stop),
                };
                self.carry(&mut page.rows, &mut read, &mut readable).await?;
                next = page.next;
                let frontier = &self.memory.frontier;
                let known = |row: &Row| frontier.knows(&row.key, row.changed.as_deref(), before);
                if walk.take_again(page.rows, known) {
                    break;
                }
            }
        }
        let moved = broke.is_none() && !walk.is_believable();
        if moved {
            broke = Some("the list moved each time that it was read".into());
        }
        // What slid over the edge of two pages may stand on any of them: who goes on begins with the first.
        if broke.is_some() {
            at = first;
        }
        Ok(Some(Done { walk, reached, last_page: at, broke, moved, validators }))
    }

    /// The page where the list begins, and its address: what `first` says, where it is another one.
    async fn first_page(
        &mut self,
        first: &Url,
        validators: &Validators,
    ) -> Result<Option<(ListPage, Url, Validators)>, Stop> {
        let Some((list, page)) = self.read(first, validators, Reader::list).await? else { return Ok(None) };
        let (list, at) = match list.begin.clone().filter(|_| *first == self.site.start) {
            Some(begin) => (self.list_page(&begin).await?, begin),
            None => (list, first.clone()),
        };
        if list.login {
            return Err(Stop::login(&page.url));
        }
        let may_be_empty =
            matches!(*self.site.reader, Reader::Feed(_) | Reader::Json(_)) && self.memory.frontier.is_empty();
        if list.rows.is_empty() && !may_be_empty {
            return Err(Stop::layout_changed(&format!("no row of the list is found on {at}")));
        }
        Ok(Some((list, at, page.validators)))
    }

    async fn list_page(&mut self, url: &Url) -> Result<ListPage, Stop> {
        match self.read(url, &Validators::default(), Reader::list).await? {
            Some((list, page)) if list.login => Err(Stop::login(&page.url)),
            Some((list, _)) => Ok(list),
            None => Err(Stop::failed(format!("{url} is said not to have changed, and nobody asked"))),
        }
    }

    /// Hands in what rows carry, and leaves them without it.
    async fn carry(&mut self, rows: &mut [Row], read: &mut u32, readable: &mut u32) -> Result<(), Stop> {
        let mut found = Vec::new();
        let mut known = HashSet::new();
        for row in rows {
            *read += row.posts.len() as u32;
            *readable += row.posts.iter().filter(|post| post.is_ok()).count() as u32;
            if self.memory.frontier.has(&row.key) {
                known.extend(row.posts.iter().flatten().map(|post| post.native_id.clone()));
            }
            found.append(&mut row.posts);
        }
        self.hand_in(found, |id| known.contains(id)).await.map(drop)
    }
}
