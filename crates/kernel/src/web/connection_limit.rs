//! How many connections each network has, so that none takes all of them.

use std::collections::HashMap;
use std::io::Write;
use std::net::{IpAddr, Ipv6Addr, Shutdown};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::net::TcpStream;

use super::network::network;

/// The connections of each network that has any.
#[derive(Clone, Default)]
pub(super) struct ConnectionLimit(Arc<Mutex<HashMap<Ipv6Addr, usize>>>);

/// One connection of a network, until it is dropped.
pub(super) struct ConnectionPermit {
    limit: ConnectionLimit,
    network: Ipv6Addr,
}

impl ConnectionLimit {
    /// One more for the network of `ip`, if it has fewer than `most`.
    pub(super) fn take(&self, ip: IpAddr, most: usize) -> Option<ConnectionPermit> {
        let network = network(ip);
        let mut all = self.0.lock();
        let has = all.get(&network).copied().unwrap_or(0);
        if has >= most {
            return None;
        }
        all.insert(network, has + 1);
        Some(ConnectionPermit { limit: self.clone(), network })
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut all = self.limit.0.lock();
        if let Some(has) = all.get_mut(&self.network) {
            *has -= 1;
            if *has == 0 {
                all.remove(&self.network);
            }
        }
    }
}

const BODY: &str = "{\"type\":\"urn:regulars:error:too-many-connections\",\"title\":\"Too many connections\",\"status\":429,\
\"detail\":\"Too many connections from this address at once; close some, or use one for several requests\",\
\"error_code\":\"TOO_MANY_CONNECTIONS\"}";

/// Tells a connection that is one too many so, as far as it takes it at once, and closes it.
pub(super) fn refuse(stream: TcpStream) {
    metrics::counter!("http_connections_refused_total").increment(1);
    let reply = format!(
        "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/problem+json\r\nContent-Length: {}\r\n\
         Retry-After: 1\r\nConnection: close\r\n\r\n{BODY}",
        BODY.len()
    );
    if let Ok(mut stream) = stream.into_std() {
        // It does not block: what does not fit into the socket's buffer is not sent.
        let _ = stream.write_all(reply.as_bytes());
        let _ = stream.shutdown(Shutdown::Write);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_its_share_and_no_more() {
        let limit = ConnectionLimit::default();
        let take = |ip: &str| limit.take(ip.parse().unwrap(), 2);
        let one = take("2001:db8::1").unwrap();
        let _two = take("2001:db8::2").unwrap();
        assert!(take("2001:db8::3").is_none());
        let _other = take("203.0.113.1").unwrap();
        drop(one);
        drop(take("2001:db8::3").unwrap());
        assert_eq!(limit.0.lock().len(), 2);
    }
}
