//! `[web]`: raw → checked.
//!
//! Promises: nobody but this machine reaches the page, and hubs are told an address that they can
//! reach safely. Must not: listen.

use std::net::SocketAddr;

use url::Url;

use super::complaints::{Complaints, Fault};
use super::section::Section;
use super::tree::{Node, Table};
use super::{Web, keys, values};

/// Where the page is without `web.listen`.
const LISTEN_DEFAULT: &str = "127.0.0.1:8484";

pub(super) fn web(root: &Table, complaints: &mut Complaints) -> Web {
    let section = Section::of(root, "web", "[web]", complaints);
    section.only(keys::WEB, complaints);
    let listen = section.read("listen", complaints, listen);
    let listen = listen.unwrap_or_else(|| LISTEN_DEFAULT.parse().ok());
    let public_url = section.read("public_url", complaints, |node| {
        let url = public_url(node)?;
        if listen.is_none() {
            return Err(Fault::key(
                "nothing listens behind it, since `listen` is \"\"",
                "give `listen` an address, or leave `public_url` out",
            ));
        }
        Ok(url)
    });
    Web { listen, public_url }
}

fn listen(node: &Node) -> Result<Option<SocketAddr>, Fault> {
    const REMEDY: &str =
        "give an address and a port such as \"127.0.0.1:8484\", or \"\" for no page";
    let typed = values::text(node, "a text", REMEDY)?.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    let address: SocketAddr =
        typed.parse().map_err(|_| Fault::value("is not an address with a port", REMEDY))?;
    if !address.ip().is_loopback() {
        return Err(Fault::value(
            "can be reached from other machines, and the page has no password yet",
            "listen on 127.0.0.1 or [::1], and put a proxy with a password in front of it",
        ));
    }
    Ok(Some(address))
}

/// Where hubs reach us, with a slash at its end.
fn public_url(node: &Node) -> Result<Url, Fault> {
    const EXAMPLE: &str = "https://tidings.example.com";
    let mut url = values::url(node, EXAMPLE)?;
    let remedy = format!("give an address such as \"{EXAMPLE}\"");
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Fault::key("the address has a query or a fragment", remedy));
    }
    if url.scheme() != "https" && !values::is_loopback(&url) {
        return Err(Fault::value(
            "is not https, so everyone on the way could read the secrets of subscriptions",
            remedy,
        ));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}
