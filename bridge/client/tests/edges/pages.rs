//! Lists over all their pages, from servers with and without cursors.

use mission_control_client::{Error, Result};
use mission_control_script::{Script, Step, answer, good};

use crate::acme;

/// A page of numbers; `more` follows the items.
fn page(items: &[u32], more: &str) -> Vec<Step> {
    good(&format!(r#"{{"data":{items:?},{more}}}"#))
}

/// Reads every page; gives the items and what was asked for.
async fn read(answers: Vec<Vec<Step>>) -> (Result<Vec<u32>>, Vec<String>) {
    let count = answers.len();
    let mut script = Script::start(answers).await;
    let items = acme(&script).get("things").query("q", "a&b c").pages().all().await;
    let mut asked = Vec::new();
    for _ in 0..count {
        let line = script.request().await;
        let line = line.lines().next().expect("has a first line").to_owned();
        let (_, query) = line.split_once('?').expect("has a query");
        asked.push(query.trim_end_matches(" HTTP/1.1").to_owned());
    }
    (items, asked)
}

#[tokio::test]
async fn a_list_without_cursors_is_read_by_page_number() {
    let numbers =
        |page: u32| format!(r#""pagination":{{"page":{page},"per_page":1,"total":3,"total_pages":3}}"#);
    let (items, asked) =
        read(vec![page(&[1], &numbers(1)), page(&[2], &numbers(2)), page(&[3], &numbers(3))]).await;
    assert_eq!(items.expect("is read"), [1, 2, 3]);
    assert_eq!(asked, [1, 2, 3].map(|page| format!("q=a%26b+c&per_page=100&page={page}")));
}

#[tokio::test]
async fn a_list_with_cursors_is_read_by_cursor() {
    let first = r#""pagination":{"page":1,"per_page":100,"total":3,"total_pages":9,"total_exact":false},"next_cursor":"a/b+c""#;
    let (items, asked) = read(vec![
        page(&[1], first),
        page(&[2], r#""next_cursor":"d""#),
        // How many pages there are by number means nothing any more.
        page(&[3], r#""pagination":{"page":1,"per_page":100,"total":3,"total_pages":9},"next_cursor":null"#),
    ])
    .await;
    assert_eq!(items.expect("is read"), [1, 2, 3]);
    assert_eq!(
        asked,
        [
            "q=a%26b+c&per_page=100&page=1",
            "q=a%26b+c&per_page=100&cursor=a%2Fb%2Bc",
            "q=a%26b+c&per_page=100&cursor=d"
        ]
    );
}

#[tokio::test]
async fn an_empty_list_is_one_page() {
    let (items, asked) =
        read(vec![page(&[], r#""pagination":{"page":1,"per_page":100,"total":0,"total_pages":0}"#)]).await;
    assert_eq!((items.expect("is read"), asked.len()), (vec![], 1));
}

#[tokio::test]
async fn an_endless_list_is_given_up() {
    // Items that are gone while the list is read.
    let (items, _) = read(vec![
        page(&[1], r#""pagination":{"total_pages":3}"#),
        page(&[], r#""pagination":{"total_pages":3}"#),
    ])
    .await;
    assert_eq!(items.expect("is read"), [1]);
    let (items, _) = read(vec![page(&[1], r#""next_cursor":"x""#), page(&[1], r#""next_cursor":"x""#)]).await;
    assert_eq!(
        items.expect_err("is given up").to_string(),
        "the server's answer cannot be read: the list goes on where it began"
    );
}

#[tokio::test]
async fn a_page_that_failed_is_asked_for_again() {
    let numbers = r#""pagination":{"page":1,"per_page":1,"total":2,"total_pages":2}"#;
    let busy = answer("503 Service Unavailable", "retry-after: 1", "");
    let script = Script::start(vec![page(&[1], numbers), busy, page(&[2], numbers)]).await;
    let mut pages = acme(&script).get("things").pages::<u32>();
    assert_eq!(pages.next().await.expect("is read"), Some(vec![1]));
    assert!(matches!(pages.next().await, Err(Error::Unavailable { .. })));
    assert_eq!(pages.next().await.expect("is read"), Some(vec![2]));
    assert_eq!(pages.next().await.expect("is read"), None);
}
