//! The rhythm of a town that talks: how many posts and comments a minute, by the hour and the day in Asia/Shanghai.
//!
//! History and present follow the same rhythm. Were the present livelier than the days before it, every topic would stand
//! above its learned expectation, and the rise that matters would drown.

/// Offset of Asia/Shanghai, which has no daylight saving: seconds east of UTC.
pub(crate) const SHANGHAI: i64 = 8 * 3600;

/// Posts and comments a minute at each full hour, Monday to Friday; between the hours the rate goes in a straight line.
const WORKDAY: [f64; 24] = [
    3.0, 1.5, 0.8, 0.5, 0.5, 0.8, 2.0, 5.0, 6.5, 6.5, 6.5, 6.5, 8.0, 6.0, 5.5, 5.5, 5.5, 6.5, 8.5, 11.5, 13.5, 13.5,
    10.0, 6.0,
];
/// Saturday and Sunday: people rise later and stay longer.
const WEEKEND: [f64; 24] = [
    4.0, 2.0, 1.0, 0.6, 0.4, 0.5, 1.0, 2.5, 5.0, 6.5, 7.0, 7.5, 8.0, 7.0, 6.5, 6.5, 6.5, 7.0, 8.5, 10.5, 12.5, 13.5,
    11.5, 7.5,
];

/// Posts and comments a minute of ordinary life at a moment.
pub(crate) fn rate(unix: i64) -> f64 {
    let at = |local: i64| {
        let day = local.div_euclid(86_400);
        let hour = local.rem_euclid(86_400) / 3600;
        // 1970-01-01 was a Thursday: days 2 and 3 were the first weekend.
        let table = if matches!(day.rem_euclid(7), 2 | 3) { &WEEKEND } else { &WORKDAY };
        table[hour as usize]
    };
    let local = unix + SHANGHAI;
    let part = local.rem_euclid(3600) as f64 / 3600.0;
    at(local) * (1.0 - part) + at(local + 3600) * part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evenings_are_loud_and_nights_are_quiet() {
        let unix = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
        let (evening, night) = (rate(unix("2026-11-24T20:30:00+08:00")), rate(unix("2026-11-24T03:30:00+08:00")));
        assert!(evening > 13.0 && night <= 1.0, "{evening} {night}");
        let (friday, saturday) = (rate(unix("2026-11-27T07:00:00+08:00")), rate(unix("2026-11-28T07:00:00+08:00")));
        assert!((friday, saturday) == (5.0, 2.5), "{friday} {saturday}");
    }

    #[test]
    fn a_week_is_imported_in_seconds() {
        let week: f64 = (0..7 * 24 * 60).map(|minute| rate(minute * 60)).sum();
        assert!((40_000.0..60_000.0).contains(&week), "{week}");
    }
}
