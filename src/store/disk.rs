//! How much room the database has.
//!
//! Promises: asks the file system that the database lies on. Must not: free any.

use std::io;

use super::Store;

impl Store {
    /// How many bytes the database may still take on its file system.
    ///
    /// # Errors
    ///
    /// Where the file system does not say.
    pub async fn free_space(&self) -> io::Result<u64> {
        let path = self.path().to_owned();
        // A file system on the network may hang.
        let asked = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&path));
        let found = asked.await.map_err(io::Error::other)??;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }
}
