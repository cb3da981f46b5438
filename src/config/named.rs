//! Things of the config in their order, and each by its name.
//!
//! Promises: a name is found as fast among thousands as among three. Must not: check the names; of two
//! that are alike, which is complained of before, the first is found.

use std::collections::BTreeMap;
use std::ops::Deref;

/// Profiles or feeds.
#[derive(Debug, Clone)]
pub struct Named<T> {
    all: Vec<T>,
    places: BTreeMap<String, usize>,
}

impl<T> Named<T> {
    /// All of them, with the names that `name` gives.
    pub fn new(all: Vec<T>, name: impl Fn(&T) -> &str) -> Self {
        let mut places = BTreeMap::new();
        for (place, one) in all.iter().enumerate() {
            places.entry(name(one).to_owned()).or_insert(place);
        }
        Self { all, places }
    }

    /// The one of this name.
    pub fn named(&self, name: &str) -> Option<&T> {
        self.all.get(*self.places.get(name)?)
    }
}

impl<T> Deref for Named<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.all
    }
}

impl<'a, T> IntoIterator for &'a Named<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.iter()
    }
}
