//! Acts by hand: who did what from where.
//!
//! Promises: a name is one short line that shows in any listing. Must not: say whether an act is
//! allowed.

/// Characters of a person's name that are kept.
const NAME_CHARS_MAX: usize = 64;

/// Where a person acted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The command line.
    Command,
    /// The page.
    Page,
    /// The interface for programs.
    Api,
}

impl Door {
    /// All doors.
    pub const ALL: [Self; 3] = [Self::Command, Self::Page, Self::Api];

    /// The word in the database and in listings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Page => "page",
            Self::Api => "api",
        }
    }

    /// Reads what [`Door::word`] wrote.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|door| door.word() == word)
    }
}

/// Who acts, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    name: String,
    door: Door,
}

impl By {
    /// A person by the name that was given. What can't be shown on one line is left out; without a
    /// name it is `unknown`.
    pub fn new(door: Door, name: &str) -> Self {
        let shown = name.trim().chars().filter(|sign| !sign.is_control());
        let name: String = shown.take(NAME_CHARS_MAX).collect();
        let name = if name.is_empty() { "unknown".to_owned() } else { name };
        Self { name, door }
    }

    /// The person's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it came from.
    pub const fn door(&self) -> Door {
        self.door
    }
}

/// What a person did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Let a held post go.
    Approve,
    /// Left a post out.
    Skip,
    /// Had a post sent again.
    Retry,
    /// Had a post sent at once.
    SendNow,
    /// Gave a post other words.
    Edit,
    /// Put a post elsewhere in its lane's order.
    Move,
    /// Said when a post may go.
    Reschedule,
    /// Made a post of what was published already.
    Repost,
    /// Had a published post deleted on its network.
    Delete,
    /// Stopped sending.
    Pause,
    /// Ended stops.
    Resume,
    /// Had a feed asked again.
    Refresh,
}

impl Deed {
    /// All deeds.
    pub const ALL: [Self; 12] = [
        Self::Approve,
        Self::Skip,
        Self::Retry,
        Self::SendNow,
        Self::Edit,
        Self::Move,
        Self::Reschedule,
        Self::Repost,
        Self::Delete,
        Self::Pause,
        Self::Resume,
        Self::Refresh,
    ];

    /// The word in the database and in listings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Skip => "skip",
            Self::Retry => "retry",
            Self::SendNow => "send-now",
            Self::Edit => "edit",
            Self::Move => "move",
            Self::Reschedule => "reschedule",
            Self::Repost => "repost",
            Self::Delete => "delete",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Refresh => "refresh",
        }
    }

    /// Reads what [`Deed::word`] wrote.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_short_line() {
        let name = |text: &str| By::new(Door::Page, text).name().to_owned();
        assert_eq!(name(" anna "), "anna");
        assert_eq!(name("a\nb\u{1b}[2J"), "ab[2J");
        assert_eq!(name("\n"), "unknown");
        assert_eq!(name(&"x".repeat(100)).len(), NAME_CHARS_MAX);
    }

    #[test]
    fn words_are_read_back() {
        for deed in Deed::ALL {
            assert_eq!(Deed::parse(deed.word()), Some(deed));
        }
        for door in Door::ALL {
            assert_eq!(Door::parse(door.word()), Some(door));
        }
        assert_eq!(Deed::parse("dance"), None);
    }
}
