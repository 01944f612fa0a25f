//! The two cookies of a session: its token, which no script can read, and its CSRF token, which our
//! pages can.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

/// As long as the longest unused session.
const KEPT_SECONDS: i64 = 30 * 86_400;

/// How the cookies are called and where they are sent.
#[derive(Clone, Debug)]
pub struct Cookies {
    session: &'static str,
    csrf: &'static str,
    attributes: String,
}

impl Cookies {
    /// `secure` when browsers come by https; then no other host and no plain page can set them.
    pub fn new(secure: bool, base_path: &str) -> Cookies {
        if secure {
            let attributes = "; Path=/; SameSite=Lax; Secure".to_owned();
            Cookies { session: "__Host-mc_session", csrf: "__Host-mc_csrf", attributes }
        } else {
            let attributes = format!("; Path={base_path}; SameSite=Lax");
            Cookies { session: "mc_session", csrf: "mc_csrf", attributes }
        }
    }

    /// The token that a request brings.
    pub fn token<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == self.session).map(|(_, value)| value)
    }

    /// What sets both.
    pub fn set(&self, token: &str, csrf: &str) -> [HeaderValue; 2] {
        self.write(token, csrf, KEPT_SECONDS)
    }

    /// What takes both away.
    pub fn clear(&self) -> [HeaderValue; 2] {
        self.write("", "", 0)
    }

    fn write(&self, token: &str, csrf: &str, seconds: i64) -> [HeaderValue; 2] {
        let attributes = &self.attributes;
        [
            format!("{}={token}{attributes}; Max-Age={seconds}; HttpOnly", self.session),
            format!("{}={csrf}{attributes}; Max-Age={seconds}", self.csrf),
        ]
        .map(|cookie| HeaderValue::try_from(cookie).expect("base64url and our own names are header values"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_on_https_belong_to_the_host() {
        let [session, csrf] = Cookies::new(true, "/mc/").set("a.b.c", "x");
        assert_eq!(
            session,
            "__Host-mc_session=a.b.c; Path=/; SameSite=Lax; Secure; Max-Age=2592000; HttpOnly"
        );
        assert_eq!(csrf, "__Host-mc_csrf=x; Path=/; SameSite=Lax; Secure; Max-Age=2592000");
    }

    #[test]
    fn only_our_own_name_is_read() {
        let cookies = Cookies::new(false, "/");
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=b; __Host-mc_session=no; xmc_session=no"));
        assert_eq!(cookies.token(&headers), None);
        headers.append(COOKIE, HeaderValue::from_static("mc_session=yes"));
        assert_eq!(cookies.token(&headers), Some("yes"));
    }
}
