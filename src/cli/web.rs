//! `tidings web`: the page's password.
//!
//! Promises: a password is read from standard input, never from an argument that other users of the
//! machine could see. Must not: keep or show it.

use std::io::Read as _;

use clap::Subcommand;

use super::out;
use super::{Done, Exit};

/// The longest password that is read, in bytes.
const PASSWORD_BYTES_MAX: u64 = 1024;
/// The shortest one, in letters.
const PASSWORD_MIN: usize = 10;

#[derive(Debug, Subcommand)]
pub(super) enum WebCommand {
    /// Hash a password from standard input, for the secret that `web.password` leads to
    Password,
}

pub(super) fn run(command: &WebCommand) -> Done {
    match command {
        WebCommand::Password => password(),
    }
}

fn password() -> Done {
    let mut typed = String::new();
    std::io::stdin().lock().take(PASSWORD_BYTES_MAX + 2).read_to_string(&mut typed)?;
    let password = typed.trim_end_matches(['\r', '\n']);
    if password.chars().count() < PASSWORD_MIN {
        out::complain(&format!(
            "error: the password has fewer than {PASSWORD_MIN} letters; write it to standard input: \
             `tidings web password < FILE`, or type it and end with Ctrl-D"
        ));
        return Ok(Exit::Usage);
    }
    let hash = crate::web::hash_password(password)
        .map_err(|error| anyhow::anyhow!("cannot hash the password: {error}"))?;
    out::say(&hash);
    Ok(Exit::Done)
}
