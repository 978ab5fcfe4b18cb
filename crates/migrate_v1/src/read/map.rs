//! The file that says which UUID a user's number has become.

use std::collections::HashMap;

use kernel::{Error, Result};
use serde_json::Value;
use uuid::Uuid;

/// Reads a JSON object (`{"17": "0190…"}`) or two columns, number and UUID, with or without a head. 400 names the line
/// that is neither.
pub fn map(text: &str) -> Result<HashMap<i64, Uuid>> {
    let text = text.trim_start_matches('\u{feff}');
    match text.trim_start().starts_with('{') {
        true => object(text),
        false => columns(text),
    }
}

fn wrong(place: impl std::fmt::Display) -> Error {
    let detail = format!("the map of ids must pair whole numbers with UUIDs; {place} does not");
    Error::bad_request("MAP_UNREADABLE", detail)
}

fn object(text: &str) -> Result<HashMap<i64, Uuid>> {
    let members: serde_json::Map<String, Value> = serde_json::from_str(text).map_err(wrong)?;
    let pair = |(number, id): (String, Value)| {
        let pair = number.trim().parse().ok().zip(id.as_str().and_then(|id| Uuid::try_parse(id.trim()).ok()));
        pair.ok_or_else(|| wrong(format!("the member {number}")))
    };
    members.into_iter().map(pair).collect()
}

fn columns(text: &str) -> Result<HashMap<i64, Uuid>> {
    let mut map = HashMap::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let cells: Vec<&str> =
            line.split([',', ';', '\t']).map(|cell| cell.trim().trim_matches('"')).collect();
        let pair = match cells.as_slice() {
            [number, id, ..] => number.parse().ok().zip(Uuid::try_parse(id).ok()),
            _ => None,
        };
        match pair {
            Some((number, id)) => drop(map.insert(number, id)),
            // The head.
            None if at == 0 => {}
            None => return Err(wrong(format!("line {}", at + 1))),
        }
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "01900000-0000-7000-8000-000000000001";

    #[test]
    fn both_forms_are_read() {
        let expected = HashMap::from([(17, Uuid::try_parse(ID).unwrap())]);
        for text in [
            format!("{{\"17\": \"{ID}\"}}"),
            format!("user_id,uuid\n17,{ID}\n"),
            format!("17;\"{ID}\"\r\n\r\n"),
            format!("\u{feff}old\tnew\n17\t{ID}"),
        ] {
            assert_eq!(map(&text).unwrap(), expected, "{text}");
        }
        for text in ["a,b\n17,x\n", "{\"17\": 5}", "{", "17,a\n18\n"] {
            assert_eq!(map(text).unwrap_err().code(), "MAP_UNREADABLE", "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_map_is_too_strange(text in "\\PC{0,40}|(\\{|\"|17|,|:|\n){0,20}") {
            let _ = map(&text);
        }
    }
}
