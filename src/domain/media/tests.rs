use std::collections::BTreeMap;

use super::*;

fn item() -> Item {
    let media = |url: &str, kind: Option<&str>, role| Attached {
        url: url.to_owned(),
        kind: kind.map(str::to_owned),
        role,
        ..Attached::default()
    };
    Item {
        title: "A <b>title</b> &amp; more".into(),
        link: Some("http://blog.example/1".into()),
        media: vec![
            media("https://cdn.example/talk.mp3", Some("audio/mpeg"), Role::Enclosure),
            media("https://cdn.example/thumb.jpg", None, Role::Thumbnail),
            media("https://cdn.example/cover.png", Some("image/png"), Role::Enclosure),
            media("https://cdn.example/film.mp4", Some("video/mp4"), Role::Enclosure),
            media("https://cdn.example/media.jpg", Some("image/jpeg"), Role::Content),
            media("https://cdn.example/picture", None, Role::Picture),
        ],
        ..Item::default()
    }
}

fn content() -> Vec<Candidate> {
    ["https://cdn.example/one.jpg", "https://cdn.example/two.jpg", "https://cdn.example/cover.png"]
        .into_iter()
        .filter_map(|url| Candidate::new(Place::Content, url, "What it shows"))
        .collect()
}

fn rules(from: &[Place], max: usize) -> MediaRules {
    MediaRules { from: from.to_vec(), max, alt: Alt::Title, ..MediaRules::default() }
}

fn wished(rules: &MediaRules) -> Wish {
    match wish(&item(), &content(), rules, None) {
        Media::Wished(wish) => wish,
        other @ (Media::None | Media::Chosen(_)) => panic!("{other:?}"),
    }
}

fn there(url: &str, kind: Kind, bytes: u64) -> Look {
    Look::There { url: url.to_owned(), kind: Some(kind), bytes: Some(bytes) }
}

/// Answers whatever is asked, from a list; what is not listed is dead. Gives the choice and what
/// was asked.
fn chosen(wish: &Wish, world: &[(&str, Look)]) -> (Choice, Vec<String>) {
    let mut seen = BTreeMap::new();
    let mut asked = Vec::new();
    loop {
        let url = match next(wish, &seen) {
            Next::Look(url) | Next::Read(url) => url,
            Next::Done(choice) => return (choice, asked),
        };
        let look = world.iter().find(|(name, _)| url.ends_with(name)).map(|(_, look)| look.clone());
        assert!(
            seen.insert(url.clone(), look.unwrap_or_else(|| Look::Not("dead".into()))).is_none(),
            "{url} is asked for twice"
        );
        asked.push(url);
    }
}

fn jpeg(name: &'static str) -> (&'static str, Look) {
    (name, there(&format!("https://cdn.example/{name}"), Kind::Jpeg, 1_000))
}

#[test]
fn candidates_stand_in_the_users_order_and_none_twice() {
    let names = |from: &[Place]| -> Vec<String> {
        let wish = wished(&rules(from, 4));
        wish.candidates
            .iter()
            .map(|one| format!("{} {}", one.place.word(), name_of(&one.url)))
            .collect()
    };
    assert_eq!(
        names(&[Place::Enclosure, Place::Media, Place::Content]),
        [
            "enclosure cover.png",
            "media media.jpg",
            "media picture",
            "media thumb.jpg",
            "content one.jpg",
            "content two.jpg",
        ]
    );
    assert_eq!(
        names(&[Place::Page, Place::Content, Place::Enclosure]),
        ["page 1", "content one.jpg", "content two.jpg", "content cover.png"]
    );
}

#[test]
fn a_video_is_wished_only_on_request_and_nothing_is_wished_unasked() {
    assert_eq!(wish(&item(), &content(), &MediaRules::default(), None), Media::None);
    let with_video = MediaRules { video: true, ..rules(&[Place::Enclosure], 1) };
    let names: Vec<String> =
        wished(&with_video).candidates.iter().map(|one| name_of(&one.url)).collect();
    assert_eq!(names, ["cover.png", "film.mp4"]);
    let nothing = Item { media: Vec::new(), ..item() };
    let rules = rules(&[Place::Enclosure, Place::Media], 1);
    assert_eq!(wish(&nothing, &[], &rules, None), Media::None);
}

