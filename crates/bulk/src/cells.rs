//! Cells of CSV files: quoted where they must be, and no formula for any spreadsheet.

/// Appends a cell, quoted where it must be and harmless to a spreadsheet.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    let guard = is_dangerous(text);
    let quote = text.bytes().any(|b| matches!(b, b'"' | b',' | b'\n' | b'\r'));
    if quote {
        out.push(b'"');
    }
    if guard {
        out.push(b'\'');
    }
    match quote {
        true => text.split('"').enumerate().for_each(|(i, part)| {
            if i > 0 {
                out.extend(b"\"\"");
            }
            out.extend(part.bytes());
        }),
        false => out.extend(text.bytes()),
    }
    if quote {
        out.push(b'"');
    }
}

/// Would a spreadsheet take the text for a formula? Also behind spaces, and in the wide forms that some turn into
/// narrow ones. Behind apostrophes too, so that taking one away again never makes another text.
fn is_dangerous(text: &str) -> bool {
    let bare = text.trim_start_matches([' ', '\'', '\u{a0}', '\u{feff}']);
    bare.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

/// A cell as it was before an export made it harmless: an import calls this on every cell.
pub fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_dangerous(text) => text,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        write_text(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// What a reader of RFC 4180 makes of one cell.
    fn read(cell: &str) -> String {
        match cell.strip_prefix('"').and_then(|c| c.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\"\"", "\""),
            None => cell.to_owned(),
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        for (text, cell) in [
            ("plain", "plain"),
            ("=1+1", "'=1+1"),
            ("+1-555-0123", "'+1-555-0123"),
            ("-5", "'-5"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("  =cmd", "'  =cmd"),
            ("\tx", "'\tx"),
            ("'=x", "''=x"),
            ("＝x", "'＝x"),
            ("=\"a\",1", "\"'=\"\"a\"\",1\""),
            ("a,b", "\"a,b\""),
            ("two\nlines", "\"two\nlines\""),
            ("O'Brien", "O'Brien"),
            ("'quoted'", "'quoted'"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(written(text), cell);
            assert_eq!(unguarded(&read(cell)), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in "\\PC*|[ '=+@,\"\\n\\r\\t-]{0,8}[a-z]?") {
            let cell = written(&text);
            let value = read(&cell);
            prop_assert!(!value.starts_with(['=', '+', '-', '@', '\t', '\r']));
            prop_assert_eq!(unguarded(&value), text.as_str());
        }
    }
}
