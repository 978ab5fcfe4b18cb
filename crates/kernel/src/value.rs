//! Values that a client sends as text and that cannot exist when wrong: parse, don't validate.

use std::borrow::Cow;

/// What is wrong with one value, before it is known which field it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueError {
    /// Stable code for programs, such as `too_long`.
    pub code: &'static str,
    /// A sentence for people, without the field's name.
    pub message: Cow<'static, str>,
}

impl ValueError {
    /// A error with its code and sentence.
    pub fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> ValueError {
        ValueError { code, message: message.into() }
    }
}

/// A domain type that is written as a JSON string (`Email`, `Phone`, `CustomerNumber`).
pub trait TextValue: Sized {
    /// Longest accepted text in characters, for the documentation.
    const MAX_CHARS: usize;
    /// `format` or a hint for the OpenAPI document, such as `email`; empty for none.
    const FORMAT: &'static str = "";
    /// Every value, if there are but a few, for the OpenAPI document.
    const WORDS: &'static [&'static str] = &[];
    /// Reads what a client sent. Never panics, whatever the text.
    fn parse(text: &str) -> Result<Self, ValueError>;
}