#[test]
fn the_first_place_that_gives_anything_is_the_last_one_asked() {
    type Case<'a> = (&'a [Place], usize, &'a [(&'a str, Look)], &'a [&'a str]);
    let cases: [Case<'_>; 5] = [
        (&[Place::Content, Place::Enclosure], 1, &[jpeg("one.jpg")], &["one.jpg"]),
        (&[Place::Content, Place::Enclosure], 4, &[jpeg("two.jpg")], &["two.jpg"]),
        (
            &[Place::Media, Place::Content],
            4,
            &[jpeg("one.jpg"), jpeg("two.jpg")],
            &["one.jpg", "two.jpg"],
        ),
        (
            &[Place::Enclosure, Place::Content],
            2,
            &[jpeg("one.jpg"), jpeg("two.jpg")],
            &["one.jpg", "two.jpg"],
        ),
        (&[Place::Media], 4, &[], &[]),
    ];
    for (from, max, world, expected) in cases {
        let (choice, _) = chosen(&wished(&rules(from, max)), world);
        let names: Vec<String> = choice.attachments.iter().map(|one| name_of(&one.url)).collect();
        assert_eq!(names, expected, "{from:?}");
    }
    let (choice, asked) =
        chosen(&wished(&rules(&[Place::Content, Place::Page], 1)), &[jpeg("one.jpg")]);
    assert_eq!((choice.notes.len(), asked.len()), (0, 1), "nothing is asked beyond what is needed");
}

