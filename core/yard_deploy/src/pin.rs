//! TLS to a server that is known by its key: the URL ends in `#sha256=` and the SHA-256 of the public key in the
//! server's certificate (as in RFC 7469). Names, dates and issuers are not asked: the key alone says who it is,
//! so that a server's own certificate will do and no list of authorities can vouch for another.

use crate::error::DeployError;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
    version::TLS13,
};
use sha2::{Digest as _, Sha256 as Hasher};
use std::sync::Arc;
use yard_types::ids::Sha256;

/// Mark between a URL and its pin.
const MARK: &str = "#sha256=";

/// Splits a URL such as `https://host:8443#sha256=HEX` into the URL for requests and the pin.
///
/// A server over TLS must have a pin, one without TLS can't have one.
pub fn split(url: &str) -> Result<(String, Option<Sha256>), DeployError> {
    let fail = |reason: &str| DeployError::Unreachable { url: url.to_owned(), reason: reason.to_owned() };
    let (base, pin) = match url.split_once('#') {
        None => (url, None),
        Some((base, _)) => {
            let pin = url.split_once(MARK).and_then(|(_, hex)| Sha256::from_hex(hex));
            let wrong = "what follows # is not a pin; expected #sha256= and 64 hexadecimal digits";
            (base, Some(pin.ok_or_else(|| fail(wrong))?))
        }
    };
    match (base.starts_with("https://"), pin) {
        (true, None) => Err(fail(
            "a server over TLS is known by its key; add #sha256= and the pin that the server prints when it starts",
        )),
        (false, Some(_)) => Err(fail("a pin needs https://")),
        (_, pin) => Ok((base.trim_end_matches('/').to_owned(), pin)),
    }
}

/// Makes the settings of TLS 1.3 to the server with this key.
pub(crate) fn config(pin: Sha256) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Pinned { pin, provider: provider.clone() });
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

/// Accepts one key.
#[derive(Debug)]
struct Pinned {
    pin: Sha256,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
        let own = Sha256(Hasher::digest(key.as_ref()).into());
        if own == self.pin {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::General(format!(
            "the server's key has the pin {}, expected {}; another server, or its key was replaced",
            own.to_hex(),
            self.pin.to_hex()
        )))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken".to_owned()))
    }

    /// The server must hold the key: the handshake is signed with it.
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn urls_and_pins() {
        let hex = "ab".repeat(32);
        let (url, pin) = split(&format!("https://host:8443/#sha256={hex}")).unwrap();
        assert_eq!((url.as_str(), pin.unwrap().to_hex()), ("https://host:8443", hex.clone()));
        assert_eq!(split("http://127.0.0.1:80/").unwrap(), ("http://127.0.0.1:80".to_owned(), None));
        for (url, part) in [
            ("https://host".to_owned(), "known by its key"),
            ("https://host#sha256=12".to_owned(), "64 hexadecimal digits"),
            ("https://host#x".to_owned(), "64 hexadecimal digits"),
            (format!("http://host#sha256={hex}"), "needs https"),
        ] {
            assert!(split(&url).unwrap_err().to_string().contains(part), "{url}");
        }
    }
}
