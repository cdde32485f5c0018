//! HTML of strangers, made fit to show: no scripts, no styles that reach outside, no forms, no pictures from the web.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use ammonia::{Builder, UrlRelative};

use super::html::{HtmlLimits, HtmlRefusal, check, content_ids};

/// What happens to pictures that lie on the web: to fetch one tells its owner who reads, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RemoteImages {
    /// They are left out; `title` and `alt` stay.
    #[default]
    Block,
    /// They are kept, for a reader who asked for them or behind a proxy.
    Keep,
}

/// HTML that a page may show in a frame of its own, with a policy that forbids scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeHtml {
    /// The markup.
    pub html: String,
    /// The Content-IDs of the attached pictures that it shows, each once, in the order of the markup.
    pub content_ids: Vec<String>,
    /// How many pictures on the web were left out.
    pub blocked_images: usize,
}

/// Sanitises the HTML of a mail. The guard comes first: what could cost a parser more than its size is refused, and the
/// text of the mail is shown instead. Takes up to some tens of milliseconds of computing for the largest allowed input:
/// an asynchronous caller runs it where it may block.
///
/// # Errors
/// [`HtmlRefusal`] if a limit is exceeded.
///
/// ```
/// use autocrm_email::{RemoteImages, sanitize};
///
/// let found = sanitize("<p onclick=x>Hello<script>x</script><img src=cid:a@b>", RemoteImages::Block)?;
/// assert_eq!(found.html, "<p>Hello<img src=\"cid:a@b\"></p>");
/// assert_eq!(found.content_ids, ["a@b"]);
/// # Ok::<(), autocrm_email::HtmlRefusal>(())
/// ```
pub fn sanitize(html: &str, images: RemoteImages) -> Result<SafeHtml, HtmlRefusal> {
    check(html, &HtmlLimits::default())?;
    let blocked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&blocked);
    let safe = builder()
        .attribute_filter(move |element, attribute, value| {
            filtered(element, attribute, value, images, &counter)
        })
        .clean(html)
        .to_string();
    let content_ids = content_ids(&safe);
    Ok(SafeHtml { html: safe, content_ids, blocked_images: blocked.load(Ordering::Relaxed) })
}

fn builder() -> Builder<'static> {
    let styles = [
        "background-color",
        "border",
        "border-bottom",
        "border-collapse",
        "border-left",
        "border-right",
        "border-top",
        "color",
        "direction",
        "font-family",
        "font-size",
        "font-style",
        "font-weight",
        "line-height",
        "margin",
        "margin-bottom",
        "margin-left",
        "margin-right",
        "margin-top",
        "padding",
        "padding-bottom",
        "padding-left",
        "padding-right",
        "padding-top",
        "text-align",
        "text-decoration",
        "vertical-align",
        "white-space",
        "width",
    ];
    let mut builder = Builder::default();
    builder
        .add_tags(["font"])
        .rm_tags(["map", "area"])
        .add_generic_attributes(["style", "dir", "align"])
        .add_tag_attributes("font", ["color", "face", "size"])
        .add_tag_attributes("table", ["width", "border", "cellpadding", "cellspacing", "bgcolor"])
        .add_tag_attributes("td", ["width", "valign", "bgcolor"])
        .add_tag_attributes("th", ["width", "valign", "bgcolor"])
        .clean_content_tags(HashSet::from([
            "script", "style", "title", "template", "noscript", "textarea", "select",
        ]))
        .filter_style_properties(HashSet::from(styles))
        .allowed_classes(HashMap::new())
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel", "cid"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"))
        .strip_comments(true);
    builder
}