#[test]
fn what_is_left_out_says_why() {
    let wish = wished(&rules(&[Place::Enclosure, Place::Media, Place::Content], 1));
    let world = [
        ("cover.png", there("https://cdn.example/cover.png", Kind::Png, 5_000_001)),
        ("media.jpg", there("https://cdn.example/media.jpg", Kind::Other, 10)),
        ("picture", Look::There { url: "https://x.example/y".into(), kind: None, bytes: None }),
        ("thumb.jpg", there("https://cdn.example/thumb.jpg", Kind::Mp4, 10)),
        jpeg("two.jpg"),
    ];
    let (choice, _) = chosen(&wish, &world);
    insta::assert_snapshot!(choice.notes.join("\n"), @r"
    image cover.png (enclosure) left out: 5.1 MB, and 5 MB are the most
    image media.jpg (media) left out: only JPEG, PNG, GIF, WebP, MP4 and MOV can be shown
    image picture (media) left out: its host does not say of what type it is
    image thumb.jpg (media) left out: it turned out to be a video
    image one.jpg (content) left out: dead
    ");
    assert_eq!(choice.attachments.len(), 1);
}

#[test]
fn a_gif_goes_out_alone_and_never_beside_others() {
    let wish = wished(&rules(&[Place::Content], 4));
    let gif = ("one.jpg", there("https://cdn.example/one.gif", Kind::Gif, 14_000_000));
    let (choice, _) = chosen(&wish, &[gif, jpeg("two.jpg")]);
    assert_eq!(choice.attachments.len(), 1);
    let gif = ("two.jpg", there("https://cdn.example/two.gif", Kind::Gif, 1));
    let (choice, _) = chosen(&wish, &[jpeg("one.jpg"), gif, jpeg("cover.png")]);
    assert_eq!(choice.attachments.len(), 2);
    assert!(choice.notes[0].contains("alone"), "{:?}", choice.notes);
}

#[test]
fn the_page_is_read_only_when_its_turn_comes_and_gives_one_image() {
    let wish = wished(&rules(&[Place::Content, Place::Page], 4));
    let named = |url: &str, alt: &str| Candidate::new(Place::Page, url, alt).expect("a candidate");
    let page = Look::Page(vec![
        named("https://cdn.example/gone.jpg", ""),
        named("https://cdn.example/og.jpg", "A house"),
        named("https://cdn.example/card.jpg", ""),
    ]);
    let (choice, asked) =
        chosen(&wish, &[("blog.example/1", page), jpeg("og.jpg"), jpeg("card.jpg")]);
    let told: Vec<_> =
        choice.attachments.iter().map(|one| (name_of(&one.url), one.alt.as_str())).collect();
    assert_eq!(told, [("og.jpg".to_owned(), "A house")]);
    assert_eq!(asked.last().map(|url| name_of(url)), Some("og.jpg".into()));
    let (choice, _) = chosen(&wish, &[("blog.example/1", Look::Page(Vec::new()))]);
    assert!(choice.notes.iter().any(|note| note.contains("names no image")));
}

#[test]
fn the_fallback_is_taken_when_nothing_else_is_there() {
    let fallback = address("https://brand.example/logo.png");
    let with = MediaRules { fallback, ..rules(&[Place::Content], 1) };
    let logo = || ("logo.png", there("https://brand.example/logo.png", Kind::Png, 10));
    let (choice, _) = chosen(&wished(&with), &[logo()]);
    assert_eq!(choice.attachments[0].place, Place::Fallback);
    let (choice, _) = chosen(&wished(&with), &[jpeg("one.jpg"), logo()]);
    assert_eq!(choice.attachments[0].place, Place::Content);
}

#[test]
fn an_image_is_described_by_its_publisher_or_else_by_the_title() {
    let with = rules(&[Place::Content], 1);
    let (choice, _) = chosen(&wished(&with), &[jpeg("one.jpg")]);
    assert_eq!(choice.attachments[0].alt, "What it shows");
    let (choice, _) = chosen(
        &wished(&rules(&[Place::Enclosure], 1)),
        &[("cover.png", there("https://cdn.example/cover.png", Kind::Png, 1))],
    );
    assert_eq!(choice.attachments[0].alt, "A title & more");
    let silent = MediaRules { alt: Alt::Off, ..with };
    let (choice, _) = chosen(&wished(&silent), &[jpeg("one.jpg")]);
    assert_eq!(choice.attachments[0].alt, "");
    assert_eq!(alt_texts(&choice.attachments), [""; 0]);
    let long = shortened(&"wörd ".repeat(400));
    assert!(long.chars().count() <= ALT_CHARS_MAX && long.ends_with("…"), "{}", long.len());
}

#[test]
fn alt_texts_are_counted_as_x_bills_them_and_never_sent_beside_a_video() {
    let one = |kind, alt: &str| Attachment {
        url: "https://cdn.example/a".into(),
        kind,
        alt: alt.into(),
        place: Place::Enclosure,
    };
    let images = [one(Kind::Jpeg, "A"), one(Kind::Png, "")];
    assert_eq!(alt_texts(&images), ["A", ""]);
    assert_eq!(Media::Chosen(images.to_vec()).alt_texts(), 1);
    assert_eq!(alt_texts(&[one(Kind::Mp4, "A")]), [""; 0]);
    assert_eq!(Media::Wished(wished(&rules(&[Place::Content], 2))).alt_texts(), 2);
}

#[test]
fn an_address_is_one_that_ayrshare_can_be_given() {
    let cases = [
        ("https://a.example/b c.png", Some("https://a.example/b%20c.png")),
        ("http://a.example/b.png#top", Some("https://a.example/b.png")),
        ("http://a.example:8080/b.png", Some("https://a.example:8080/b.png")),
        (
            "https://a.example/ü[1]|2.png?q=ä%20%zz",
            Some("https://a.example/%C3%BC%5B1%5D%7C2.png?q=%C3%A4%20%25zz"),
        ),
        ("https://münchen.example/a.png", Some("https://xn--mnchen-3ya.example/a.png")),
        ("http://127.0.0.1:9/a.png", Some("http://127.0.0.1:9/a.png")),
        ("http://user:secret@a.example/b.png", None),
        ("ftp://a.example/b.png", None),
        ("data:image/png;base64,AAAA", None),
        ("b.png", None),
    ];
    for (written, expected) in cases {
        assert_eq!(address(written).as_deref(), expected, "{written}");
    }
    assert_eq!(address(&format!("https://a.example/{}", "x".repeat(3_000))), None);
}

#[test]
fn what_is_kept_reads_back() {
    let wished = Media::Wished(wished(&rules(&[Place::Content, Place::Page], 2)));
    for media in [Media::None, wished, Media::Chosen(Vec::new())] {
        let text = serde_json::to_string(&media).expect("JSON");
        assert_eq!(serde_json::from_str::<Media>(&text).expect(&text), media);
    }
}
