//! The way to a server: a proxy, and certificates that are trusted beside the system's.
//!
//! Promises: a proxy's password is in no error and no `Debug`. Must not: read a file.

use reqwest::Certificate;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// More certificates than these are no file of an own authority.
const CERTIFICATES_MAX: usize = 200;

/// The way to a server; the default is the straight one.
#[derive(Debug, Clone, Default)]
pub struct Route {
    pub(super) proxy: Option<Proxy>,
    pub(super) certificates: Vec<Certificate>,
}

/// A proxy for http and https.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// Its address, http or https.
    pub url: Url,
    /// User and password, if it wants any.
    pub login: Option<(String, SecretString)>,
}

/// Why a file of certificates can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// Not one is in it.
    #[error("there is no certificate in it: it has to be PEM, with BEGIN CERTIFICATE")]
    None,
    /// Too many.
    #[error(
        "there are more than {CERTIFICATES_MAX} certificates in it: give only your own authority's"
    )]
    TooMany,
    /// One is broken.
    #[error("a certificate in it is broken: copy the file again")]
    Broken,
}

impl Route {
    /// A way through a proxy, trusting the certificates of a PEM text.
    ///
    /// # Errors
    ///
    /// Where the text holds no certificate that can be read.
    pub fn new(proxy: Option<Proxy>, pem: Option<&[u8]>) -> Result<Self, RouteError> {
        let Some(pem) = pem else {
            return Ok(Self { proxy, certificates: Vec::new() });
        };
        let certificates = Certificate::from_pem_bundle(pem).map_err(|_| RouteError::Broken)?;
        match certificates.len() {
            0 => Err(RouteError::None),
            count if count > CERTIFICATES_MAX => Err(RouteError::TooMany),
            _ => Ok(Self { proxy, certificates }),
        }
    }
}

impl Proxy {
    pub(super) fn for_client(&self) -> Result<reqwest::Proxy, reqwest::Error> {
        let proxy = reqwest::Proxy::all(self.url.clone())?;
        Ok(match &self.login {
            Some((user, password)) => proxy.basic_auth(user, password.expose_secret()),
            None => proxy,
        })
    }
}
