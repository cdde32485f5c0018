//! The description of the interface, as it is published in `openapi.json`.
//!
//! After a wanted change: `cargo run -p autocrm-server -- openapi > examples/server/openapi.json`.

use crate::support::{ask, world};

#[test]
fn the_published_description_is_that_of_the_code() {
    let published = include_str!("../../openapi.json");
    assert!(
        published.trim_end() == autocrm_server::openapi_json(),
        "openapi.json is out of date: cargo run -p autocrm-server -- openapi > examples/server/openapi.json"
    );
}

#[tokio::test]
async fn the_served_description_names_every_route_and_no_version_of_the_program() {
    let world = world().await;
    let served = ask("GET", "/openapi.json").of(&world.app).await;
    assert_eq!(served.text, autocrm_server::openapi_json());
    let paths = served.json()["paths"].clone();
    for (path, methods) in [
        ("/api/tickets", &["get", "post"][..]),
        ("/api/tickets/{id}", &["get", "put", "delete"]),
        ("/api/tickets/{id}/routing", &["get"]),
        ("/api/tickets/search", &["get"]),
        ("/api/conversations", &["post"]),
        ("/api/conversations/{ticket_id}", &["get"]),
        ("/api/ai/analyze", &["post"]),
        ("/api/ai/suggest", &["post"]),
        ("/health", &["get"]),
        ("/ready", &["get"]),
        ("/ai/health", &["get"]),
    ] {
        for method in methods {
            let operation = &paths[path][method];
            assert!(operation.is_object(), "{method} {path}");
            assert_eq!(operation["security"].is_array(), path.starts_with("/api"), "{method} {path}");
        }
    }
    assert!(!served.text.contains(env!("CARGO_PKG_VERSION")), "strangers learn no version");
}
