//! Lists, page by page.

use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Error, Request, Result};

/// Items of a page: the most that a server gives.
const PER_PAGE: u32 = 100;

/// The pages of a list. Goes on by `next_cursor` where the server gives one, so that nothing is
/// missed and nothing comes twice while the list changes; else by page number.
#[derive(Debug)]
#[must_use = "no page is read until it is asked for"]
pub struct Pages<T> {
    request: Request,
    next: Next,
    items: PhantomData<fn() -> T>,
}

/// What is asked for next.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    Page(i64),
    Cursor(String),
    End,
}

/// What is read of an answer.
#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    pagination: Option<Numbers>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Numbers {
    total_pages: i64,
}

impl Request {
    /// The pages of a list, in order.
    pub fn pages<T: DeserializeOwned>(self) -> Pages<T> {
        Pages { request: self.query("per_page", PER_PAGE), next: Next::Page(1), items: PhantomData }
    }
}

impl<T: DeserializeOwned> Pages<T> {
    /// The next page; `None` after the last. After an error the same page is asked for again.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>> {
        let request = self.request.clone();
        let request = match &self.next {
            Next::Page(page) => request.query("page", page),
            Next::Cursor(cursor) => request.query("cursor", cursor),
            Next::End => return Ok(None),
        };
        let Page { data, pagination, next_cursor } = request.send().await?;
        let next = match (&self.next, next_cursor) {
            (_, Some(cursor)) => Next::Cursor(cursor),
            (Next::Page(page), None)
                if !data.is_empty() && pagination.is_some_and(|it| *page < it.total_pages) =>
            {
                Next::Page(page + 1)
            }
            _ => Next::End,
        };
        if next == self.next {
            return Err(Error::Unreadable("the list goes on where it began".to_owned()));
        }
        self.next = next;
        Ok(Some(data))
    }

    /// Every item of every page.
    pub async fn all(mut self) -> Result<Vec<T>> {
        let mut items = Vec::new();
        while let Some(page) = self.next().await? {
            items.extend(page);
        }
        Ok(items)
    }
}
