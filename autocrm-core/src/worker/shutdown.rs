//! Asking the worker to stop.

use tokio::sync::watch;

/// Asks workers to stop. Dropping it asks too.
#[derive(Debug)]
pub struct ShutdownHandle {
    sender: watch::Sender<bool>,
}

impl ShutdownHandle {
    /// Asks every worker with the signal to stop: no new claims; running jobs finish or are given back.
    pub fn stop(&self) {
        self.sender.send_replace(true);
    }
}

/// What a worker listens to.
#[derive(Debug, Clone)]
pub struct ShutdownSignal {
    receiver: watch::Receiver<bool>,
}

impl ShutdownSignal {
    /// Waits until a stop is asked for.
    pub async fn wait(&mut self) {
        // An error means that the handle is gone, which asks for a stop as well.
        let _ = self.receiver.wait_for(|stop| *stop).await;
    }

    /// Returns whether a stop was asked for.
    pub fn is_asked(&self) -> bool {
        *self.receiver.borrow() || self.receiver.has_changed().is_err()
    }
}

/// Returns a handle to stop workers and the signal that they listen to.
pub fn shutdown() -> (ShutdownHandle, ShutdownSignal) {
    let (sender, receiver) = watch::channel(false);
    (ShutdownHandle { sender }, ShutdownSignal { receiver })
}
