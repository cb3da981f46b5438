//! `[web]`: raw → checked.
//!
//! Promises: whoever is not on this machine needs a password or a token, and hubs are told an address
//! that they can reach safely. Must not: listen.

use std::net::SocketAddr;

use url::{Host, Url};

use super::complaints::{Complaints, Fault};
use super::secret::{self, WEB_PASSWORD, WEB_TOKEN};
use super::section::Section;
use super::tree::{Node, Table};
use super::{Doors, Web, keys, values};

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
    let doors = doors(&section, listen, complaints);
    Web { listen, public_url, doors }
}

/// Who may come in. Where others than this machine can come, a password or a token is needed.
fn doors(section: &Section<'_>, listen: Option<SocketAddr>, complaints: &mut Complaints) -> Doors {
    let reference = |name| move |node: &Node| secret::reference(node, name);
    let doors = Doors {
        password: section.read("password", complaints, reference(WEB_PASSWORD)),
        token: section.read("token", complaints, reference(WEB_TOKEN)),
        hosts: section
            .list("hosts", "[\"tidings.example.com\"]", complaints, host)
            .unwrap_or_default(),
    };
    if section.node("password").is_some() || section.node("token").is_some() {
        return doors;
    }
    let open = if listen.is_some_and(|address| !address.ip().is_loopback()) {
        Some(("listen", "can be reached from other machines, and the page has no password"))
    } else if doors.hosts.is_empty() {
        None
    } else {
        Some(("hosts", "lets others than this machine in, and the page has no password"))
    };
    if let Some((key, what)) = open
        && let Some(node) = section.node(key)
    {
        let remedy = format!(
            "give `password` or `token` in [web], such as `password = {{ env = \"{WEB_PASSWORD}\" }}`, \
             or listen on 127.0.0.1 or [::1] alone"
        );
        let fault =
            if key == "listen" { Fault::value(what, remedy) } else { Fault::key(what, remedy) };
        section.complain(key, node, &fault, complaints);
    }
    doors
}

/// A name under which browsers may ask for the page, in small letters and without a port.
fn host(node: &Node) -> Result<String, Fault> {
    const REMEDY: &str =
        "give the name alone, without scheme, port and path, such as \"tidings.example.com\"";
    let typed = values::text(node, "a host name", REMEDY)?.trim();
    Host::parse(typed)
        .map(|host| host.to_string())
        .map_err(|_| Fault::value("is not the name of a host", REMEDY))
}

fn listen(node: &Node) -> Result<Option<SocketAddr>, Fault> {
    const REMEDY: &str =
        "give an address and a port such as \"127.0.0.1:8484\", or \"\" for no page";
    let typed = values::text(node, "a text", REMEDY)?.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    typed.parse().map(Some).map_err(|_| Fault::value("is not an address with a port", REMEDY))
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
