//! What may go out: types, sizes and measures (contract, section 9.4).
//!
//! Promises: the limits of X, which are all that the contract tells, hold for every network. Must
//! not: know where a file comes from.

use serde::{Deserialize, Serialize};

/// The shortest side of an image; what is smaller is a counter's pixel.
pub const PIXELS_MIN: u32 = 4;
const PIXELS_MAX: u32 = 8_192;
const GIF_PIXELS_MAX: (u32, u32) = (1_280, 1_080);
const IMAGE_BYTES_MAX: u64 = 5_000_000;
const GIF_BYTES_MAX: u64 = 15_000_000;
const VIDEO_BYTES_MAX: u64 = 512_000_000;

/// The type of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// GIF, moving or not.
    Gif,
    /// WebP.
    Webp,
    /// MP4.
    Mp4,
    /// Apple's film container.
    Mov,
    /// Anything that no post can show.
    Other,
}

impl Kind {
    /// By a MIME type; `None` where it says nothing.
    pub fn of_mime(mime: &str) -> Option<Self> {
        let word = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        Some(match word.as_str() {
            "image/jpeg" | "image/jpg" | "image/pjpeg" => Self::Jpeg,
            "image/png" | "image/x-png" => Self::Png,
            "image/gif" => Self::Gif,
            "image/webp" => Self::Webp,
            "video/mp4" | "video/x-m4v" => Self::Mp4,
            "video/quicktime" => Self::Mov,
            "" | "application/octet-stream" | "binary/octet-stream" | "image" | "image/*" => {
                return None;
            }
            _ => Self::Other,
        })
    }

    /// By the ending of an address; `None` where it has none that is known.
    pub fn of_address(url: &str) -> Option<Self> {
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let (_, ending) = path.rsplit('/').next()?.rsplit_once('.')?;
        Some(match ending.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" => Self::Jpeg,
            "png" => Self::Png,
            "gif" => Self::Gif,
            "webp" => Self::Webp,
            "mp4" | "m4v" => Self::Mp4,
            "mov" => Self::Mov,
            "svg" | "avif" | "heic" | "bmp" | "ico" | "tif" | "tiff" | "mp3" | "m4a" | "ogg"
            | "oga" | "opus" | "wav" | "flac" | "webm" | "mkv" | "avi" | "pdf" | "zip" => {
                Self::Other
            }
            _ => return None,
        })
    }

    /// Whether it is an image.
    pub const fn is_image(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::Gif | Self::Webp)
    }

    /// Whether it is a video.
    pub const fn is_video(self) -> bool {
        matches!(self, Self::Mp4 | Self::Mov)
    }

    /// Whether nothing else may stand beside it: a post has images, or one GIF, or one video.
    pub const fn goes_alone(self) -> bool {
        matches!(self, Self::Gif | Self::Mp4 | Self::Mov)
    }
}

/// Why a file can't go out, by all that is known of it.
pub(super) fn fault(
    kind: Option<Kind>,
    bytes: Option<u64>,
    pixels: Option<(u32, u32)>,
) -> Option<String> {
    if kind == Some(Kind::Other) {
        return Some("only JPEG, PNG, GIF, WebP, MP4 and MOV can be shown".to_owned());
    }
    let most = match kind {
        Some(kind) if kind.is_video() => VIDEO_BYTES_MAX,
        Some(Kind::Gif) => GIF_BYTES_MAX,
        _ => IMAGE_BYTES_MAX,
    };
    if let Some(bytes) = bytes
        && bytes > most
        && kind.is_some()
    {
        return Some(format!("{} MB, and {} MB are the most", mega(bytes), most / 1_000_000));
    }
    let (width, height) = pixels?;
    let (widest, highest) =
        if kind == Some(Kind::Gif) { GIF_PIXELS_MAX } else { (PIXELS_MAX, PIXELS_MAX) };
    let image = kind.is_none_or(Kind::is_image);
    (image && (width > widest || height > highest))
        .then(|| format!("{width}x{height} pixels, and {widest}x{highest} are the most"))
}

/// In millions of bytes, for a person.
fn mega(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000);
    format!("{}.{}", tenths / 10, tenths % 10)
}
