//! The least of an HTTP/1.1 server, by hyper: one function answers every request, or drops the connection.

use std::{future::Future, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinHandle};

/// The largest body of a request, in bytes.
const MAX_BODY: usize = 50_000_000;

/// A request with its body.
pub(super) type Asked = Request<Bytes>;

/// The answer; `None`: the connection is dropped without one.
pub(super) type Answered = Option<Response<Full<Bytes>>>;

/// A running server; ends when it is dropped.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the script drops the connection")]
struct Dropped;

impl Server {
    /// Listens on a free port of this machine.
    #[expect(clippy::disallowed_methods, reason = "a server of a test runs beside the test")]
    pub(super) async fn start<F, A>(answer: F) -> std::io::Result<Self>
    where
        F: Fn(Asked) -> A + Send + Sync + 'static,
        A: Future<Output = Answered> + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let answer = Arc::new(answer);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = Arc::clone(&answer);
                tokio::spawn(async move {
                    let service = service_fn(move |request: Request<Incoming>| {
                        let answer = Arc::clone(&answer);
                        async move {
                            let (head, body) = request.into_parts();
                            let read = Limited::new(body, MAX_BODY).collect().await.map_err(|_| Dropped)?;
                            answer(Request::from_parts(head, read.to_bytes())).await.ok_or(Dropped)
                        }
                    });
                    // A connection that the script or the caller drops is no failure.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Ok(Self { address, task })
    }
}

/// Returns an answer with a JSON body.
pub(super) fn json(status: u16, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    response
        .headers_mut()
        .insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    response
}
