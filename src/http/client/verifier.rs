//! Believes certificates that end in an authority, and those that their owner handed over themselves.

use std::sync::Arc;

use rustls::DigitallySignedStruct;
use rustls::Error;
use rustls::RootCertStore;
use rustls::SignatureScheme;
use rustls::client::VerifierBuilderError;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::server::ParsedCertificate;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::ServerName;
use rustls_pki_types::UnixTime;
use x509_parser::prelude::FromDer;
use x509_parser::prelude::X509Certificate;

/// Verifies by `webpki`; where that fails, by the file that the owner named. Common tools mark
/// self-signed certificates as authorities, and `webpki` accepts no authority as a server's own.
#[derive(Debug)]
pub(super) struct Verifier {
    authorities: Arc<WebPkiServerVerifier>,
    handed_over: Vec<CertificateDer<'static>>,
}

impl Verifier {
    /// Believes chains that end in `roots`, and each of `handed_over` by itself.
    ///
    /// # Errors
    ///
    /// When there are no roots.
    pub(super) fn new(
        roots: RootCertStore,
        handed_over: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, VerifierBuilderError> {
        let roots = Arc::new(roots);
        let authorities = WebPkiServerVerifier::builder_with_provider(roots, provider).build()?;
        Ok(Self { authorities, handed_over })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.authorities.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        if verified.is_err() && self.handed_over.contains(end_entity) && is_valid(end_entity, now) {
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            return Ok(ServerCertVerified::assertion());
        }
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

fn is_valid(certificate: &CertificateDer<'_>, now: UnixTime) -> bool {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { return false };
    let Ok(now) = i64::try_from(now.as_secs()) else { return false };
    let validity = parsed.validity();
    (validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&now)
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::time::Duration;

    use rcgen::BasicConstraints;
    use rcgen::CertificateParams;
    use rcgen::IsCa;
    use rcgen::KeyPair;
    use rcgen::date_time_ymd;
    use rustls::crypto::aws_lc_rs;

    /// 2026-11-22.
    const NOW: u64 = 1_795_305_600;
    const YEAR: u64 = 31_536_000;

    /// What `openssl req -x509` makes: valid in 2026 and marked as an authority.
    fn self_signed() -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec!["idp.test".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params.not_before, params.not_after) =
            (date_time_ymd(2026, 1, 1), date_time_ymd(2027, 1, 1));
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    fn believes(
        file: &CertificateDer<'static>,
        shown: &CertificateDer<'_>,
        host: &str,
        at: u64,
    ) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(file.clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Verifier::new(roots, vec![file.clone()], provider).unwrap();
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let at = UnixTime::since_unix_epoch(Duration::from_secs(at));
        verifier.verify_server_cert(shown, &[], &name, &[], at).is_ok()
    }

    #[test]
    fn a_self_signed_certificate_is_believed_where_its_owner_names_it() {
        let (ours, other) = (self_signed(), self_signed());
        assert!(believes(&ours, &ours, "idp.test", NOW));
        assert!(!believes(&ours, &other, "idp.test", NOW), "not the one in the file");
        assert!(!believes(&ours, &ours, "evil.test", NOW), "for another host");
        assert!(!believes(&ours, &ours, "idp.test", NOW + YEAR), "expired");
        assert!(!believes(&ours, &ours, "idp.test", NOW - YEAR), "not yet valid");
    }
}
