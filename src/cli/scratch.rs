//! A folder for what a command needs only while it runs.
//!
//! Promises: only its user may look into it, and it goes when it is dropped. Must not: hold
//! anything worth keeping.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// A folder that is removed at the end.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// Makes one among the temporary files; `what` is a part of its name.
    pub(super) fn new(what: &str) -> Result<Self, anyhow::Error> {
        let path = std::env::temp_dir().join(format!("tidings-{what}-{}", uuid::Uuid::new_v4()));
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left behind among the temporary files it does no harm.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
