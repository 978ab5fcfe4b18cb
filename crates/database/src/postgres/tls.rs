//! TLS to PostgreSQL: whom a connection trusts.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::url::SslMode;
use crate::error::{Error, Result};

/// The roots of the machine, or those that are built in where it has none (a container without them).
const SYSTEM: &str = "system";

/// What makes connections encrypted; `root` is a file with root certificates, or `system`.
pub(super) fn connector(mode: SslMode, root: Option<&str>) -> Result<MakeRustlsConnect> {
    let trust = match (mode, root) {
        (SslMode::VerifyCa | SslMode::VerifyFull, None) => Some(Trust::system()),
        // As libpq: with a root certificate, `require` is `verify-ca`; what falls back to plain text checks nothing.
        (SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull, Some(root)) => Some(Trust::read(root)?),
        _ => None,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Verifier { trust, check_name: mode == SslMode::VerifyFull, provider: provider.clone() };
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::internal("TLS").with_source(e))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// Root certificates.
#[derive(Debug)]
struct Trust {
    roots: RootCertStore,
    /// The same as they were read: a server may show one of them itself, as who made its own certificate has it do.
    named: Vec<CertificateDer<'static>>,
}

impl Trust {
    fn system() -> Trust {
        let mut roots = RootCertStore::empty();
        // A certificate that cannot be read is one that nobody is trusted by.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        Trust { roots, named: Vec::new() }
    }

    fn read(root: &str) -> Result<Trust> {
        if root == SYSTEM {
            return Ok(Trust::system());
        }
        let unusable = |why: String| {
            Error::internal(format!("the root certificate {root} of the database cannot be used: {why}"))
        };
        let read = CertificateDer::pem_file_iter(Path::new(root)).and_then(Iterator::collect);
        let named: Vec<CertificateDer<'static>> = read.map_err(|e| unusable(e.to_string()))?;
        let mut roots = RootCertStore::empty();
        for certificate in &named {
            roots.add(certificate.clone()).map_err(|e| unusable(e.to_string()))?;
        }
        match named.is_empty() {
            true => Err(unusable("it has no certificate (PEM)".to_owned())),
            false => Ok(Trust { roots, named }),
        }
    }
}

/// Checks what the mode asks for. Without roots everybody is believed, and only listening along is kept out.
#[derive(Debug)]
struct Verifier {
    trust: Option<Trust>,
    check_name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(trust) = &self.trust else { return Ok(ServerCertVerified::assertion()) };
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        let chained = verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &trust.roots,
            intermediates,
            now,
            algorithms,
        );
        match chained {
            // Named itself, it needs nobody to stand for it; `openssl req -x509` marks it as an authority, which a
            // server's certificate must not be. Only its dates speak against it.
            Err(e) if trust.named.contains(end_entity) && !is_out_of_date(&e) => {}
            chained => chained?,
        }
        if self.check_name {
            verify_server_name(&certificate, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn is_out_of_date(e: &rustls::Error) -> bool {
    use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    matches!(
        e,
        rustls::Error::InvalidCertificate(
            Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. }
        )
    )
}
