//! The interface nested into a host's router, over a real socket.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use axum::Router;
use serde_json::Value;
use tokio::{net::TcpListener, sync::oneshot, task::spawn_blocking};

use crate::support::{ask, world};

async fn send(address: SocketAddr, request: &str) -> (u16, String, String) {
    let request = request.to_owned();
    let exchange = spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        assert!(read.is_ok(), "{read:?} after {request}: {answer}");
        answer
    });
    let answer = exchange.await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body.to_owned())
}

#[tokio::test]
async fn a_nested_desk_is_served_over_a_socket_and_stops_when_asked() {
    let world = world().await;
    let app = Router::new().nest("/support", world.app.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = axum::serve(listener, app).with_graceful_shutdown(async move {
        stopped.await.unwrap();
    });
    let asking = async move {
        let head = "host: desk\r\nconnection: close\r\nauthorization: Bearer ours-customer\r\n";
        let body = r#"{"subject":"Over the wire","body":"b"}"#;
        let length = body.len();
        let post = format!(
            "POST /support/api/tickets HTTP/1.1\r\n{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let (status, head_told, told) = send(address, &post).await;
        assert_eq!(status, 201, "{told}");
        let id = serde_json::from_str::<Value>(&told).unwrap()["id"].as_str().unwrap().to_owned();
        assert!(head_told.contains(&format!("location: /support/api/tickets/{id}")), "{head_told}");

        let page = format!("GET /support/api/tickets?limit=1 HTTP/1.1\r\n{head}\r\n");
        let (_, head_told, _) = send(address, &page).await;
        assert!(head_told.contains("link: </support/api/tickets?limit=1&cursor="), "{head_told}");
        let (status, head_told, _) =
            send(address, &format!("GET /support/nowhere HTTP/1.1\r\n{head}\r\n")).await;
        assert!(status == 404 && head_told.contains("application/problem+json"), "{head_told}");

        let large = format!(
            "POST /support/api/tickets HTTP/1.1\r\n{head}content-type: application/json\r\ncontent-length: 9999999\r\n\r\n"
        );
        let (status, _, told) = send(address, &large).await;
        assert_eq!(status, 413, "{told}");
        stop.send(()).unwrap();
    };
    let (served, ()) = tokio::join!(serving.into_future(), asking);
    served.unwrap();
}

#[tokio::test]
async fn a_request_hash_covers_the_path_under_which_the_desk_is_nested() {
    let world = world().await;
    let app = Router::new().nest("/a", world.app.clone()).nest("/b", world.app.clone());
    let body = serde_json::json!({"subject": "s", "body": "b"});
    let send = |path: &str| ask("POST", path).by("ours-customer").header("idempotency-key", "k").json(&body);
    assert_eq!(send("/a/api/tickets").of(&app).await.status, 201);
    send("/b/api/tickets").of(&app).await.is_problem(422, "idempotency_key_reused");
}
