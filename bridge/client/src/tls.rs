//! TLS: one crypto provider (ring) and the certificates of the operating system.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::SetupError;

/// The one crypto provider, also for libraries that ask the process for it.
pub fn provider() -> Arc<CryptoProvider> {
    if CryptoProvider::get_default().is_none() {
        // Another thread may just have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    Arc::clone(CryptoProvider::get_default().expect("it was installed above"))
}

/// Trusts what the operating system trusts.
///
/// Errors: the system has no certificates.
pub fn trust_system() -> Result<ClientConfig, SetupError> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_platform_verifier());
    let config = config.map_err(|error| {
        SetupError::new(format!(
            "read the certificates of the operating system (package `ca-certificates`): {error}"
        ))
    })?;
    Ok(config.with_no_client_auth())
}

/// Trusts nobody: for addresses without TLS, so that no certificates are kept in memory.
pub(crate) fn trust_nobody() -> Result<ClientConfig, SetupError> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| SetupError::new(format!("choose the TLS versions: {error}")))?;
    Ok(config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}
