//! Moments as .NET writes them: `2030-01-31`, `2030-01-31T12:00:00Z`, with an offset or a space.

use crate::clock::Timestamp;

/// Reads a date with or without a time; without a zone it is UTC.
pub fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (date, time) = text.split_once(['T', 't', ' ']).unwrap_or((text, "00:00:00Z"));
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    if day < 1 || day > length(year, month) {
        return None;
    }
    let (time, offset) = zone(time)?;
    Some(Timestamp(days(year, month, day) * 86_400 + clock(time)? - offset))
}

/// Splits `12:00:00+02:00` into the time and the offset in seconds.
fn zone(text: &str) -> Option<(&str, i64)> {
    if let Some(time) = text.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let Some(at) = text.rfind(['+', '-']) else { return Some((text, 0)) };
    let (time, offset) = text.split_at_checked(at)?;
    let [hours, minutes] = numbers(offset.get(1..)?, ':', [2, 2])?;
    let seconds = hours * 3_600 + minutes * 60;
    let fits = hours < 15 && minutes < 60;
    fits.then_some((time, if offset.starts_with('-') { -seconds } else { seconds }))
}

/// Seconds since midnight; a fraction is cut off.
fn clock(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let whole = if whole.len() == 5 { format!("{whole}:00") } else { whole.to_owned() };
    let [hours, minutes, seconds] = numbers(&whole, ':', [2, 2, 2])?;
    let fits = hours < 24 && minutes < 60 && seconds < 60;
    let digits = !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit());
    (fits && digits).then_some(hours * 3_600 + minutes * 60 + seconds)
}

/// Numbers between separators, each of as many digits as it has.
fn numbers<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[i64; N]> {
    let mut found = [0; N];
    let mut parts = text.split(separator);
    for (number, width) in found.iter_mut().zip(widths) {
        let part = parts.next()?;
        let digits = part.len() == width && part.bytes().all(|b| b.is_ascii_digit());
        *number = part.parse().ok().filter(|_| digits)?;
    }
    parts.next().is_none().then_some(found)
}

fn length(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01, the year being counted from March so that a leap day is its last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let leaps = year / 4 - year / 100 + year / 400;
    year * 365 + leaps + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_dotnet_writes_them() {
        let at = |text| moment(text).map(|moment| moment.0);
        assert_eq!(at("1970-01-01"), Some(0));
        assert_eq!(at("2000-02-29"), Some(951_782_400));
        assert_eq!(at("2026-11-22T12:34:56Z"), Some(1_795_350_896));
        assert_eq!(at("2026-11-22T14:34:56+02:00"), Some(1_795_350_896));
        assert_eq!(at("2026-11-22 12:34:56.1234567"), Some(1_795_350_896));
        assert_eq!(at("2026-11-22T12:34"), Some(1_795_350_840));
        for wrong in [
            "",
            "tomorrow",
            "2026-13-01",
            "2026-02-29",
            "2026-11-22T24:00:00",
            "26-1-1",
            "2026-11-22T12:34:56+99:00",
        ] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }
}
