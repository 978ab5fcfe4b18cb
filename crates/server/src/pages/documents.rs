//! The documents of the repository inside the binary: as pages below `/docs`, and as text for `regulars docs`.

use std::sync::LazyLock;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use kernel::Result;
use platform::app::App;
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd};

use super::{Page, html};

/// A document that a person with only the binary can read.
pub struct Document {
    /// Its name in the address, and for `regulars docs`.
    pub name: &'static str,
    /// The file below `docs/`.
    file: &'static str,
    /// Its title in lists.
    pub title: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Markdown.
    pub text: &'static str,
}

macro_rules! documents {
    ($(($name:literal, $file:literal, $title:literal, $about:literal),)*) => {
        &[$(Document {
            name: $name,
            file: $file,
            title: $title,
            about: $about,
            text: include_str!(concat!("../../../../docs/", $file)),
        }),*]
    };
}

/// All of them, in the order in which lists show them.
pub const DOCUMENTS: &[Document] = documents![
    ("conventions", "api-design.md", "Conventions", "paging, failures, versions, repeating safely"),
    ("search", "search.md", "Search", "what a search finds, and in which order"),
    ("jobs", "jobs.md", "Jobs", "bulk updates and other long work"),
    ("import-export", "import-export.md", "Files", "customers from files and into files"),
    ("configuration", "configuration.md", "Configuration", "every setting"),
    (
        "keys-and-administrators",
        "keys-and-administrators.md",
        "Keys and administrators",
        "making, listing and ending them, and the first ones of a container"
    ),
    ("logging", "logging.md", "Logging", "what is logged, and what never is"),
    (
        "compatibility",
        "compatibility.md",
        "Compatibility",
        "for programs written for the services that Regulars replaces"
    ),
    ("migrate-v1", "migrate-v1.md", "First version", "bringing over its customers"),
];

#[derive(Template)]
#[template(path = "document.html")]
struct DocumentPage<'a> {
    page: Page,
    document: &'static Document,
    documents: &'static [Document],
    html: &'a str,
}

/// A page for each.
pub(super) fn routes() -> Router<App> {
    let mut router = Router::new();
    for (at, document) in DOCUMENTS.iter().enumerate() {
        let show = async move |State(app): State<App>| -> Result<Response> {
            let (page, documents) = (Page::english(&app.config), DOCUMENTS);
            let rendered = RENDERED[at].replace(BASE, &page.base);
            html(StatusCode::OK, &DocumentPage { page, document, documents, html: &rendered })
        };
        router = router.route(&format!("/docs/{}", document.name), get(show));
    }
    router
}

/// Stands for the path of the public address until a page is asked for. No document contains it.
const BASE: &str = "/__base__";

static RENDERED: LazyLock<Vec<String>> =
    LazyLock::new(|| DOCUMENTS.iter().map(|document| render(document.text)).collect());

/// Links to documents that are here become links to their pages; others lose their address, since it leads nowhere.
fn render(markdown: &str) -> String {
    let parser = Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH);
    let mut events: Vec<Event<'_>> = Vec::new();
    // Where the open heading stands, and whether the open link is kept.
    let (mut heading, mut linked) = (None, true);
    for event in parser {
        match event {
            // Comments in the text are for the script that runs it; other HTML there is none.
            Event::Html(_) | Event::InlineHtml(_) => {}
            Event::Start(Tag::Heading { .. }) => {
                heading = Some(events.len());
                events.push(event);
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some(at) = heading.take() {
                    name_heading(&mut events, at);
                }
                events.push(event);
            }
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let to = address(&dest_url);
                linked = to.is_some();
                if let Some(to) = to {
                    events.push(Event::Start(Tag::Link { link_type, dest_url: to.into(), title, id }));
                }
            }
            Event::End(TagEnd::Link) if !linked => linked = true,
            // What scrolls sideways is reached with the keyboard.
            Event::Start(Tag::Table(_)) => {
                events.push(Event::Html(r#"<div class="table" tabindex="0">"#.into()));
                events.push(event);
            }
            Event::End(TagEnd::Table) => {
                events.push(event);
                events.push(Event::Html("</div>".into()));
            }
            _ => events.push(event),
        }
    }
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, events.into_iter());
    html.replace("<pre>", r#"<pre tabindex="0">"#)
}

/// Gives the heading that begins at `at` an id, by the rule of GitHub, so that `#repeating-safely` leads to it.
fn name_heading(events: &mut [Event<'_>], at: usize) {
    let text = events[at..].iter().filter_map(|event| match event {
        Event::Text(text) | Event::Code(text) => Some(text.to_lowercase()),
        _ => None,
    });
    let text: String = text.collect();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    let slug: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
    if let Event::Start(Tag::Heading { id, .. }) = &mut events[at] {
        *id = Some(CowStr::from(slug));
    }
}

fn address(link: &str) -> Option<String> {
    if link.starts_with('#') || link.contains("://") {
        return Some(link.to_owned());
    }
    let (path, fragment) = link.split_once('#').map_or((link, String::new()), |(p, f)| (p, format!("#{f}")));
    let file = path.trim_start_matches("docs/");
    if file == "openapi.json" {
        return Some(format!("{BASE}/openapi.json"));
    }
    let document = DOCUMENTS.iter().find(|document| document.file == file)?;
    Some(format!("{BASE}/docs/{}{fragment}", document.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_pages_or_nowhere() {
        let html = render(
            "[a](search.md#limits) [b](docs/jobs.md) [c](decisions/0001.md) [d](https://example.com/) [e](#x)",
        );
        let expected = format!(
            "<p><a href=\"{BASE}/docs/search#limits\">a</a> <a href=\"{BASE}/docs/jobs\">b</a> c \
             <a href=\"https://example.com/\">d</a> <a href=\"#x\">e</a></p>\n"
        );
        assert_eq!(html, expected);
    }

    #[test]
    fn headings_have_ids_and_comments_are_left_out() {
        let html = render("## Repeating `safely`, twice\n<!-- not run: why -->\n```sh\na < b\n```\n");
        assert!(html.contains("<h2 id=\"repeating-safely-twice\">"), "{html}");
        assert!(!html.contains("not run") && html.contains("a &lt; b"), "{html}");
    }

    /// A document points to what its page can show, and its links inside the page lead somewhere.
    #[test]
    fn every_document_is_whole() {
        for (document, html) in DOCUMENTS.iter().zip(RENDERED.iter()) {
            assert!(!document.text.contains(BASE));
            assert!(html.starts_with("<h1"), "{}", document.name);
            for anchor in
                html.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap_or_default())
            {
                assert!(html.contains(&format!("id=\"{anchor}\"")), "{}: #{anchor}", document.name);
            }
        }
    }
}
