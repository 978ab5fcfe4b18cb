//! From text to words: the one place that decides where a word ends.

use std::borrow::Cow;

use kernel::text::search_key;

/// Folded text in pieces between white space.
pub fn chunks(key: &str) -> impl Iterator<Item = &str> {
    key.split(' ').filter(|chunk| !chunk.is_empty())
}

/// The words of a piece: what stands between signs.
pub fn parts(chunk: &str) -> impl Iterator<Item = &str> {
    chunk.split(|c| !is_word(c)).filter(|part| !part.is_empty())
}

/// Every way in which the words of a text can be asked for: each of them, and those that a sign joins also as one
/// (`o'brien` is `o`, `brien` and `obrien`).
pub fn all_words(text: &str) -> Vec<String> {
    words_of_key(&search_key(text)).into_iter().map(Cow::into_owned).collect()
}

/// The same of folded text.
pub fn words_of_key(key: &str) -> Vec<Cow<'_, str>> {
    let mut words = Vec::new();
    for chunk in chunks(key) {
        let before = words.len();
        words.extend(parts(chunk).map(Cow::Borrowed));
        if words.len() > before + 1 {
            words.push(Cow::Owned(words[before..].concat()));
        }
    }
    words
}

/// Letters, digits and the marks that belong to letters; not punctuation of any script.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && !is_sign(c))
}

fn is_sign(c: char) -> bool {
    matches!(u32::from(c),
        0x80..=0xbf | 0xd7 | 0xf7 | 0x37e | 0x387 | 0x55a..=0x55f | 0x589..=0x58a | 0x5be | 0x5c0 | 0x5c3 | 0x5f3..=0x5f4
        | 0x60c | 0x61b | 0x61f | 0x66a..=0x66d | 0x6d4 | 0x964..=0x965 | 0xe4f | 0xe5a..=0xe5b | 0x2000..=0x206f
        | 0x20a0..=0x20cf | 0x2190..=0x2bff | 0x2e00..=0x2e7f | 0x3000..=0x3004 | 0x3008..=0x3020 | 0x30fb
        | 0xfe10..=0xfe1f | 0xfe30..=0xfe6f)
}

/// Is it written without spaces, so that what people look for stands in the middle of a "word"?
pub fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0xe00..=0xeff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3040..=0x30ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff
        | 0xac00..=0xd7af | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}

/// The first `n` characters.
pub fn prefix(word: &str, n: usize) -> &str {
    word.char_indices().nth(n).map_or(word, |(end, _)| &word[..end])
}

/// The letters before the first digit of a word that has both: `person` of `person123`, `user` of `user7f3a`.
pub fn stem(word: &str) -> Option<&str> {
    let end = word.find(|c: char| c.is_ascii_digit())?;
    (end > 0).then(|| &word[..end])
}

/// Digits only.
pub fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

/// Every run of `n` characters.
pub fn grams(word: &str, n: usize) -> impl Iterator<Item = &str> {
    let starts = word.char_indices().map(|(i, _)| i);
    let ends = word.char_indices().map(|(i, _)| i).chain([word.len()]).skip(n);
    starts.zip(ends).map(|(start, end)| &word[start..end])
}

/// The letters of a word that are looked at for misspellings: nobody misspells the end of a long word alone, and the
/// number of forms with a letter left out grows with the length.
pub fn spelt(word: &str) -> &str {
    prefix(word, SPELT)
}

/// Each form of a word with one letter left out, as what stands before that letter and what stands behind it.
pub fn shorter(word: &str) -> impl Iterator<Item = (&str, &str)> {
    word.char_indices().map(|(i, c)| (&word[..i], &word[i + c.len_utf8()..]))
}

/// The beginning of a word ([`spelt`]) and each form of it with `depth` letters or fewer left out.
pub fn deletions(word: &str, depth: usize) -> Vec<String> {
    let mut all = vec![spelt(word).to_owned()];
    let mut from = 0;
    for _ in 0..depth {
        let until = all.len();
        for i in from..until {
            let word = all[i].clone();
            for (start, end) in shorter(&word) {
                let form = [start, end].concat();
                if !all.contains(&form) {
                    all.push(form);
                }
            }
        }
        from = until;
    }
    all
}

/// Letters of a word that are looked at for misspellings. With eight of them `macdonnald` no longer finds `mcdonald`.
const SPELT: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_signs_and_are_joined_again() {
        assert_eq!(all_words("O\u{2019}Brien-Díaz"), ["o", "brien", "diaz", "obriendiaz"]);
        assert_eq!(all_words("Ann  Lee"), ["ann", "lee"]);
        assert_eq!(all_words("%%% -- \u{3001}"), Vec::<String>::new());
        assert_eq!(all_words("हिन्दी"), ["हिन्दी"], "signs of vowels are parts of words");
    }

    #[test]
    fn forms_with_letters_left_out() {
        let mut forms = deletions("anna", 1);
        forms.sort();
        assert_eq!(forms, ["ana", "ann", "anna", "nna"]);
        assert_eq!(deletions("abcdefghijkl", 1).len(), 11);
        assert_eq!(grams("abcd", 3).collect::<Vec<_>>(), ["abc", "bcd"]);
        assert_eq!(grams("ab", 3).count(), 0);
        assert_eq!(stem("person123"), Some("person"));
        assert_eq!(stem("user7f3a"), Some("user"));
        assert_eq!((stem("123"), stem("ann")), (None, None));
    }
}
