use std::collections::HashSet;
use std::fmt;

use kernel::text::{line, search_key};
use kernel::{TextValue, ValueError};
use serde::Serialize;

/// Most tags that one customer has.
const MAX_TAGS: usize = 50;
/// Longest list of tags in its form of one text, in characters.
const MAX_CHARS: usize = 500;

/// One word that staff attach to a customer: one line without commas.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Tag(String);

impl Tag {
    /// The tag as typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folded form: two tags with the same key are the same tag. Never empty: a stored tag of which today's folding
    /// leaves nothing is its own key, so that no two of those become one.
    pub fn key(&self) -> String {
        let key = search_key(&self.0);
        if key.is_empty() { self.0.clone() } else { key }
    }
}

impl TextValue for Tag {
    const MAX_CHARS: usize = MAX_CHARS;
    fn parse(text: &str) -> Result<Tag, ValueError> {
        let tag = Tag(line(text, MAX_CHARS)?);
        if tag.0.contains(',') {
            return Err(ValueError::new("invalid_tag", "must not contain a comma"));
        }
        if search_key(&tag.0).is_empty() {
            return Err(ValueError::new("blank", "must not be blank"));
        }
        Ok(tag)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The tags of a customer in the order given, each key once: the first spelling stays. Written as one text,
/// `premium,tech`, of at most 500 characters; at most 50 tags. No tags is a valid value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Tags(String);

// Stored tags were checked by the rules of the day when they were written: none is lost because others hold by now.
database::column!(Tags as String, |tags| tags.0.clone(), |text| Ok(Tags(text)));

impl Tags {
    /// The tags of a list, as the array form of a body has them. Blank entries are left out.
    pub fn from_list<S: AsRef<str>>(list: &[S]) -> Result<Tags, ValueError> {
        let mut tags = Vec::new();
        let mut keys = HashSet::new();
        for text in list.iter().map(AsRef::as_ref) {
            let tag = match Tag::parse(text) {
                Ok(tag) => tag,
                Err(error) if error.code == "blank" => continue,
                Err(error) => return Err(error),
            };
            if keys.insert(tag.key()) {
                tags.push(tag);
            }
        }
        if tags.len() > MAX_TAGS {
            return Err(ValueError::new("too_many", format!("must be at most {MAX_TAGS} tags")));
        }
        let text = tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(",");
        if text.chars().count() > MAX_CHARS {
            return Err(ValueError::new(
                "too_long",
                format!("must have at most {MAX_CHARS} characters in all"),
            ));
        }
        Ok(Tags(text))
    }

    /// All of them in one text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Them one by one, as they were typed.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.split(',').filter(|text| !text.is_empty())
    }

    /// The tags in order, each key once by today's folding.
    pub fn iter(&self) -> impl Iterator<Item = Tag> {
        let mut keys = HashSet::new();
        let tags =
            self.texts().map(str::trim).filter(|text| !text.is_empty()).map(|text| Tag(text.to_owned()));
        tags.filter(move |tag| keys.insert(tag.key()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl TextValue for Tags {
    const MAX_CHARS: usize = MAX_CHARS;
    fn parse(text: &str) -> Result<Tags, ValueError> {
        // Four times the limit leaves room for white space; more is not worth splitting.
        if text.len() > 16 * MAX_CHARS {
            return Err(ValueError::new(
                "too_long",
                format!("must have at most {MAX_CHARS} characters in all"),
            ));
        }
        Tags::from_list(&text.split(',').collect::<Vec<_>>())
    }
}

impl fmt::Display for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
impl Tags {
    /// As if they were stored so.
    pub fn stored(text: &str) -> Tags {
        Tags(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_forms_give_the_same_tags() {
        let tags = Tags::parse("premium,tech,new-york").unwrap();
        assert_eq!(tags, Tags::from_list(&["premium", " tech ", "new-york"]).unwrap());
        assert_eq!(tags.to_string(), "premium,tech,new-york");
        assert_eq!(serde_json::to_string(&tags).unwrap(), "\"premium,tech,new-york\"");
        assert_eq!(tags.len(), 3);
    }

    #[test]
    fn repeats_and_blanks_go_and_the_order_stays() {
        let tags = Tags::parse(" VIP, ,Café,,vip,CAFE,zebra,\u{200b}").unwrap();
        assert_eq!(tags.to_string(), "VIP,Café,zebra");
        assert_eq!(tags.iter().map(|tag| tag.key()).collect::<Vec<_>>(), ["vip", "cafe", "zebra"]);
        assert!(Tags::parse("").unwrap().is_empty());
    }

    #[test]
    fn limits_hold() {
        let fifty: Vec<String> = (0..50).map(|n| format!("t{n}")).collect();
        assert_eq!(Tags::from_list(&fifty).unwrap().len(), 50);
        let more: Vec<String> = (0..51).map(|n| format!("t{n}")).collect();
        assert_eq!(Tags::from_list(&more).unwrap_err().code, "too_many");
        assert!(Tags::parse(&"ñ".repeat(500)).is_ok());
        assert_eq!(Tags::parse(&"ñ".repeat(501)).unwrap_err().code, "too_long");
        let pair = format!("{},{}", "a".repeat(250), "b".repeat(250));
        assert_eq!(Tags::parse(&pair).unwrap_err().code, "too_long");
        assert_eq!(Tags::from_list(&["a,b"]).unwrap_err().code, "invalid_tag");
        assert_eq!(Tags::parse("a\u{0}b").unwrap_err().code, "control_character");
    }

    proptest! {
        #[test]
        fn reading_what_is_shown_changes_nothing(text in "\\PC*|([a-zA-ZÀ-ž ]{0,4},){0,60}") {
            if let Ok(tags) = Tags::parse(&text) {
                prop_assert_eq!(&Tags::parse(&tags.to_string()).unwrap(), &tags);
                let keys: HashSet<String> = tags.iter().map(|tag| tag.key()).collect();
                prop_assert_eq!(keys.len(), tags.len());
            }
        }
    }
}
