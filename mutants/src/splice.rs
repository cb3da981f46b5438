//! A source file with all its mutants in it, each behind its switch.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use crate::Failure;
use crate::sites::{self, Shape, Site};

/// One way to be wrong.
pub(crate) struct Mutant {
    pub(crate) id: u32,
    pub(crate) file: String,
    pub(crate) line: usize,
    function: String,
    said: String,
}

impl Mutant {
    pub(crate) fn what(&self) -> String {
        format!("{}: {}", self.function, self.said)
    }

    /// By what mutants/explained.txt knows it.
    pub(crate) fn key(&self) -> String {
        format!("{}: {}", self.file, self.what())
    }
}

/// A place of the file, with the number of its first mutant.
struct Place {
    site: Site,
    first: u32,
}

/// A source file.
pub(crate) struct File {
    /// Below the root, with slashes.
    pub(crate) name: String,
    text: String,
    places: Vec<Place>,
    mutants: Vec<Mutant>,
    /// What the compiler refused.
    refused: BTreeSet<u32>,
    /// Where each mutant's code, and each place with all of its mutants, lies in the new text.
    spots: Vec<(Range<usize>, Vec<u32>)>,
}

impl File {
    pub(crate) fn read(root: &Path, name: &str, next: &mut u32) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(root.join(name))?;
        let mut file = Self {
            name: name.to_owned(),
            places: Vec::new(),
            mutants: Vec::new(),
            refused: BTreeSet::new(),
            spots: Vec::new(),
            text,
        };
        for site in sites::of(&file.text).map_err(|error| format!("{name}: {error}"))? {
            let first = *next;
            for (_, said) in &site.variants {
                let (function, said) = (site.function.clone(), said.clone());
                let (file_name, line) = (name.to_owned(), site.line);
                file.mutants.push(Mutant { id: *next, file: file_name, line, function, said });
                *next += 1;
            }
            file.places.push(Place { site, first });
        }
        Ok(file)
    }

    /// The mutants that the compiler took.
    pub(crate) fn alive(&self) -> impl Iterator<Item = &Mutant> {
        self.mutants.iter().filter(|mutant| !self.refused.contains(&mutant.id))
    }

    /// The text with all mutants that the compiler did not refuse.
    pub(crate) fn mutated(&mut self) -> String {
        let mut writer = Writer { file: self, out: String::new(), spots: Vec::new() };
        writer.write(0..self.text.len(), &self.places);
        let Writer { out, spots, .. } = writer;
        self.spots = spots;
        out
    }

    /// Takes out what stands where the compiler found an error; whether there was anything.
    pub(crate) fn refuse(&mut self, error: &Range<usize>) -> bool {
        let inside = |spot: &&(Range<usize>, Vec<u32>)| {
            spot.0.start <= error.start && error.end <= spot.0.end
        };
        let smallest = self.spots.iter().filter(inside).min_by_key(|spot| spot.0.len());
        let Some((_, ids)) = smallest else { return false };
        let known = ids.iter().all(|id| self.refused.contains(id));
        self.refused.extend(ids.iter().copied());
        !ids.is_empty() || known
    }
}

struct Writer<'a> {
    file: &'a File,
    out: String,
    spots: Vec<(Range<usize>, Vec<u32>)>,
}

impl Writer<'_> {
    /// Writes a range of the old text with the places in it.
    fn write(&mut self, range: Range<usize>, places: &[Place]) {
        let mut at = range.start;
        let mut rest = places;
        while let Some((place, after)) = rest.split_first() {
            let site = &place.site.range;
            self.copy(at..site.start);
            let inner = after.iter().take_while(|it| it.site.range.end <= site.end);
            let inner = if site.is_empty() { 0 } else { inner.count() };
            let (inner, after) = after.split_at(inner);
            self.place(place, inner);
            (at, rest) = (site.end, after);
        }
        self.copy(at..range.end);
    }

    fn copy(&mut self, range: Range<usize>) {
        self.out.push_str(self.file.text.get(range).unwrap_or_default());
    }

    fn place(&mut self, place: &Place, inner: &[Place]) {
        let taken: Vec<(u32, &str)> = (place.first..)
            .zip(place.site.variants.iter().map(|(code, _)| code.as_str()))
            .filter(|(id, _)| !self.file.refused.contains(id))
            .collect();
        let range = place.site.range.clone();
        if taken.is_empty() {
            return self.write(range, inner);
        }
        let from = self.out.len();
        let is = |id: u32| format!("crate::mutant::is({id})");
        match place.site.shape {
            Shape::Expression => {
                self.out.push('(');
                for (id, code) in &taken {
                    self.variant(*id, &format!("if {} {{ {code} }} else ", is(*id)));
                }
                self.out.push_str("{ ");
                self.write(range, inner);
                self.out.push_str(" })");
            }
            Shape::Return => {
                for (id, code) in &taken {
                    self.variant(*id, &format!(" if {} {{ {code} }}", is(*id)));
                }
            }
            Shape::Arm => {
                for (id, _) in &taken {
                    self.variant(*id, &format!(" if !{}", is(*id)));
                }
            }
        }
        let ids = taken.iter().map(|(id, _)| *id).collect();
        self.spots.push((from..self.out.len(), ids));
    }

    fn variant(&mut self, id: u32, code: &str) {
        let from = self.out.len();
        self.out.push_str(code);
        self.spots.push((from..self.out.len(), vec![id]));
    }
}
