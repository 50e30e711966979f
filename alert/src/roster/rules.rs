//! Who may change what of a roster, and what makes no sense.
//!
//! | what | an operator | a supervisor, an administrator |
//! |---|---|---|
//! | an override, an extra turn | may not | at once |
//! | a swap between himself and another | proposes it | at once, agreed by them |
//! | a swap between two others | may not | at once, agreed by them |
//! | agree to a swap | the one of the two who did not propose it | may |
//! | withdraw a proposed swap | either of the two | may |
//! | withdraw what stands | may not | may |
//! | withdraw what is withdrawn | no fault | no fault |
//! | agree to what is agreed | no fault | no fault |
//!
//! Refused is what names nobody of the config, what ends before it begins or before now, what lasts more than three months,
//! what takes the place of somebody who is not on duty then, and a swap of a turn that has begun.

use super::{
    Change, People,
    change::{Kind, Slot},
    plan,
};
use crate::message::clean;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use schemas::kit::{
    auth::{Caller, Role},
    settings::Duty,
};

/// The longest change.
const LONGEST: SignedDuration = SignedDuration::from_hours(92 * 24);
/// The longest reason, in characters.
const LONGEST_WHY: usize = 400;

/// Why something came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It makes no sense.
    #[error("{1}")]
    Wrong(&'static str, String),
    /// It is somebody else's to do.
    #[error("{0}")]
    NotYours(&'static str),
    /// It is too late for it.
    #[error("{1}")]
    Late(&'static str, &'static str),
}

/// A change, as somebody wants it.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What kind.
    pub kind: Kind,
    /// It begins.
    pub from: Timestamp,
    /// It ends.
    pub to: Timestamp,
    /// Who is on; of a swap, whose the first turn is.
    pub person: String,
    /// Whose place they take.
    pub instead_of: Option<String>,
    /// The other turn of a swap.
    pub with: Option<Slot>,
    /// Why.
    pub why: String,
}

/// Whether somebody may change anything.
#[must_use]
pub fn rules(caller: &Caller) -> bool {
    matches!(caller.role, Role::Supervisor | Role::Admin)
}

/// What is known of the rosters.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The roster.
    pub duty: &'a Duty,
    /// All rosters.
    pub all: &'a [Duty],
    /// The changes so far.
    pub changes: &'a [Change],
    /// The people of the config.
    pub people: &'a People,
    /// The config's timezone.
    pub tz: &'a TimeZone,
}

/// The change that comes of it, with the number `n`.
///
/// # Errors
/// Why it is refused.
pub fn change(wanted: Wanted, n: i64, known: Known<'_>, by: &Caller, now: Timestamp) -> Result<Change, Refusal> {
    let Wanted { kind, from, to, person, instead_of, with, why } = wanted;
    let slots = std::iter::once((from, to)).chain(with.iter().map(|with| (with.from, with.to)));
    match (kind, &instead_of, &with) {
        (Kind::Override, Some(_), None) | (Kind::Extra, None, None) | (Kind::Swap, None, Some(_)) => {}
        (Kind::Override, ..) => {
            return Err(wrong("instead_of", "顶班须写明代谁 / an override needs instead_of, and no with"));
        }
        (Kind::Extra, ..) => {
            return Err(wrong("extra", "加班不代任何人 / an extra turn has neither instead_of nor with"));
        }
        (Kind::Swap, ..) => {
            return Err(wrong("with", "换班须写明与谁的哪一班换 / a swap needs with, and no instead_of"));
        }
    }
    for (from, to) in slots {
        if from >= to {
            return Err(wrong("times", "结束须晚于开始 / it must end after it begins"));
        }
        if to.duration_since(from) > LONGEST {
            return Err(wrong("times", "一次最多 92 天 / at most 92 days at once"));
        }
        if to <= now {
            return Err(wrong("past", "时段已过去 / it is over already"));
        }
        if kind == Kind::Swap && from <= now {
            return Err(wrong(
                "begun",
                "已开始的班次不能换, 请用顶班 / a turn that has begun cannot be swapped: make it an override",
            ));
        }
    }
    if why.chars().count() > LONGEST_WHY {
        return Err(wrong("too_long", &format!("why: 缘由最多 {LONGEST_WHY} 字 / at most {LONGEST_WHY} characters")));
    }
    let named: Vec<&str> = std::iter::once(&person)
        .chain(&instead_of)
        .chain(with.iter().map(|with| &with.person))
        .map(String::as_str)
        .collect();
    for (at, name) in named.iter().enumerate() {
        if at > 0 && named[0] == *name {
            return Err(wrong("same", "不能与自己换班或代自己 / nobody takes his own place"));
        }
    }
    if kind != Kind::Swap && !is_known(&person, known) {
        let message = format!(
            "配置中没有 {person}: 请在 [[person]] 或班次中加上 / nobody of the config is named {person:?}: add a [[person]] with channels"
        );
        return Err(wrong("person", &message));
    }
    let replaced = instead_of.iter().map(|of| (of, from, to));
    let swapped = with.iter().flat_map(|with| [(&person, from, to), (&with.person, with.from, with.to)]);
    for (of, from, to) in replaced.chain(swapped) {
        let turns = plan(known.duty, known.changes, from, to, known.tz);
        if !turns.iter().any(|turn| turn.person == *of || turn.instead_of.as_ref() == Some(of)) {
            let message = format!("{of} 在该时段不值班 / {of:?} is not on duty in that time");
            return Err(wrong("not_on_duty", &message));
        }
    }
    let change = Change {
        n,
        roster: known.duty.id.clone(),
        kind,
        from,
        to,
        person,
        instead_of,
        with,
        why: clean(&why, LONGEST_WHY),
        by: by.name.clone(),
        at: now,
        agreed_by: (kind == Kind::Swap && rules(by)).then(|| by.name.clone()),
        agreed_at: (kind == Kind::Swap && rules(by)).then_some(now),
        withdrawn_by: None,
        withdrawn_at: None,
    };
    match (rules(by), kind) {
        (true, _) => Ok(change),
        (false, Kind::Swap) if change.is_swap_of(&by.name) => Ok(change),
        (false, Kind::Swap) => Err(Refusal::NotYours("只能提出自己的换班 / propose swaps of your own turns")),
        (false, _) => Err(Refusal::NotYours(
            "顶班与加班由督查或管理员安排; 可先提出换班 / a supervisor or an administrator makes it; you may propose a swap",
        )),
    }
}

