//! TLS 1.3 (RFC 8446) by rustls with ring: the certificate that is given, or one of our own making, kept in
//! the store. A client holds the server by its key: the pin is the SHA-256 of the certificate's public key
//! (`SubjectPublicKeyInfo`, as in RFC 7469), which stays when the certificate is renewed with the same key.

use crate::{config::TlsOptions, error::ServeError, files};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::ParsedCertificate,
    version::TLS13,
};
use sha2::{Digest as _, Sha256};
use std::{fs, path::Path, sync::Arc};

/// What TLS connections are made with.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    pub(crate) http: Arc<ServerConfig>,
    pub(crate) grpc: Arc<ServerConfig>,
    /// The pin, hexadecimal.
    pub(crate) pin: String,
}

/// A certificate with those that vouch for it, and its key.
type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Tls {
    /// Reads the certificate, or makes one in the store when none is given.
    pub(crate) fn open(store: &Path, options: &TlsOptions) -> Result<Self, ServeError> {
        let pair = match options {
            TlsOptions::Files { certificate, key } => read_pem(certificate, key)?,
            TlsOptions::SelfSigned => own(&store.join("tls"))?,
        };
        let pin = pin_of(&pair.0)?;
        Ok(Self { http: config(&pair, b"http/1.1")?, grpc: config(&pair, b"h2")?, pin })
    }
}

fn failed(error: &dyn std::fmt::Display) -> ServeError {
    ServeError::Tls { reason: error.to_string() }
}

fn config(pair: &Pair, protocol: &[u8]) -> Result<Arc<ServerConfig>, ServeError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .and_then(|builder| {
            builder.with_no_client_auth().with_single_cert(pair.0.clone(), pair.1.clone_key())
        })
        .map_err(|error| failed(&error))?;
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(Arc::new(config))
}

fn pin_of(certificates: &[CertificateDer<'static>]) -> Result<String, ServeError> {
    let first = certificates.first().ok_or_else(|| failed(&"the certificate file holds none"))?;
    let parsed = ParsedCertificate::try_from(first).map_err(|error| failed(&error))?;
    let digest: [u8; 32] = Sha256::digest(parsed.subject_public_key_info().as_ref()).into();
    Ok(yard_types::ids::Sha256(digest).to_hex())
}

fn read_pem(certificate: &Path, key: &Path) -> Result<Pair, ServeError> {
    let wrong = |path: &Path, error: &dyn std::fmt::Display| ServeError::Tls {
        reason: format!("{}: {error}", path.display()),
    };
    let certificates = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(certificate, &error))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error))?;
    Ok((certificates, key))
}

/// Reads the store's own certificate and key, and makes them at the first start (mode 0600, folder 0700).
fn own(folder: &Path) -> Result<Pair, ServeError> {
    let (certificate, key) = (folder.join("certificate.der"), folder.join("key.der"));
    files::private_folder(folder)?;
    if !(certificate.exists() && key.exists()) {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).map_err(|error| failed(&error))?;
        files::write_private(&key, &made.signing_key.serialize_der())?;
        files::write_private(&certificate, made.cert.der())?;
    }
    let read = |path: &Path| fs::read(path).map_err(ServeError::file("read the server's certificate", path));
    let key = PrivateKeyDer::try_from(read(&key)?).map_err(|error| failed(&error))?;
    Ok((vec![CertificateDer::from(read(&certificate)?)], key))
}
