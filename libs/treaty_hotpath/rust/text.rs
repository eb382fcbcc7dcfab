//! JSON's texts, numbers and the platform's instants, appended to a buffer.

/// A string in quotes; None where it holds what JSON escapes.
pub fn push_text(out: &mut Vec<u8>, text: &str) -> Option<()> {
    if text.bytes().any(|b| b < 0x20 || b == b'"' || b == b'\\') {
        return None;
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
    Some(())
}

/// The shortest decimal that reads back as the same double; `value` is finite.
pub fn push_float(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
}

const MS_A_DAY: i64 = 86_400_000;

/// RFC 3339 in UTC with milliseconds, in quotes; `ms` since 1970-01-01, of the years 1970 to 9999.
pub fn push_instant(out: &mut Vec<u8>, ms: i64) {
    let (year, month, day) = civil(ms.div_euclid(MS_A_DAY));
    let of_day = ms.rem_euclid(MS_A_DAY);
    let mut text = *b"\"0000-00-00T00:00:00.000Z\"";
    digits(&mut text[1..5], year);
    digits(&mut text[6..8], month);
    digits(&mut text[9..11], day);
    digits(&mut text[12..14], of_day / 3_600_000);
    digits(&mut text[15..17], of_day / 60_000 % 60);
    digits(&mut text[18..20], of_day / 1000 % 60);
    digits(&mut text[21..24], of_day % 1000);
    out.extend_from_slice(&text);
}

fn digits(place: &mut [u8], mut number: i64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Year, month and day of a day since 1970-01-01 in the proleptic Gregorian calendar: counted in eras of 400
/// years (146,097 days) whose years begin in March, so that the leap day is a year's last.
fn civil(days: i64) -> (i64, i64, i64) {
    let since = days + 719_468; // 0000-03-01
    let era = since.div_euclid(146_097);
    let of_era = since.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}
