//! Registration with a Consul agent, where `consul.host` names one: the service appears when it serves and goes when it
//! stops. Consul's HTTP API for agents: /v1/agent/service/register and /deregister.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderValue, Method, header};
use backon::{ExponentialBuilder, Retryable};
use kernel::{Error, Result};
use platform::app::App;
use platform::config::{Listen, OutboundConfig};
use platform::outbound::{Call, Outbound};
use serde_json::{Value, json};

/// A process's entry in the agent.
pub struct Registration {
    client: Outbound,
    agent: String,
    id: String,
    entry: Value,
}

impl Registration {
    /// The entry of this process; `None` without `consul.host`.
    pub fn of(app: &App) -> Option<Registration> {
        let config = &app.config;
        let host = config.consul.host.as_deref()?;
        let first = config.listen.first()?;
        // The operator named this address, and agents live on private ones.
        let outbound = OutboundConfig { allow_private: true, ..config.outbound };
        let id = format!("{}-{}-{}", config.service_name, first.host.replace([':', '.'], "-"), first.port);
        Some(Registration {
            client: Outbound::new(outbound, app.clock.clone()),
            agent: format!("http://{host}:{}/v1/agent/service", config.consul.port),
            entry: entry(&config.service_name, &id, first),
            id,
        })
    }

    /// Registers, and tries again until the agent takes it: it may start after us.
    pub async fn register(&self) {
        let backoff = ExponentialBuilder::default()
            .with_max_delay(Duration::from_secs(60))
            .with_jitter()
            .without_max_times();
        let put = || self.put("/register", self.entry.to_string());
        let registered = put.retry(backoff).notify(|e, wait| {
            tracing::warn!(error = ?e, again_in_s = wait.as_secs(), "Consul did not take the registration");
        });
        if registered.await.is_ok() {
            tracing::info!(id = self.id, agent = self.agent, "registered with Consul");
        }
    }

    /// Takes the entry out. A process that is killed stays until its check has failed for ten minutes.
    pub async fn deregister(&self) {
        match self.put(&format!("/deregister/{}", self.id), String::new()).await {
            Ok(()) => tracing::info!(id = self.id, "deregistered from Consul"),
            Err(e) => {
                tracing::warn!(error = ?e, "Consul was not told that this process stops; its check will find out");
            }
        }
    }

    async fn put(&self, path: &str, body: String) -> Result<()> {
        let mut call = Call::new(Method::PUT, format!("{}{path}", self.agent));
        call.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        call.body = Bytes::from(body);
        let reply = self.client.send(call).await?;
        match reply.status {
            200 => Ok(()),
            status => Err(Error::internal(format!("Consul answered {status}"))),
        }
    }
}

/// What the agent is told. A process that listens on every address leaves its own to the agent to know.
fn entry(name: &str, id: &str, listen: &Listen) -> Value {
    let everywhere = matches!(listen.host.as_str(), "0.0.0.0" | "::");
    let here = if everywhere { "127.0.0.1" } else { listen.host.as_str() };
    let checked = Listen { host: here.to_owned(), port: listen.port };
    let mut entry = json!({
        "ID": id,
        "Name": name,
        "Port": listen.port,
        "Check": {
            "HTTP": format!("http://{checked}/readyz"),
            "Interval": "10s",
            "Timeout": "5s",
            "DeregisterCriticalServiceAfter": "10m"
        }
    });
    if !everywhere {
        entry["Address"] = here.into();
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_reaches_the_process() {
        let listen = |text: &str| text.parse::<Listen>().expect("an address");
        let here = entry("crm", "crm-1", &listen("10.0.0.5:8001"));
        assert_eq!(here["Address"], "10.0.0.5");
        assert_eq!(here["Check"]["HTTP"], "http://10.0.0.5:8001/readyz");
        let everywhere = entry("crm", "crm-1", &listen("0.0.0.0:8001"));
        assert_eq!(everywhere["Address"], Value::Null);
        assert_eq!(everywhere["Check"]["HTTP"], "http://127.0.0.1:8001/readyz");
        let six = entry("crm", "crm-1", &listen("[::1]:8001"));
        assert_eq!(six["Check"]["HTTP"], "http://[::1]:8001/readyz");
    }
}
