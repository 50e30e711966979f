use super::*;

#[test]
fn the_charset_of_a_content_type() {
    assert_eq!(charset_of("text/html; Charset=\"GBK\"").as_deref(), Some("GBK"));
    assert_eq!(charset_of("text/html"), None);
}