/// The swap after somebody agreed to it; `None` when somebody has already.
///
/// # Errors
/// Why it is refused.
pub fn agree(change: &Change, by: &Caller, now: Timestamp) -> Result<Option<Change>, Refusal> {
    if change.withdrawn_at.is_some() {
        return Err(Refusal::Late("withdrawn", "该变更已撤回 / it is withdrawn"));
    }
    if change.is_decided() {
        return Ok(None);
    }
    if change.since() <= now {
        return Err(Refusal::Late("begun", "班次已开始, 不能再换 / one of the turns has begun"));
    }
    if !rules(by) && (!change.is_swap_of(&by.name) || change.by == by.name) {
        return Err(Refusal::NotYours(
            "须由换班的另一方, 督查或管理员同意 / the other one of the two, a supervisor or an administrator agrees",
        ));
    }
    Ok(Some(Change { agreed_by: Some(by.name.clone()), agreed_at: Some(now), ..change.clone() }))
}

/// The change after somebody withdrew it; `None` when somebody has already.
///
/// # Errors
/// Why it is refused.
pub fn withdraw(change: &Change, by: &Caller, now: Timestamp) -> Result<Option<Change>, Refusal> {
    if change.withdrawn_at.is_some() {
        return Ok(None);
    }
    if change.until() <= now {
        return Err(Refusal::Late("past", "时段已过去, 留作记录 / it is over, and stays on record"));
    }
    let may = rules(by) || (change.is_proposed() && change.is_swap_of(&by.name));
    if !may {
        return Err(Refusal::NotYours(
            "已生效的变更由督查或管理员撤回 / a supervisor or an administrator withdraws what stands",
        ));
    }
    Ok(Some(Change { withdrawn_by: Some(by.name.clone()), withdrawn_at: Some(now), ..change.clone() }))
}

fn wrong(code: &'static str, message: &str) -> Refusal {
    Refusal::Wrong(code, message.to_owned())
}

