//! Which of the things that we have a client likes best, by its `Accept` or `Accept-Language` header (RFC 9110 §12.5).

/// The offer with the highest weight; of equals, and if the header says nothing, the first. `fits` says how exactly a
/// range of the header names an offer: the most exact range decides about each, and none means that it does not.
fn best<'a>(header: &str, offers: &[&'a str], fits: impl Fn(&str, &str) -> Option<u8>) -> Option<&'a str> {
    let ranges: Vec<(&str, f32)> = header.split(',').filter_map(range).collect();
    let weight = |offer: &str| {
        let fitting = ranges.iter().filter_map(|(range, q)| Some((fits(range, offer)?, *q)));
        fitting.max_by_key(|(exactness, _)| *exactness).map_or(0.0, |(_, q)| q)
    };
    let mut found: Option<(&str, f32)> = None;
    for &offer in offers {
        let weight = weight(offer);
        if weight > found.map_or(0.0, |(_, most)| most) {
            found = Some((offer, weight));
        }
    }
    found.map(|(offer, _)| offer)
}

/// `text/html;level=1;q=0.5` → `("text/html", 0.5)`.
fn range(text: &str) -> Option<(&str, f32)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let q = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
    let q = q.map_or(1.0, |q| q.parse().unwrap_or(0.0));
    Some((name, q))
}

/// Does the client like HTML better than JSON? Programs send nothing, or `*/*`, and get JSON.
pub fn prefers_html(accept: Option<&str>) -> bool {
    let fits = |range: &str, offer: &str| match range {
        "*/*" => Some(0),
        _ if range.eq_ignore_ascii_case(offer) => Some(2),
        _ => {
            let kind = range.strip_suffix("/*")?;
            offer.split('/').next().filter(|o| o.eq_ignore_ascii_case(kind)).map(|_| 1)
        }
    };
    accept.and_then(|accept| best(accept, &["application/json", "text/html"], fits)) == Some("text/html")
}

/// The language for a person: one of ours that is asked for, else English.
pub fn language(accept_language: Option<&str>) -> &'static str {
    let fits = |range: &str, offer: &str| match range.split('-').next() {
        Some("*") => Some(0),
        Some(primary) => primary.eq_ignore_ascii_case(offer).then_some(1),
        None => None,
    };
    accept_language.and_then(|header| best(header, &["en", "es"], fits)).unwrap_or("en")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_pages_and_programs_get_json() {
        let html = |accept| prefers_html(Some(accept));
        assert!(html(
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
        ));
        assert!(html("text/*"));
        assert!(html("application/json;q=0.5, text/html"));
        assert!(!prefers_html(None));
        for accept in [
            "",
            "*/*",
            "application/json",
            "application/json, text/html",
            "text/html;q=0, */*",
            "text/html;q=x",
        ] {
            assert!(!html(accept), "{accept}");
        }
        assert!(!html("application/*, text/html;q=0.9"));
        // The most exact range decides, wherever it stands.
        assert!(!html("text/html;q=0.1, */*"));
        assert!(!html("*/*, text/html;q=0.1"));
    }

    #[test]
    fn the_language_is_the_one_asked_for_or_english() {
        for (header, expected) in [
            ("es-MX,es;q=0.9,en;q=0.8", "es"),
            ("en-GB,en;q=0.9,es;q=0.8", "en"),
            ("de-DE,de;q=0.9,es;q=0.5,en;q=0.3", "es"),
            ("de", "en"),
            ("*", "en"),
            ("", "en"),
            ("ES", "es"),
        ] {
            assert_eq!(language(Some(header)), expected, "{header}");
        }
        assert_eq!(language(None), "en");
    }
}