/// Lets pictures come from the mail only, and links go to the web only.
fn filtered<'a>(
    element: &str,
    attribute: &str,
    value: &'a str,
    images: RemoteImages,
    blocked: &AtomicUsize,
) -> Option<Cow<'a, str>> {
    let attached = value.trim_start().get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("cid:"));
    match (element, attribute) {
        ("img", "src") if attached || images == RemoteImages::Keep => Some(Cow::Borrowed(value)),
        ("img", "src") => {
            blocked.fetch_add(1, Ordering::Relaxed);
            None
        }
        (_, "href" | "cite") if attached => None,
        // A picture in a style is fetched as any other.
        (_, "style") if value.contains("url") || value.contains('\\') => None,
        _ => Some(Cow::Borrowed(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn safe(html: &str) -> String {
        sanitize(html, RemoteImages::Block).unwrap().html
    }

    #[test]
    fn nothing_that_runs_or_reaches_out_remains() {
        for html in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "<svg onload=alert(1)><a xlink:href=javascript:alert(1)>x</a></svg>",
            "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
            "<a href=\"java\nscript:alert(1)\">x</a>",
            "<a href=data:text/html,x>x</a>",
            "<iframe src=https://evil.example></iframe>",
            "<form action=https://evil.example><input name=password><button>x</button></form>",
            "<base href=https://evil.example/><link rel=stylesheet href=https://evil.example>",
            "<meta http-equiv=refresh content=\"0;url=https://evil.example\">",
            "<p style=\"background:url(https://evil.example)\">x</p>",
            "<p style=\"position:fixed;color:expression(alert(1))\">x</p>",
            "<div style=\"background-color:\\75rl(https://evil.example)\">x</div>",
            "<img src=https://evil.example/pixel.gif>",
            "<img src=//evil.example/pixel.gif>",
            "<img srcset=https://evil.example/pixel.gif>",
            "<video src=https://evil.example poster=https://evil.example></video>",
            "<table background=https://evil.example><tr><td>x</td></tr></table>",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
            "<style>@import url(https://evil.example)</style>",
        ] {
            let found = safe(html).to_lowercase();
            for bad in [
                "evil",
                "alert(1)>",
                "onerror=a",
                "onload",
                "javascript:",
                "<script",
                "<style",
                "position",
                "data:",
            ] {
                assert!(!found.contains(bad), "{html}\n{found}");
            }
        }
    }

    #[test]
    fn letters_keep_their_looks_links_and_attached_pictures() {
        let html = "<div style=\"color:red\"><a href=https://example.com/a>a</a> <b>b</b><img src=\"cid:p1@x\" alt=p></div>";
        assert_eq!(
            safe(html),
            "<div style=\"color:red\"><a href=\"https://example.com/a\" rel=\"noopener noreferrer nofollow\">a</a> <b>b</b><img src=\"cid:p1@x\" alt=\"p\"></div>"
        );
    }

    #[test]
    fn pictures_on_the_web_are_counted_and_kept_on_demand() {
        let html = "<img src=https://example.com/a.png alt=a><img src=CID:b>";
        let blocked = sanitize(html, RemoteImages::Block).unwrap();
        assert_eq!(
            (blocked.html.as_str(), blocked.blocked_images),
            ("<img alt=\"a\"><img src=\"CID:b\">", 1)
        );
        assert_eq!(blocked.content_ids, ["b"]);
        let kept = sanitize(html, RemoteImages::Keep).unwrap();
        assert!(kept.html.contains("https://example.com/a.png") && kept.blocked_images == 0);
    }

    #[test]
    fn what_is_safe_stays_as_it_is() {
        for html in [
            "<p>a &amp; b</p>",
            "a &lt;script&gt;",
            "<ul><li>x</li></ul>",
            "<table><tbody><tr><td>1</td></tr></tbody></table>",
        ] {
            assert_eq!(safe(html), html);
            assert_eq!(safe(&safe(html)), safe(html));
        }
    }

    #[test]
    fn bombs_are_refused() {
        assert_eq!(
            sanitize(&"<div>".repeat(100_000), RemoteImages::Block).unwrap_err().code(),
            "html_too_deep"
        );
    }
}
