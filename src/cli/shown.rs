//! What a post shows beside its text, and its options, for a person and as JSON.
//!
//! Promises: an image is told by its file's name, its place and its alt text. Must not: look at it.

use serde_json::{Value, json};

use crate::domain::media::{Attachment, Media, name_of};
use crate::domain::options::Options;

/// A line for each image or video, and one for the options.
pub(super) fn lines(media: &Media, options: &Options) -> Vec<String> {
    let mut lines: Vec<String> = match media {
        Media::None => Vec::new(),
        Media::Wished(wish) => {
            let names: Vec<String> = wish
                .candidates
                .iter()
                .map(|one| format!("{} ({})", name_of(&one.url), one.place.word()))
                .collect();
            vec![format!("image: the first usable of {}", names.join(", "))]
        }
        Media::Chosen(attachments) => attachments.iter().map(line).collect(),
    };
    if !options.is_empty() {
        let text = serde_json::to_string(options).unwrap_or_default();
        lines.push(format!("options: {text}"));
    }
    lines
}

fn line(one: &Attachment) -> String {
    let what = if one.kind.is_video() { "video" } else { "image" };
    let alt = if one.alt.is_empty() { String::new() } else { format!(": “{}”", one.alt) };
    format!("{what} {} ({}){alt}", name_of(&one.url), one.place.word())
}

/// What a post shows, as JSON: settled once it is known what goes out.
pub(super) fn as_json(media: &Media) -> Value {
    let one = |url: &str, place: &str, alt: &str| json!({"url": url, "place": place, "alt": alt});
    match media {
        Media::None => json!({"settled": true, "items": []}),
        Media::Wished(wish) => {
            let items: Vec<Value> =
                wish.candidates.iter().map(|it| one(&it.url, it.place.word(), &it.alt)).collect();
            json!({"settled": false, "items": items})
        }
        Media::Chosen(attachments) => {
            let items: Vec<Value> =
                attachments.iter().map(|it| one(&it.url, it.place.word(), &it.alt)).collect();
            json!({"settled": true, "items": items})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::media::{Candidate, Kind, Place, Wish};

    #[test]
    fn images_are_told_by_name_place_and_words() {
        let candidate = |place, url| Candidate::new(place, url, "A house").expect("a candidate");
        let wish = Wish {
            candidates: vec![
                candidate(Place::Enclosure, "https://a.example/cover.png?token=1"),
                candidate(Place::Fallback, "https://a.example/card.png"),
            ],
            max: 1,
            video: false,
            alt: None,
        };
        let attachment = |kind, alt: &str| Attachment {
            url: "https://a.example/cover.png?token=1".into(),
            kind,
            alt: alt.into(),
            place: Place::Content,
        };
        let options: Options =
            serde_json::from_value(json!({"shortenLinks": true})).expect("options");
        let chosen = vec![attachment(Kind::Png, "A house"), attachment(Kind::Mp4, "")];
        let all = [Media::None, Media::Wished(wish), Media::Chosen(chosen)];
        let told: Vec<String> =
            all.iter().flat_map(|media| lines(media, &Options::default())).collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        image: the first usable of cover.png (enclosure), card.png (fallback)
        image cover.png (content): “A house”
        video cover.png (content)
        ");
        assert_eq!(lines(&Media::None, &options), [r#"options: {"shortenLinks":true}"#]);
        let settled: Vec<Value> =
            all.iter().map(|media| as_json(media)["settled"].clone()).collect();
        assert_eq!(settled, [true, false, true]);
    }
}
