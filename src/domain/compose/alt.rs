//! The alt text of an entry's images, as its user's template says.
//!
//! Promises: plain text on one line, whole: nothing shrinks in it. Must not: know of images.

use super::{Ingredients, Kitchen, Setting, usable_link};
use crate::domain::template::{Fault, Template};
use crate::domain::visible::tidy;

/// What the template makes of an entry.
///
/// # Errors
///
/// Where a value is missing, or the rendering takes too long.
pub fn alt_text(
    ingredients: &Ingredients<'_>,
    setting: &Setting<'_>,
    template: &Template,
) -> Result<String, Fault> {
    let link = usable_link(ingredients.item.link.as_deref(), setting.manner, &mut Vec::new());
    let kitchen = Kitchen { ingredients, setting, link: link.as_deref() };
    let parts = template.render(&kitchen.words(template.uses("content")))?;
    let text: String = parts.into_iter().map(|part| part.text).collect();
    Ok(tidy(&text))
}
