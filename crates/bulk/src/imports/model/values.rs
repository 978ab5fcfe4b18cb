//! The text of a cell as the JSON value that the API would take for the member.

use kernel::ValueError;
use kernel::text::search_key;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::columns::Kind;
use crate::cells::unguarded;

/// How days are written that are not written as 2026-03-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DateOrder {
    /// 31/12/1990.
    Dmy,
    /// 12/31/1990.
    Mdy,
}

/// The value of a cell that is not blank.
pub fn value(kind: Kind, text: &str, order: Option<DateOrder>) -> Result<Value, ValueError> {
    // The apostrophe that keeps a spreadsheet from reading a formula: exports write it.
    let text = unguarded(text.trim());
    match kind {
        Kind::Phone => phone(text).map(Value::from),
        Kind::Bool => boolean(text).map(Value::from),
        Kind::Gender => Ok(Value::from(gender(text))),
        Kind::Date => date(text, order).map(Value::from),
        Kind::Object => object(text),
        Kind::Text | Kind::FullName | Kind::Key | Kind::ReadOnly => Ok(Value::from(text)),
    }
}

fn phone(text: &str) -> Result<&str, ValueError> {
    let text = text.trim_start_matches('\'').trim();
    let (number, exponent) = text.split_once(['E', 'e']).unwrap_or((text, ""));
    let is_number =
        |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b','));
    if is_number(number) && is_number(exponent.trim_start_matches('+')) {
        let message = "was turned into a rounded number by a spreadsheet, so its last digits are lost; format the \
                       column as text there and save the file again";
        return Err(ValueError::new("scientific_notation", message));
    }
    // 15551234567.0: what programs make of a column of numbers with gaps.
    match text.strip_suffix(".0") {
        Some(whole) if whole.bytes().all(|b| b.is_ascii_digit()) => Ok(whole),
        _ => Ok(text),
    }
}

fn boolean(text: &str) -> Result<bool, ValueError> {
    match search_key(text).as_str() {
        "true" | "t" | "yes" | "y" | "1" | "1.0" | "x" | "on" | "si" | "s" | "verdadero" | "v" | "activo"
        | "active" | "ja" | "oui" | "sim" | "✓" => Ok(true),
        "false" | "f" | "no" | "n" | "0" | "0.0" | "off" | "falso" | "inactivo" | "inactive" | "nein"
        | "non" | "nao" | "-" => Ok(false),
        _ => Err(ValueError::new(
            "invalid_boolean",
            "must be yes or no, true or false, si or no, 1 or 0, or x",
        )),
    }
}

/// The code of a gender in its usual spellings; others go on and are refused where every gender is read.
fn gender(text: &str) -> &str {
    match search_key(text).as_str() {
        "m" | "male" | "man" | "h" | "hombre" | "masculino" | "varon" => "male",
        "f" | "female" | "woman" | "w" | "mujer" | "femenino" => "female",
        "o" | "other" | "x" | "d" | "diverse" | "nonbinary" | "non-binary" | "otro" | "otra" => "other",
        _ => text,
    }
}

/// A day as `YYYY-MM-DD`; what is written so already, also with a time, goes on as it is.
fn date(text: &str, order: Option<DateOrder>) -> Result<String, ValueError> {
    let (day, time) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let parts: Vec<&str> = day.split(['/', '-', '.']).collect();
    let number = |part: &str, most: usize| {
        let fits = (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| part.parse::<u32>().ok()).flatten()
    };
    let midnight = time.trim_end_matches('Z').chars().all(|c| matches!(c, '0' | ':' | '.'));
    let [a, b, c] = parts.as_slice() else { return Ok(text.to_owned()) };
    if a.len() == 4 && !day.contains('-') {
        // 1990/12/31 can only be meant so.
        return match (number(b, 2), number(c, 2)) {
            (Some(month), Some(day)) if midnight => Ok(format!("{a}-{month:02}-{day:02}")),
            _ => Ok(text.to_owned()),
        };
    }
    let (Some(a), Some(b), true, true) = (number(a, 2), number(b, 2), c.len() == 4, midnight) else {
        return Ok(text.to_owned());
    };
    let year =
        number(c, 4).ok_or_else(|| ValueError::new("invalid_date", "must be a date such as 2026-03-01"))?;
    let (day, month) = match order {
        Some(DateOrder::Dmy) => (a, b),
        Some(DateOrder::Mdy) => (b, a),
        None if a > 12 => (a, b),
        None if b > 12 => (b, a),
        None if a == b => (a, b),
        None => {
            let message = "may be read in two ways; write it as 1990-12-31, or say the order of day and month (date_order)";
            return Err(ValueError::new("ambiguous_date", message));
        }
    };
    Ok(format!("{year:04}-{month:02}-{day:02}"))
}

fn object(text: &str) -> Result<Value, ValueError> {
    let wrong = || ValueError::new("invalid_json", "must be a JSON object, such as {\"key\": \"value\"}");
    let value = kernel::web::json::parse(text.as_bytes()).map_err(|_| wrong())?;
    if value.is_object() { Ok(value) } else { Err(wrong()) }
}

