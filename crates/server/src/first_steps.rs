//! What a new installation still lacks, and the commands that mend it: for the announcement of `serve` and for `/`.

use std::fmt::Write;

use kernel::Result;
use platform::app::App;
use platform::config::Config;

/// What there is, and how to call the command line.
pub struct FirstSteps {
    /// Is there an administrator?
    pub has_admin: bool,
    /// Is there an API key that works?
    pub has_key: bool,
    /// The program as it was started.
    pub command: String,
    /// The flags that lead a command to this server's database, with a space in front.
    pub flags: String,
}

impl FirstSteps {
    /// Asks the database.
    pub async fn of(app: &App) -> Result<FirstSteps> {
        let ctx = app.system("first steps");
        Ok(FirstSteps {
            has_admin: identity::admin::exists(&ctx).await?,
            has_key: identity::api_keys::service::any(&ctx).await?,
            command: std::env::args().next().unwrap_or_else(|| "regulars".to_owned()),
            flags: flags(&app.config),
        })
    }
}

/// The steps that are left; none if there are none, or if the database does not say.
pub async fn missing(app: &App) -> Option<FirstSteps> {
    FirstSteps::of(app).await.ok().filter(|steps| !steps.has_admin || !steps.has_key)
}

/// A URL may hold a password, so it is not repeated.
fn flags(config: &Config) -> String {
    let by_flag = |key: &str| {
        config.explain().iter().find(|entry| entry.key == key && entry.source.starts_with("flag"))
    };
    let mut flags = String::new();
    if by_flag("data_dir").is_some() {
        let _ = write!(flags, " --data-dir {}", config.data_dir.display());
    }
    if by_flag("database.url").is_some() {
        flags.push_str(" --database-url …");
    }
    flags
}
