//! The admin listener: `/metrics`, `/livez`, `/readyz`.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use super::log::LogError;
use super::worker::{Context, ThreadState};

/// A worker thread that shows no sign of life for this long is taken for dead, milliseconds.
const DEAD: i64 = 120_000;

/// Serves until the runtime is dropped. Fails if the address cannot be had.
pub async fn serve(address: SocketAddr, context: Arc<Context>) -> Result<(), LogError> {
    let listener = TcpListener::bind(address).await.map_err(|error| LogError::Fatal(format!("http.admin {address}: {error}")))?;
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .with_state(context);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the admin listener has ended");
        }
    });
    Ok(())
}

async fn metrics(State(context): State<Arc<Context>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], context.metrics.render())
}

async fn livez(State(context): State<Arc<Context>>) -> (StatusCode, String) {
    let silence = context.control.silence();
    match silence < DEAD {
        true => (StatusCode::OK, "ok\n".to_owned()),
        false => (StatusCode::SERVICE_UNAVAILABLE, format!("a worker thread has been silent for {} s\n", silence / 1000)),
    }
}

/// Ready: every thread is at work or waits for partitions, none is restoring or without a session.
async fn readyz(State(context): State<Arc<Context>>, RawQuery(query): RawQuery) -> (StatusCode, String) {
    let states = context.control.states();
    let ready = !context.control.is_stopping() && states.iter().any(|(state, _)| *state == ThreadState::Running);
    let ready = ready && states.iter().all(|(state, _)| matches!(state, ThreadState::Running | ThreadState::Waiting));
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut text = if ready { "ok\n" } else { "not ready\n" }.to_owned();
    if query.is_some_and(|query| query.split('&').any(|part| part.starts_with("verbose"))) {
        for (i, (state, owned)) in states.iter().enumerate() {
            let state = match state {
                ThreadState::Waiting => "waiting for partitions".to_owned(),
                ThreadState::Running => "running".to_owned(),
                ThreadState::Restoring { topic, read, all } => format!("restoring from {topic}: {read} of {all}"),
                ThreadState::Failed(reason) => format!("no session: {reason}"),
            };
            text += &format!("thread {i}: {state}; partitions {owned:?}\n");
        }
    }
    (status, text)
}
