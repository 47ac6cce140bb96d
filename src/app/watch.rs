//! Reloading by itself: on SIGHUP, and when a file of the configuration or a certificate changes.

use std::path::Path;
use std::sync::Weak;
use std::time::Duration;

use notify::EventKind;
use notify::RecommendedWatcher;
use notify::RecursiveMode;
use notify::Watcher;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::mpsc;

use crate::app::Running;
use crate::config::Config;
use crate::config::model::ListenerKind;

/// Changes come in bursts: the reload waits until nothing has changed for this long.
const QUIET: Duration = Duration::from_millis(300);

/// Watches files from its making on, so that a change during the start is not missed.
#[derive(Debug)]
pub(super) struct Watch {
    watcher: Option<RecommendedWatcher>,
    changes: mpsc::Receiver<()>,
    /// Keeps `changes` open where files cannot be watched.
    _open: mpsc::Sender<()>,
}

impl Watch {
    /// Watches the configuration directory.
    pub(super) fn new(conf: &Path) -> Self {
        let (sender, changes) = mpsc::channel(1);
        let mut watch = Self { watcher: watcher(sender.clone()), changes, _open: sender };
        watch.add(conf, RecursiveMode::Recursive);
        watch
    }

    /// Watches the directories of the certificates too: they are renewed by renaming.
    pub(super) fn add_certificates(&mut self, config: &Config) {
        for listener in &config.listeners {
            if let ListenerKind::Tls(chains) = &listener.kind {
                let files = chains.iter().flat_map(|(certificate, key)| [certificate, key]);
                for directory in files.filter_map(|file| file.parent()) {
                    // Not what lies below: every file opened there would wake the watcher.
                    self.add(directory, RecursiveMode::NonRecursive);
                }
            }
        }
    }

    fn add(&mut self, directory: &Path, mode: RecursiveMode) {
        if directory.as_os_str().is_empty() {
            return;
        }
        let Some(watcher) = &mut self.watcher else { return };
        if let Err(error) = watcher.watch(directory, mode) {
            tracing::warn!(directory = %directory.display(), %error, "this directory is not watched");
        }
    }
}

fn watcher(changed: mpsc::Sender<()>) -> Option<RecommendedWatcher> {
    let notice = move |event: notify::Result<notify::Event>| {
        let touched = event.is_ok_and(|event| {
            matches!(event.kind, EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_))
        });
        if touched && changed.try_send(()).is_err() {
            tracing::trace!("a reload is due already");
        }
    };
    match notify::recommended_watcher(notice) {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            tracing::warn!(%error, "files are not watched; SIGHUP still reloads");
            None
        }
    }
}

/// Reloads until the app is gone.
pub(super) async fn reload_on_change(running: Weak<Running>, mut watch: Watch) {
    let Ok(mut hangups) = signal(SignalKind::hangup()) else { return };
    loop {
        tokio::select! {
            _ = hangups.recv() => {}
            _ = watch.changes.recv() => {
                while tokio::time::timeout(QUIET, watch.changes.recv()).await.is_ok() {}
            }
        }
        let Some(running) = running.upgrade() else { return };
        // A refusal has been logged and counted; the old configuration goes on.
        drop(running.reload().await);
    }
}
