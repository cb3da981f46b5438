//! How a feed is reached: `auth`, `headers`, `cookies`, `proxy`, `ca_file`.
//!
//! Promises: what may be a secret is a reference, and a literal in its place is refused without being
//! repeated; no header can be given that the fetcher itself answers for. Must not: read a secret or
//! a file.

use std::path::PathBuf;

use url::Url;

use super::complaints::{Complaints, Fault, Shown};
use super::secret::{self, SecretRef};
use super::section::Section;
use super::tree::{Node, Table, Value};
use super::values;

/// Headers, and cookies, that one feed may have.
const PAIRS_MAX: usize = 32;
/// The longest name of a header or cookie, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// The longest user name, in bytes.
const USER_BYTES_MAX: usize = 200;

/// Headers that are the fetcher's own or belong to the connection.
const TAKEN: [&str; 19] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "keep-alive",
    "proxy-authorization",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// A header with one of these in its name carries a secret.
const SECRETIVE: [&str; 9] =
    ["auth", "cookie", "credential", "key", "password", "secret", "session", "signature", "token"];

/// What a feed's own server is shown, and the way to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// `auth`
    pub auth: Option<Auth>,
    /// `headers`, by name.
    pub headers: Vec<(String, HeaderText)>,
    /// `cookies`, by name.
    pub cookies: Vec<(String, SecretRef)>,
    /// `proxy` and `ca_file`, the feed's own or those of `[fetch]`.
    pub route: Route,
}

/// `auth` of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// `{ basic = { user = "…", password = … } }`
    Basic {
        /// Without a colon.
        user: String,
        /// Its reference.
        password: SecretRef,
    },
    /// `{ bearer = … }`
    Bearer(SecretRef),
}

/// The value of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderText {
    /// As typed; nothing that is secret.
    Plain(String),
    /// By reference.
    Secret(SecretRef),
}

/// The way to a server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Route {
    /// `proxy`; `None` for the straight way.
    pub proxy: Option<Proxy>,
    /// `ca_file`: certificates that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
}

/// `proxy`
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Proxy {
    /// Its address, http or https.
    pub url: Url,
    /// User and password, if it wants any.
    pub login: Option<(String, SecretRef)>,
}

impl Route {
    /// The secrets on the way, with the key that names them.
    pub(super) fn secrets(&self) -> impl Iterator<Item = (&'static str, &SecretRef)> {
        let login = self.proxy.iter().filter_map(|proxy| proxy.login.as_ref());
        login.map(|(_, password)| ("proxy", password))
    }
}

impl Access {
    /// Whether the feed's server is shown anything that others must not see.
    pub const fn has_credentials(&self) -> bool {
        self.auth.is_some() || !self.headers.is_empty() || !self.cookies.is_empty()
    }

    /// The secrets that asking the feed needs, with the key that names them.
    pub(super) fn secrets(&self) -> impl Iterator<Item = (&'static str, &SecretRef)> {
        let auth = self.auth.iter().map(|auth| match auth {
            Auth::Basic { password, .. } => ("auth", password),
            Auth::Bearer(token) => ("auth", token),
        });
        let headers = self.headers.iter().filter_map(|(_, value)| match value {
            HeaderText::Secret(reference) => Some(("headers", reference)),
            HeaderText::Plain(_) => None,
        });
        let cookies = self.cookies.iter().map(|(_, reference)| ("cookies", reference));
        auth.chain(headers).chain(cookies).chain(self.route.secrets())
    }
}

/// Reads the keys of a feed; what it does not say of the way is `fetch`'s.
pub(super) fn of_feed(section: &Section<'_>, fetch: &Route, complaints: &mut Complaints) -> Access {
    let access = Access {
        auth: section.read("auth", complaints, auth),
        headers: pairs(section, "headers", complaints, header),
        cookies: pairs(section, "cookies", complaints, cookie),
        route: route(section, fetch, complaints),
    };
    let authorization =
        access.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    if let (Some(_), true, Some(node)) = (&access.auth, authorization, section.node("headers")) {
        let fault =
            Fault::key("Authorization is given here and by `auth`", "leave one of the two out");
        section.complain("headers", node, &fault, complaints);
    }
    access
}

/// Reads `proxy` and `ca_file` of a section.
pub(super) fn route(
    section: &Section<'_>,
    inherited: &Route,
    complaints: &mut Complaints,
) -> Route {
    let proxy = section.read("proxy", complaints, proxy);
    let ca_file = section.read("ca_file", complaints, |node| {
        if matches!(&node.value, Value::Text(text) if text.is_empty()) {
            return Ok(None);
        }
        values::path(node).map(Some)
    });
    Route {
        proxy: proxy.unwrap_or_else(|| inherited.proxy.clone()),
        ca_file: ca_file.unwrap_or_else(|| inherited.ca_file.clone()),
    }
}

const AUTH_REMEDY: &str = "write { bearer = { env = \"FEED_TOKEN\" } } or { basic = { user = \"me\", password = { env = \"FEED_PASSWORD\" } } }";

fn auth(node: &Node) -> Result<Auth, Fault> {
    let Value::Table(table) = &node.value else {
        return Err(Fault::key(
            format!("expected a table, found {} (not shown here)", node.kind()),
            AUTH_REMEDY,
        ));
    };
    let mut entries = table.iter();
    match (entries.next(), entries.next()) {
        (Some((kind, token)), None) if kind == "bearer" => {
            secret::reference(token, "FEED_TOKEN").map(Auth::Bearer)
        }
        (Some((kind, Node { value: Value::Table(basic), .. })), None) if kind == "basic" => {
            let (user, password) = login(basic, "FEED_PASSWORD", AUTH_REMEDY)?;
            Ok(Auth::Basic { user, password })
        }
        _ => Err(Fault::key("it needs one of `basic` and `bearer`", AUTH_REMEDY)),
    }
}

