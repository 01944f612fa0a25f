//! Who is believed to be who they say, over TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use insta::assert_snapshot;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::check::{Installation, me, organization};

/// A certificate for `localhost` that nobody has signed, and a file with it.
struct Identity {
    acceptor: TlsAcceptor,
    file: PathBuf,
}

impl Identity {
    fn make(folder: &Path, signer: &str) -> Identity {
        let mut about = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("is a name");
        about.distinguished_name.push(rcgen::DnType::CommonName, signer);
        let key = rcgen::KeyPair::generate().expect("is made");
        let certificate = about.self_signed(&key).expect("is made");
        let file = folder.join("certificate.pem");
        std::fs::write(&file, certificate.pem()).expect("written");
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = tokio_rustls::rustls::crypto::ring::default_provider();
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .expect("has versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("fits");
        Identity { acceptor: TlsAcceptor::from(Arc::new(config)), file }
    }

    /// The same peer behind TLS, under another address.
    async fn before(&self, url: &str) -> String {
        let (scheme, address) = url.split_once("://").expect("has a scheme");
        let (address, acceptor) = (address.to_owned(), self.acceptor.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((outer, _)) = listener.accept().await {
                // Who does not believe the certificate hangs up.
                let Ok(mut outer) = acceptor.accept(outer).await else { continue };
                let mut inner = TcpStream::connect(&address).await.expect("is there");
                tokio::spawn(async move { tokio::io::copy_bidirectional(&mut outer, &mut inner).await });
            }
        });
        format!("{scheme}s://localhost:{port}")
    }
}

/// What is said of a server and a Gateway with such a certificate.
async fn check(trusted: bool, more: &str) -> String {
    let mut installed = Installation::new(vec![me("builder-01", "acme"), organization()]).await;
    let identity = Identity::make(installed.folder.path(), "us");
    let (server, gateway) = (installed.server.url.clone(), installed.gateway.url.clone());
    installed.server.url = identity.before(&server).await;
    installed.gateway.url = identity.before(&gateway).await;
    installed.configure("gateway_agent: main");
    installed.replace("' }\ngateway", &format!("'{more} }}\ngateway"));
    let other = tempfile::tempdir().expect("a folder");
    let certificates = if trusted { identity.file } else { Identity::make(other.path(), "others").file };
    let gateway = async {
        let mut peer = installed.gateway.welcome().await;
        peer.expect_and_answer("agents.list", json!({"agents": [{"id": "main"}]})).await;
    };
    let variables = [("SSL_CERT_FILE", &*certificates), ("SSL_CERT_DIR", Path::new("/nowhere"))];
    let check = installed.check_with(&[], &variables);
    // The Gateway hears nothing of a bridge that does not believe it.
    let said = tokio::select! {
        said = check => said,
        () = async { gateway.await; std::future::pending().await } => unreachable!(),
    };
    said.lines()
        .filter(|line| line.contains("server") || line.contains("gateway"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn a_certificate_that_the_system_trusts_is_believed() {
    assert_snapshot!(check(true, "").await, @r#"
    ok    server: <server> answers, API 2026.1
    ok    gateway: <gateway> is OpenClaw 2026.9.6, protocol 4, operator.read operator.write operator.admin
    ok    gateway agent main: is there, for acme/builder-01
    "#);
}

#[tokio::test]
async fn one_that_it_does_not_trust_is_not() {
    assert_snapshot!(check(false, "").await, @r#"
    FAIL  server: <server>: the server cannot be reached: invalid peer certificate: UnknownIssuer: add who signed it to the certificates of this system (`update-ca-certificates`), or, if you mean it, write `verify_tls: false`
    FAIL  gateway: <gateway>: the Gateway cannot be reached: invalid peer certificate: UnknownIssuer: add who signed it to the certificates of this system (`update-ca-certificates`)
    skip  gateway agents: without the Gateway they cannot be looked up
    "#);
}

#[tokio::test]
async fn the_server_is_believed_blindly_when_that_is_meant() {
    assert_snapshot!(check(false, ", verify_tls: false").await, @r#"
    ok    server: <server> answers, API 2026.1
    FAIL  gateway: <gateway>: the Gateway cannot be reached: invalid peer certificate: UnknownIssuer: add who signed it to the certificates of this system (`update-ca-certificates`)
    skip  gateway agents: without the Gateway they cannot be looked up
    "#);
}
