//! Whom we trust: one crypto provider (ring) and the certificates of the operating system.

use std::sync::Arc;

use anyhow::Context as _;
use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls_platform_verifier::BuilderVerifierExt as _;

/// The one crypto provider, also for libraries that ask the process for it.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    if CryptoProvider::get_default().is_none() {
        // Somebody else may just have done the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    Arc::clone(CryptoProvider::get_default().expect("it was installed above"))
}

/// Trusts what the operating system trusts.
pub(crate) fn of_the_system() -> anyhow::Result<ClientConfig> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .context("choose the TLS versions")?
        .with_platform_verifier()
        .context("read the certificates of the operating system (package `ca-certificates`)")?
        .with_no_client_auth();
    Ok(config)
}

/// Trusts nobody: for addresses without TLS, where the certificates need not be in memory.
pub(crate) fn of_nobody() -> anyhow::Result<ClientConfig> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .context("choose the TLS versions")?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(config)
}
