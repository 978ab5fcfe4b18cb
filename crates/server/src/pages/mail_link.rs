//! What the links in mails open. The secret is behind the `#` of the address, so it reaches no server and no log before
//! somebody presses the button; then the page's script sends it to `POST /api/auth/email/verify`.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use identity::mail_links::pages;
use kernel::Result;
use platform::app::App;

use super::texts::{self, Common, Link};
use super::{Page, html};

/// One page for each kind of link.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(
            pages::VERIFY,
            get(async |app: State<App>, headers: HeaderMap| page(&app, &headers, Kind::Verify)),
        )
        .route(
            pages::CLAIM_ACCOUNT,
            get(async |app: State<App>, headers: HeaderMap| page(&app, &headers, Kind::Claim)),
        )
        .route(
            pages::CHANGE_EMAIL,
            get(async |app: State<App>, headers: HeaderMap| page(&app, &headers, Kind::Change)),
        )
}

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Proves the address of an account that its owner made.
    Verify,
    /// Takes over an account that staff typed in.
    Claim,
    /// Proves the address that is to replace another.
    Change,
}

#[derive(Template)]
#[template(path = "mail_link.html")]
struct MailLink {
    page: Page,
    text: Link,
    common: Common,
    /// The password has to be the account's own: a typing error must not become the new one.
    keeps: bool,
    /// Who does not know it may choose another.
    offers_new: bool,
}

fn page(app: &App, headers: &HeaderMap, kind: Kind) -> Result<Response> {
    let page = Page::translated(&app.config, headers);
    let texts = texts::of(page.lang);
    let (text, common) = (texts.link(kind), texts.common(app.config.password_min_length));
    let (keeps, offers_new) = (kind != Kind::Claim, kind == Kind::Verify);
    html(StatusCode::OK, &MailLink { page, text, common, keeps, offers_new })
}
