//! Pictures and videos of a post: kept as links, each with the words that stand for it (`alt`), never fetched.

use super::link::address;
use scraper::{ElementRef, Selector};
use serde::Serialize;
use std::sync::LazyLock;
use url::Url;

const MAX_MEDIA: usize = 64;
const MAX_ALT_BYTES: usize = 512;
/// What stands in addresses of pictures that belong to the page and not to a post: icons, faces, smilies, placeholders.
const DECORATION: [&str; 7] =
    ["/static/image/", "/smilies/", "/smiley/", "/avatar", "avatar.php", "/blank.gif", "/none.gif"];
/// Where pages keep a picture's address, the real one before the placeholder that stands there until it is loaded.
const ATTRIBUTES: [&str; 7] = ["zoomfile", "data-original", "data-src", "file", "src", "data-url", "poster"];

/// A picture or video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Media {
    pub(crate) link: String,
    /// What stands for it where it cannot be shown; empty when the page does not say.
    pub(crate) alt: String,
}

/// The pictures and videos within an element, each once, in their order.
pub(crate) fn within(item: ElementRef<'_>, base: &Url) -> Vec<Media> {
    static MEDIA: LazyLock<Option<Selector>> =
        LazyLock::new(|| Selector::parse("img, video, video source, audio").ok());
    let Some(selector) = MEDIA.as_ref() else { return Vec::new() };
    let mut found: Vec<Media> = Vec::new();
    for element in item.select(selector) {
        let link = ATTRIBUTES.iter().find_map(|name| address(base, element.attr(name)?));
        let Some(link) = link.map(String::from) else { continue };
        if DECORATION.iter().any(|part| link.contains(part)) {
            continue;
        }
        if found.iter().any(|media| media.link == link) {
            continue;
        }
        let alt = element.attr("alt").or(element.attr("title")).unwrap_or_default().trim();
        found.push(Media { link, alt: alt[..alt.floor_char_boundary(MAX_ALT_BYTES)].to_owned() });
        if found.len() == MAX_MEDIA {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use scraper::Html;

    #[test]
    fn links_with_their_words() {
        let html = Html::parse_fragment(
            "<div><img src='/blank.gif' data-original='/a.jpg' alt=' 漏水的水管 '><img src='/a.jpg'><img src='data:image/png;base64,x'>
             <video poster='//cdn.example/p.jpg'><source src='v.mp4'></video><img src='javascript:alert(1)'></div>",
        );
        let base = Url::parse("https://forum.example/t/1").unwrap();
        let media = |link: &str, alt: &str| Media { link: link.into(), alt: alt.into() };
        assert_eq!(
            within(html.root_element(), &base),
            [
                media("https://forum.example/a.jpg", "漏水的水管"),
                media("https://cdn.example/p.jpg", ""),
                media("https://forum.example/t/v.mp4", "")
            ]
        );
    }

    #[test]
    fn there_is_a_bound() {
        let many: String = (0..1_000).map(|n| format!("<img src='/{n}.png'>")).collect();
        let base = Url::parse("https://forum.example/").unwrap();
        assert_eq!(within(Html::parse_fragment(&many).root_element(), &base).len(), MAX_MEDIA);
    }
}
