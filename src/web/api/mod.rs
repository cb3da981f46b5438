//! `/api/v1`: what the page can do, for programs.
//!
//! Promises: the routes are those of `contrib/openapi.json` (a test); faults are JSON with a remedy.
//! Must not: show anything that the page doesn't.

mod acts;
mod read;

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};

use super::Web;

/// The description of the API, for programs that make programs.
const OPENAPI: &str = include_str!("../../../contrib/openapi.json");
/// What all paths begin with.
const PREFIX: &str = "/api/v1";

/// Each path with its one method.
fn table() -> Vec<(&'static str, &'static str, MethodRouter<Arc<Web>>)> {
    vec![
        ("get", "/openapi.json", get(openapi)),
        ("get", "/status", get(read::status)),
        ("get", "/queue", get(read::queue)),
        ("get", "/posts", get(read::posts)),
        ("get", "/posts/{post}", get(read::post)),
        ("get", "/history", get(read::history)),
        ("get", "/feeds", get(read::feeds)),
        ("get", "/plan", get(read::plan)),
        ("get", "/cost", get(read::cost)),
        ("get", "/explain", get(read::explain)),
        ("post", "/posts/{post}/count", post(acts::count)),
        ("post", "/posts/{post}/{act}", post(acts::act)),
        ("post", "/approve", post(acts::approve_all)),
        ("post", "/feeds/refresh", post(acts::refresh)),
        ("post", "/pause", post(acts::pause)),
        ("post", "/resume", post(acts::resume)),
    ]
}

/// All routes of the API.
pub(super) fn routes() -> Router<Arc<Web>> {
    table().into_iter().fold(Router::new(), |router, (_, path, method)| {
        router.route(&format!("{PREFIX}{path}"), method)
    })
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::web::acts::ACTS;

    #[test]
    fn the_description_has_the_routes_and_no_others() {
        let description: Value = serde_json::from_str(OPENAPI).expect("JSON");
        let mut told = BTreeSet::new();
        for (path, methods) in description["paths"].as_object().expect("paths") {
            for method in
                methods.as_object().expect("methods").keys().filter(|it| *it != "parameters")
            {
                told.insert((method.clone(), path.clone()));
            }
        }
        let mut routes = BTreeSet::new();
        for (method, path, _) in table() {
            if path.ends_with("{act}") {
                for (act, _) in ACTS {
                    let path = path.replace("{act}", act);
                    routes.insert((method.to_owned(), format!("{PREFIX}{path}")));
                }
            } else {
                routes.insert((method.to_owned(), format!("{PREFIX}{path}")));
            }
        }
        assert_eq!(told, routes);
    }

    #[test]
    fn the_description_refers_to_nothing_that_it_has_not() {
        let description: Value = serde_json::from_str(OPENAPI).expect("JSON");
        let mut seen = 0;
        let mut open = vec![&description];
        while let Some(value) = open.pop() {
            if let Some(target) = value.get("$ref").and_then(Value::as_str) {
                let pointer = target.trim_start_matches('#');
                assert!(description.pointer(pointer).is_some(), "{target}");
                seen += 1;
            }
            match value {
                Value::Object(fields) => open.extend(fields.values()),
                Value::Array(items) => open.extend(items),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        assert!(seen > 20, "{seen}");
    }
}
