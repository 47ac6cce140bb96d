//! Reloading by itself: on SIGHUP, and when a file of the configuration or a certificate changes.

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
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
use crate::config::model::ListenerKind;

/// Changes come in bursts: the reload waits until nothing has changed for this long.
const QUIET: Duration = Duration::from_millis(300);

/// Reloads until the app is gone.
pub(super) async fn reload_on_change(running: Weak<Running>) {
    let (notify, mut changes) = mpsc::channel(1);
    let Some(paths) = running.upgrade().map(|running| watched(&running)) else { return };
    let _watcher = watch(&paths, notify.clone());
    let Ok(mut hangups) = signal(SignalKind::hangup()) else { return };
    loop {
        tokio::select! {
            _ = hangups.recv() => {}
            change = changes.recv() => {
                if change.is_none() {
                    return;
                }
                while tokio::time::timeout(QUIET, changes.recv()).await.is_ok() {}
            }
        }
        let Some(running) = running.upgrade() else { return };
        // A refusal has been logged and counted; the old configuration goes on.
        drop(running.reload().await);
    }
}

/// The configuration directory and the directories of certificates, which are renewed by renaming.
fn watched(running: &Running) -> BTreeSet<PathBuf> {
    let mut paths = BTreeSet::from([running.options.conf.clone()]);
    for listener in &running.current.load().config.listeners {
        if let ListenerKind::Tls(chains) = &listener.kind {
            let files = chains.iter().flat_map(|(certificate, key)| [certificate, key]);
            paths.extend(files.filter_map(|file| file.parent().map(Path::to_path_buf)));
        }
    }
    paths
}

fn watch(paths: &BTreeSet<PathBuf>, changed: mpsc::Sender<()>) -> Option<RecommendedWatcher> {
    let notice = move |event: notify::Result<notify::Event>| {
        let touched = event.is_ok_and(|event| {
            matches!(event.kind, EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_))
        });
        if touched && changed.try_send(()).is_err() {
            tracing::trace!("a reload is due already");
        }
    };
    let mut watcher = match notify::recommended_watcher(notice) {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::warn!(%error, "files are not watched; SIGHUP still reloads");
            return None;
        }
    };
    for path in paths.iter().filter(|path| !path.as_os_str().is_empty()) {
        if let Err(error) = watcher.watch(path, RecursiveMode::Recursive) {
            tracing::warn!(path = %path.display(), %error, "this directory is not watched");
        }
    }
    Some(watcher)
}
