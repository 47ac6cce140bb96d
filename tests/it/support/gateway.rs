//! The gateway in process, on free ports, with a configuration of the test's own over the shipped
//! base.

use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

use tempfile::TempDir;
use vestibule::app::App;
use vestibule::app::Options;
use vestibule::app::StartError;
use vestibule::clock::Clock;
use vestibule::config::Environment;
use vestibule::config::Fault;

use crate::support::logs;
use crate::support::tls;
use crate::support::wire::Answer;
use crate::support::wire::Wire;

/// A running gateway and the folder it lives in.
pub(crate) struct Gateway {
    /// The app itself.
    pub(crate) app: App,
    /// The port of its https listener.
    pub(crate) port: u16,
    /// The port of its operations listener.
    pub(crate) operations: u16,
    /// Its folder: `conf`, `data` and the certificate.
    pub(crate) folder: Folder,
}

/// A temporary folder with a configuration in it.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// A folder with a certificate and `conf/include/test.config`, which patches the base with
    /// `patch` inside `<sitecore>`.
    pub(crate) fn new(patch: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(folder.path("conf/include")).unwrap();
        fs::create_dir_all(folder.path("conf/identity")).unwrap();
        fs::write(folder.path("server.pem"), &tls::certificate().chain).unwrap();
        fs::write(folder.path("server.key"), &tls::certificate().key).unwrap();
        folder.write("conf/include/test.config", &document(patch));
        folder
    }

    /// A path inside it.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.0.path().join(inside)
    }

    /// Writes a file inside it.
    pub(crate) fn write(&self, inside: &str, text: &str) {
        fs::write(self.path(inside), text).unwrap();
    }
}

/// `patch` as a whole patch file.
pub(crate) fn document(patch: &str) -> String {
    format!(
        "<configuration xmlns:patch=\"http://www.sitecore.net/xmlconfig/\" \
         xmlns:set=\"http://www.sitecore.net/xmlconfig/set/\">\n<sitecore>\n{patch}\n</sitecore>\n\
         </configuration>\n"
    )
}

/// What every gateway under test has: listeners on free ports and its data in `folder`.
pub(crate) fn basics(folder: &Path, https: SocketAddr) -> String {
    let folder = folder.display();
    let mut patch = String::new();
    write!(
        patch,
        "<gateway set:data=\"{folder}/data\">\n\
         <users set:nameTemplate=\"{{preferred_username}}\" set:store=\"memory\" />\n\
         <limits set:signInsPerMinute=\"100000\" />\n<listeners>\n\
         <listener name=\"https\" set:address=\"{https}\" set:hosts=\"cms.localhost|www.localhost\" \
         set:certificate=\"{folder}/server.pem\" set:key=\"{folder}/server.key\" />\n\
         <listener name=\"http\" set:address=\"127.0.0.1:0\" />\n\
         <listener name=\"operations\" set:address=\"127.0.0.1:0\" />\n</listeners>\n</gateway>\n"
    )
    .unwrap();
    patch
}

/// How a gateway under test is started.
pub(crate) struct Setup {
    /// Patches inside `<sitecore>`, after the basics; `{folder}` stands for the gateway's folder.
    pub(crate) patch: String,
    /// Further files, by their path inside the folder.
    pub(crate) files: Vec<(String, String)>,
    /// What `$(env:NAME)` reads.
    pub(crate) environment: Environment,
    /// Tells the time.
    pub(crate) clock: Clock,
    /// Where https listens.
    pub(crate) https: SocketAddr,
}

impl Gateway {
    /// Starts one; fails with every fault when its configuration is wrong.
    pub(crate) async fn start(setup: Setup) -> Self {
        Self::try_start(setup).await.unwrap_or_else(|error| match error {
            StartError::Configuration(faults) => panic!("{}", list(&faults)),
            StartError::Other(error) => panic!("{error:#}"),
        })
    }

    /// Starts one, or says why not.
    pub(crate) async fn try_start(setup: Setup) -> Result<Self, StartError> {
        logs::start();
        let folder = Folder::new("");
        for (inside, text) in &setup.files {
            folder.write(inside, text);
        }
        let basics = basics(folder.0.path(), setup.https);
        folder.write("conf/include/a.basics.config", &document(&basics));
        let patch = setup.patch.replace("{folder}", &folder.0.path().display().to_string());
        folder.write("conf/include/test.config", &document(&patch));
        let options = Options {
            conf: folder.path("conf"),
            environment: setup.environment,
            clock: setup.clock,
            workers: 1,
        };
        let app = App::start(options).await?;
        let port = |name: &str| app.address(name).expect("the listener listens").port();
        let (https, operations) = (port("https"), port("operations"));
        Ok(Self { port: https, operations, folder, app })
    }

    /// Replaces the test's patch and reloads.
    pub(crate) async fn reload(&self, patch: &str) -> Result<(), Vec<Fault>> {
        self.folder.write("conf/include/test.config", &document(patch));
        self.app.reload().await
    }

    /// Asks the operations listener.
    pub(crate) async fn ask(&self, path: &str) -> Answer {
        let mut wire = Wire::plain(self.operations).await;
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
        wire.answer().await
    }

    /// The value of a metric whose line begins with `name` and holds all of `labels`; summed over
    /// the lines that do, 0 when there is none.
    pub(crate) async fn metric(&self, name: &str, labels: &[&str]) -> i64 {
        let text = self.ask("/metrics").await.text();
        text.lines()
            .filter(|line| line.split(['{', ' ']).next() == Some(name))
            .filter(|line| labels.iter().all(|label| line.contains(label)))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<i64>().ok())
            .sum()
    }
}

/// Faults, one a line.
pub(crate) fn list(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