fn is_known(name: &str, known: Known<'_>) -> bool {
    let in_shifts =
        || known.all.iter().flat_map(|duty| &duty.shift).any(|shift| shift.get_ref().members().any(|one| one == name));
    known.people.find(name).is_some() || in_shifts()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-{text}+08:00").parse().unwrap()
    }

    fn by(name: &str, role: Role) -> Caller {
        Caller { name: name.into(), role }
    }

    fn wanted(kind: Kind, person: &str) -> Wanted {
        Wanted {
            kind,
            from: at("25T08:00"),
            to: at("25T20:00"),
            person: person.into(),
            instead_of: None,
            with: None,
            why: "探亲".into(),
        }
    }

    fn swap() -> Wanted {
        let with = Some(Slot { from: at("26T20:00"), to: at("27T08:00"), person: "李雷".into() });
        Wanted { with, ..wanted(Kind::Swap, "王敏") }
    }

    fn instead() -> Wanted {
        Wanted { instead_of: Some("王敏".into()), ..wanted(Kind::Override, "韩梅") }
    }

    fn judge(wanted: Wanted, by: &Caller) -> Result<Change, Refusal> {
        let duty: Duty = toml::from_str(
            "id = \"desk\"\n[[shift]]\nfrom = \"08:00\"\nto = \"20:00\"\nperson = \"王敏\"\n[[shift]]\nfrom = \"20:00\"\nto = \"08:00\"\nperson = \"李雷\"\n",
        )
        .unwrap();
        let people = People::of([toml::from_str("name = \"韩梅\"").unwrap()]);
        let tz = TimeZone::get("Asia/Shanghai").unwrap();
        let known = Known { duty: &duty, all: std::slice::from_ref(&duty), changes: &[], people: &people, tz: &tz };
        change(wanted, 1, known, by, at("24T12:00"))
    }

    /// The module's table, a row each.
    #[test]
    fn who_may_do_what() {
        let (wang, li, han) = (by("王敏", Role::Operator), by("李雷", Role::Operator), by("韩梅", Role::Operator));
        let (chief, admin) = (by("督查", Role::Supervisor), by("root", Role::Admin));
        let now = at("24T12:00");
        assert!(matches!(judge(instead(), &wang), Err(Refusal::NotYours(_))));
        assert!(matches!(judge(wanted(Kind::Extra, "韩梅"), &wang), Err(Refusal::NotYours(_))));
        for caller in [&chief, &admin] {
            assert!(judge(instead(), caller).unwrap().stands());
            assert!(judge(wanted(Kind::Extra, "韩梅"), caller).unwrap().stands());
            assert_eq!(judge(swap(), caller).unwrap().agreed_by.as_deref(), Some(caller.name.as_str()));
        }
        let proposed = judge(swap(), &wang).unwrap();
        assert!(proposed.is_proposed() && !proposed.stands());
        assert!(matches!(judge(swap(), &han), Err(Refusal::NotYours(_))));

        assert!(matches!(agree(&proposed, &wang, now), Err(Refusal::NotYours(_))), "nobody agrees with himself");
        assert!(matches!(agree(&proposed, &han, now), Err(Refusal::NotYours(_))));
        let agreed = agree(&proposed, &li, now).unwrap().unwrap();
        assert_eq!((agreed.agreed_by.as_deref(), agreed.stands()), (Some("李雷"), true));
        assert!(agree(&proposed, &chief, now).unwrap().is_some());
        assert_eq!(agree(&agreed, &han, now), Ok(None));
        assert!(matches!(agree(&proposed, &li, at("25T08:00")), Err(Refusal::Late("begun", _))));

        for caller in [&wang, &li, &chief] {
            let gone = withdraw(&proposed, caller, now).unwrap().unwrap();
            assert_eq!((gone.withdrawn_by.as_ref(), gone.is_proposed()), (Some(&caller.name), false));
            assert_eq!(withdraw(&gone, &han, now), Ok(None));
            assert!(matches!(agree(&gone, &li, now), Err(Refusal::Late("withdrawn", _))));
        }
        assert!(matches!(withdraw(&proposed, &han, now), Err(Refusal::NotYours(_))));
        assert!(matches!(withdraw(&agreed, &wang, now), Err(Refusal::NotYours(_))));
        assert!(withdraw(&agreed, &admin, now).unwrap().is_some());
        assert!(matches!(withdraw(&agreed, &admin, at("28T00:00")), Err(Refusal::Late("past", _))));
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_says_why() {
        let chief = by("督查", Role::Supervisor);
        let code = |wanted: Wanted| match judge(wanted, &chief) {
            Err(Refusal::Wrong(code, _)) => code,
            other => panic!("{other:?}"),
        };
        assert_eq!(code(wanted(Kind::Override, "韩梅")), "instead_of");
        assert_eq!(code(wanted(Kind::Swap, "王敏")), "with");
        assert_eq!(code(Wanted { kind: Kind::Extra, ..instead() }), "extra");
        assert_eq!(code(Wanted { to: at("25T08:00"), ..instead() }), "times");
        assert_eq!(code(Wanted { to: at("25T08:00") + SignedDuration::from_hours(93 * 24), ..instead() }), "times");
        assert_eq!(code(Wanted { from: at("24T08:00"), to: at("24T12:00"), ..instead() }), "past");
        assert_eq!(code(Wanted { from: at("24T08:00"), to: at("24T20:00"), ..swap() }), "begun");
        assert_eq!(code(Wanted { why: "长".repeat(401), ..instead() }), "too_long");
        assert_eq!(code(Wanted { person: "王敏".into(), ..instead() }), "same");
        assert_eq!(code(Wanted { person: "无此人".into(), ..instead() }), "person");
        assert_eq!(code(Wanted { instead_of: Some("李雷".into()), ..instead() }), "not_on_duty");
        assert_eq!(code(Wanted { person: "韩梅".into(), ..swap() }), "not_on_duty");
    }
}
