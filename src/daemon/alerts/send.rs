//! One message to one receiver: webhook, e-mail, command.
//!
//! Promises: bounded in time; an error names no secret, no address of a webhook and no word of an
//! answer. Must not: try again.

use std::process::Stdio;
use std::time::Duration;

use chrono::{DateTime, Utc};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use url::Url;

use crate::config::alerts::{
    Address, AlertSecrets, Email, Format, Receiver, Security, Way, Webhook,
};
use crate::config::secret::SecretRef;
use crate::domain::alert::line;
use crate::domain::alert::render::Message;
use crate::http;

/// A message that isn't through by then is tried later.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Where programs are looked for. Nothing else of the environment reaches a command.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The header that is the same at each try.
const ID_HEADER: &str = "Tidings-Message-Id";
/// The longest error, in characters.
const ERROR_MAX: usize = 300;

/// Tells receivers.
#[derive(Debug)]
pub struct Teller<'a> {
    secrets: &'a AlertSecrets,
}

impl<'a> Teller<'a> {
    /// With the secrets of the receivers.
    pub const fn new(secrets: &'a AlertSecrets) -> Self {
        Self { secrets }
    }

    /// Tells a receiver; where that fails, why and what to look at.
    ///
    /// # Errors
    ///
    /// One line for a person.
    pub async fn tell(
        &self,
        receiver: &Receiver,
        message: &Message,
        now: DateTime<Utc>,
    ) -> Result<(), String> {
        let told = async {
            match &receiver.way {
                Way::Webhook(webhook) => self.post(webhook, message).await,
                Way::Email(email) => self.mail(email, message, now).await,
                Way::Command(words) => run(words, message).await,
            }
        };
        let told = tokio::time::timeout(TIMEOUT, told).await;
        let told = told.unwrap_or_else(|_| Err(format!("no end within {} s", TIMEOUT.as_secs())));
        told.map_err(|why| line(&why, ERROR_MAX))
    }

    fn value(&self, reference: &SecretRef) -> Result<&'a SecretString, String> {
        self.secrets.value(reference).ok_or_else(|| format!("{reference} was not read"))
    }

    async fn post(&self, webhook: &Webhook, message: &Message) -> Result<(), String> {
        let address = match &webhook.url {
            Address::Given(url) => url,
            Address::Secret(reference) => self.value(reference)?,
        };
        let url = Url::parse(address.expose_secret()).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or("the secret in `url` is not an address with http or https")?;
        let (url, body) = match webhook.format {
            Format::Json => (url, message.json()),
            Format::Slack => (url, message.slack()),
            Format::Discord => (url, message.discord()),
            Format::Ntfy => ntfy(url, message)?,
        };
        let client = http::alert_client(TIMEOUT).map_err(|error| http::chain(&error))?;
        let mut request = client.post(url).header(ID_HEADER, &message.id).json(&body);
        if let Some(token) = &webhook.token {
            request = request.bearer_auth(self.value(token)?.expose_secret());
        }
        let answer = request.send().await.map_err(|error| http::chain(&error.without_url()))?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(format!("it answered {}: look at `url` and `token`", answer.status()))
    }

    async fn mail(
        &self,
        email: &Email,
        message: &Message,
        now: DateTime<Utc>,
    ) -> Result<(), String> {
        let mail = mail_of(email, message, now)?;
        let tls = || {
            TlsParameters::new(email.server.clone())
                .map_err(|error| format!("TLS can't be set up: {}", http::chain(&error)))
        };
        let tls = match email.security {
            Security::StartTls => Tls::Required(tls()?),
            Security::Tls => Tls::Wrapper(tls()?),
            Security::None => Tls::None,
        };
        let mut transport =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(email.server.as_str())
                .port(email.port)
                .tls(tls)
                .timeout(Some(TIMEOUT));
        if let Some(login) = &email.login {
            let password = self.value(&login.password)?.expose_secret().to_owned();
            transport = transport.credentials(Credentials::new(login.user.clone(), password));
        }
        let sent = transport.build().send(mail).await;
        sent.map(drop).map_err(|error| smtp_error(&error))
    }
}

/// What the mail server refused, without its words: they may repeat what we sent.
fn smtp_error(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!(
            "the mail server refused with {code}: look at `user`, `password`, `from` and `to`"
        ),
        None => format!("the mail server can't be used: {}", http::chain(error)),
    }
}

fn mail_of(
    email: &Email,
    message: &Message,
    now: DateTime<Utc>,
) -> Result<lettre::Message, String> {
    let id = format!("<{}@{}>", message.id, email.from.email.domain());
    let mut mail = lettre::Message::builder()
        .from(email.from.clone())
        .subject(format!("[tidings] {}", message.subject()))
        .date(now.into())
        .message_id(Some(id))
        .header(ContentType::TEXT_PLAIN);
    for to in &email.to {
        mail = mail.to(to.clone());
    }
    let mut mail = mail.body(message.text()).map_err(|error| http::chain(&error))?;
    for (name, value) in [
        (HeaderName::new_from_ascii_str(ID_HEADER), message.id.as_str()),
        (HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated"),
    ] {
        mail.headers_mut().insert_raw(HeaderValue::new(name, value.to_owned()));
    }
    Ok(mail)
}

/// The server of a topic's address, and the message for that topic.
fn ntfy(mut url: Url, message: &Message) -> Result<(Url, Value), String> {
    let topic = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
    if topic.is_empty() {
        return Err("the address names no topic, as https://ntfy.sh/my-topic does".to_owned());
    }
    let body = message.ntfy(topic);
    if let Ok(mut parts) = url.path_segments_mut() {
        parts.pop();
    }
    Ok((url, body))
}

/// Runs a command with the message as JSON on its standard input.
async fn run(words: &[String], message: &Message) -> Result<(), String> {
    let (program, args) = words.split_first().ok_or("`command` is empty")?;
    let mut child = tokio::process::Command::new(program)
        .args(args)
        .env_clear()
        .env("PATH", PATH)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{program} can't be started: {error}"))?;
    if let Some(mut input) = child.stdin.take() {
        let text = format!("{}\n", message.json());
        // Whoever does not want to read it all is judged by its exit code.
        let _unread = input.write_all(text.as_bytes()).await.is_err();
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("{program} ended with {status}")) }
}