/// First and last name of a full name: `Last, First`, else split at the last space.
pub fn split_name(full: &str) -> (&str, &str) {
    let full = full.trim();
    if let Some((last, first)) = full.split_once(',') {
        return (first.trim(), last.trim());
    }
    full.rsplit_once(char::is_whitespace).map_or((full, ""), |(first, last)| (first.trim(), last))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(kind: Kind, text: &str) -> Result<Value, &'static str> {
        value(kind, text, None).map_err(|error| error.code)
    }

    #[test]
    fn phones_are_text_whatever_a_spreadsheet_did() {
        for (cell, phone) in [
            ("'+1-555-0123", "+1-555-0123"),
            ("'15551234567", "15551234567"),
            ("15551234567.0", "15551234567"),
            (" +57 300 123 4567 ", "+57 300 123 4567"),
            ("555-0123 ext 4", "555-0123 ext 4"),
        ] {
            assert_eq!(read(Kind::Phone, cell), Ok(json!(phone)));
        }
        for rounded in ["1.55E+10", "1,55e+10", "1E10"] {
            assert_eq!(read(Kind::Phone, rounded), Err("scientific_notation"), "{rounded}");
        }
    }

    #[test]
    fn formulas_lose_their_guard_and_names_keep_their_apostrophe() {
        assert_eq!(read(Kind::Text, "'=1+1"), Ok(json!("=1+1")));
        assert_eq!(read(Kind::Text, "' @x"), Ok(json!(" @x")));
        assert_eq!(read(Kind::Text, "''=1"), Ok(json!("'=1")));
        assert_eq!(read(Kind::Text, "'t Hooft"), Ok(json!("'t Hooft")));
    }

    #[test]
    fn yes_no_and_genders_are_read_in_two_languages() {
        for yes in ["Yes", "SÍ", "1", "x", "TRUE", "Verdadero"] {
            assert_eq!(read(Kind::Bool, yes), Ok(json!(true)), "{yes}");
        }
        for no in ["no", "0", "FALSE", "Falso", "N"] {
            assert_eq!(read(Kind::Bool, no), Ok(json!(false)), "{no}");
        }
        assert_eq!(read(Kind::Bool, "maybe"), Err("invalid_boolean"));
        for (cell, code) in
            [("M", "male"), ("Hombre", "male"), ("MUJER", "female"), ("f", "female"), ("otro", "other")]
        {
            assert_eq!(read(Kind::Gender, cell), Ok(json!(code)));
        }
    }

    #[test]
    fn days_are_never_guessed() {
        let day = |text: &str, order| value(Kind::Date, text, order).map_err(|f| f.code);
        assert_eq!(day("1990-05-15", None), Ok(json!("1990-05-15")));
        assert_eq!(day("1990-05-15T00:00:00Z", None), Ok(json!("1990-05-15T00:00:00Z")));
        assert_eq!(day("1990/5/15", None), Ok(json!("1990-05-15")));
        assert_eq!(day("15/05/1990", None), Ok(json!("1990-05-15")));
        assert_eq!(day("05-15-1990", None), Ok(json!("1990-05-15")));
        assert_eq!(day("7.7.1990", None), Ok(json!("1990-07-07")));
        assert_eq!(day("04/05/1990", None), Err("ambiguous_date"));
        assert_eq!(day("04/05/1990", Some(DateOrder::Dmy)), Ok(json!("1990-05-04")));
        assert_eq!(day("04/05/1990 00:00", Some(DateOrder::Mdy)), Ok(json!("1990-04-05")));
        // No date, and no day that exists: refused where every date is read.
        for odd in ["04/05/90", "yesterday", "1/2/3/4", "32/01/1990 10:00"] {
            assert_eq!(day(odd, None), Ok(json!(odd)), "{odd}");
        }
    }

    #[test]
    fn names_are_split_at_the_last_space_or_the_comma() {
        assert_eq!(split_name(" Ana María López "), ("Ana María", "López"));
        assert_eq!(split_name("López Ruiz, Ana"), ("Ana", "López Ruiz"));
        assert_eq!(split_name("Cher"), ("Cher", ""));
        assert_eq!(split_name(""), ("", ""));
    }

    #[test]
    fn objects_are_json() {
        assert_eq!(read(Kind::Object, "{\"a\": \"b\"}"), Ok(json!({"a": "b"})));
        assert_eq!(read(Kind::Object, "[1]"), Err("invalid_json"));
        assert_eq!(read(Kind::Object, "a=b"), Err("invalid_json"));
    }

    proptest! {
        #[test]
        fn no_cell_panics(text in "\\PC{0,20}|[0-9/.:T -]{0,20}", dmy: bool) {
            let order = if dmy { DateOrder::Dmy } else { DateOrder::Mdy };
            for kind in [Kind::Text, Kind::Phone, Kind::Bool, Kind::Gender, Kind::Date, Kind::Object, Kind::FullName] {
                let _ = value(kind, &text, Some(order));
                let _ = value(kind, &text, None);
            }
            let _ = split_name(&text);
        }
    }
}