/// `user` and `password`, and nothing else but the address of a proxy.
fn login(table: &Table, variable: &str, remedy: &str) -> Result<(String, SecretRef), Fault> {
    let (Some(user), Some(password)) = (table.get("user"), table.get("password")) else {
        return Err(Fault::key("`user` and `password` belong together", remedy));
    };
    if table.keys().any(|key| !["user", "password", "url"].contains(&key.as_str())) {
        return Err(Fault::key("there is an unknown key in it", remedy));
    }
    let Value::Text(user) = &user.value else {
        return Err(Fault::key(format!("user: expected a text, found {}", user.kind()), remedy));
    };
    let printable = user.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if user.is_empty() || user.len() > USER_BYTES_MAX || !printable || user.contains(':') {
        return Err(Fault::key(
            "user: a user name is plain ASCII, without a colon and not empty",
            remedy,
        ));
    }
    secret::reference(password, variable).map(|password| (user.clone(), password))
}

const PROXY_REMEDY: &str = "write \"http://proxy.example.com:3128\", { url = \"…\", user = \"me\", password = { env = \"PROXY_PASSWORD\" } }, or \"\" for none";

fn proxy(node: &Node) -> Result<Option<Proxy>, Fault> {
    let plain_address = |node: &Node| -> Result<Url, Fault> {
        let url = values::url(node, "http://proxy.example.com:3128")
            .map_err(|fault| Fault::key(fault.what, PROXY_REMEDY))?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(Fault::key("a proxy has no path", PROXY_REMEDY));
        }
        Ok(url)
    };
    match &node.value {
        Value::Text(text) if text.is_empty() => Ok(None),
        Value::Text(_) => Ok(Some(Proxy { url: plain_address(node)?, login: None })),
        Value::Table(table) => {
            let url = table.get("url").ok_or_else(|| Fault::key("it has no url", PROXY_REMEDY))?;
            let url = plain_address(url)?;
            let login = if table.len() == 1 {
                None
            } else {
                Some(login(table, "PROXY_PASSWORD", PROXY_REMEDY)?)
            };
            Ok(Some(Proxy { url, login }))
        }
        Value::Number(_) | Value::Flag(_) | Value::Date(_) | Value::List(_) => {
            Err(values::wrong_type(node, "an address or a table", PROXY_REMEDY))
        }
    }
}

/// The entries of a table, each read.
fn pairs<T>(
    section: &Section<'_>,
    key: &str,
    complaints: &mut Complaints,
    read: impl Fn(&str, &Node) -> Result<T, Fault>,
) -> Vec<(String, T)> {
    let Some(node) = section.node(key) else {
        return Vec::new();
    };
    let inner = Section::new(node, format!("{}: {key}", section.place), complaints);
    let Value::Table(table) = &node.value else {
        return Vec::new();
    };
    if table.len() > PAIRS_MAX {
        let fault =
            Fault::key(format!("{} of them", table.len()), format!("{PAIRS_MAX} are the most"));
        section.complain(key, node, &fault, complaints);
    }
    let mut pairs: Vec<(String, T)> = Vec::new();
    for name in table.keys().take(PAIRS_MAX) {
        if pairs.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            let fault = Fault::key("is given twice, in other capitals", "give it once");
            inner.complain(name, node, &fault, complaints);
        }
        if let Some(value) = inner.read(name, complaints, |node| read(name, node)) {
            pairs.push((name.clone(), value));
        }
    }
    pairs
}

/// Whether a text can be the name of a header or a cookie.
fn is_token(name: &str) -> bool {
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.bytes().all(sign)
}

fn header(name: &str, node: &Node) -> Result<HeaderText, Fault> {
    let small = name.to_ascii_lowercase();
    if !is_token(name) {
        return Err(Fault::key("is not the name of a header", "for example \"X-Client\""));
    }
    if small == "cookie" {
        return Err(Fault::key(
            "cookies have a key of their own",
            "write cookies = { session = { env = \"FEED_SESSION\" } }",
        ));
    }
    if TAKEN.contains(&small.as_str()) {
        return Err(Fault::key(
            "this header is the fetcher's own and can't be set",
            if small == "user-agent" {
                "leave it out; `contact` in [fetch] says who you are"
            } else {
                "leave it out"
            },
        ));
    }
    let may_be_open = !SECRETIVE.iter().any(|word| small.contains(word));
    if may_be_open && matches!(&node.value, Value::Text(_)) {
        const REMEDY: &str =
            "a literal value is one line of plain ASCII; a secret is { env = \"FEED_TOKEN\" }";
        return values::line(node, REMEDY)
            .map(HeaderText::Plain)
            .map_err(|fault| Fault { shown: Shown::Key, ..fault });
    }
    secret::reference(node, "FEED_TOKEN").map(HeaderText::Secret)
}

fn cookie(name: &str, node: &Node) -> Result<SecretRef, Fault> {
    if !is_token(name) {
        return Err(Fault::key("is not the name of a cookie", "for example \"session\""));
    }
    secret::reference(node, "FEED_SESSION")
}
