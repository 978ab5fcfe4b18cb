//! Every stable code of an error, or of an error of a field, is named by a test: programs rely on it.

#![expect(clippy::unwrap_used, reason = "the whole program is tests, their helpers included")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Where the codes are, and where the tests.
struct Sources {
    program: Vec<(PathBuf, String)>,
    tests: String,
}

impl Sources {
    fn read() -> Sources {
        let mut sources = Sources { program: Vec::new(), tests: String::new() };
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for folder in std::fs::read_dir(crates).unwrap() {
            let folder = folder.unwrap().path();
            if folder.join("src").is_dir() && !folder.ends_with("bench") {
                sources.read_folder(&folder, false);
            }
        }
        assert!(sources.program.len() > 100, "{}", sources.program.len());
        sources
    }

    fn read_folder(&mut self, folder: &Path, is_test: bool) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                self.read_folder(&path, is_test || name == "tests" || name == "test");
            } else if name.ends_with(".rs") && !path.ends_with(file!()) {
                let text = std::fs::read_to_string(&path).unwrap();
                let is_test = is_test || name.ends_with("tests.rs");
                let (program, tests) = match text.split_once("#[cfg(test)]\nmod tests {") {
                    _ if is_test => ("", text.as_str()),
                    Some(parts) => parts,
                    None => (text.as_str(), ""),
                };
                self.tests.push_str(tests);
                self.program.push((path.clone(), program.to_owned()));
            }
        }
    }

    /// The codes that are the first text in a call of one of these, or the text after a field's name.
    fn codes(&self) -> BTreeMap<&str, &Path> {
        let mut codes = BTreeMap::new();
        for (path, text) in &self.program {
            for (call, (texts, at)) in CALLS {
                for (start, _) in text.match_indices(call) {
                    // A member stands on its line; a call ends with its statement.
                    let end = if call.ends_with(": ") { '\n' } else { ';' };
                    let arguments = text[start + call.len()..].split(end).next().unwrap_or_default();
                    let literals: Vec<&str> = arguments.split('"').skip(1).step_by(2).take(texts).collect();
                    if let Some(code) = literals.iter().skip(at).find(|text| is_code(text)) {
                        codes.insert(*code, path.as_path());
                    }
                }
            }
        }
        codes
    }
}

/// What makes an error or that of a field, how many of its texts are looked at, and from which on.
const CALLS: [(&str, (usize, usize)); 13] = [
    ("Error::new(", (1, 0)),
    ("Error::bad_request(", (1, 0)),
    ("Error::unauthorized(", (1, 0)),
    ("Error::forbidden(", (1, 0)),
    ("Error::not_found(", (1, 0)),
    ("Error::conflict(", (1, 0)),
    ("Error::unavailable(", (1, 0)),
    (" error(Kind::", (1, 0)),
    ("refuse(\n", (1, 0)),
    ("ValueError::new(", (1, 0)),
    ("FieldError::new(", (2, 1)),
    ("Error::invalid_field(", (2, 1)),
    ("code: ", (1, 0)),
];

fn is_code(text: &str) -> bool {
    let letters = |is: fn(&char) -> bool| text.chars().all(|c| is(&c) || c == '_');
    text.len() > 3 && (letters(char::is_ascii_uppercase) || letters(char::is_ascii_lowercase))
}

#[test]
fn every_code_is_named_by_a_test() {
    let sources = Sources::read();
    let codes = sources.codes();
    for known in ["CUSTOMER_EMAIL_EXISTS", "DATABASE_STANDBY", "REQUEST_INVALID", "too_long", "not_served"] {
        assert!(codes.contains_key(known), "{known} is not found any more; there are {:?}", codes.keys());
    }
    // The texts of the tests, and the words in them: some look for a code in a longer text.
    let named: BTreeSet<&str> =
        sources.tests.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let quoted: BTreeSet<&str> = sources.tests.split('"').collect();
    let is_named = |code: &str| match code.starts_with(|c: char| c.is_ascii_uppercase()) {
        true => named.contains(code),
        false => quoted.contains(code),
    };
    let silent: Vec<_> = codes.iter().filter(|(code, _)| !is_named(code)).collect();
    assert!(silent.is_empty(), "no test names {silent:#?}");
}
