//! Throwaway database servers (`tests/stores/with`): for a `cargo test` that is told of none, and for
//! tests that kill them.

use std::collections::HashMap;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::OnceLock;

use vestibule::config::model::DatabaseUrl;
use vestibule::config::model::StoreAddress;
use vestibule::crypto::secret::Secret;

/// What the servers are called, in the program that starts them, and in the environment.
const NAMES: [(&str, &str, &str); 2] = [
    ("PostgreSQL", "postgres", "VESTIBULE_TEST_POSTGRES"),
    ("MariaDB", "mariadb", "VESTIBULE_TEST_MARIADB"),
];

/// Where they keep what they have.
const FOLDER: &str = "VESTIBULE_TEST_STORES";

const WITH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stores/with");

/// Tells of the servers, and goes on until nobody is there to write to it.
const TELL: &str = "env | grep ^VESTIBULE_TEST_; echo ready; exec cat >/dev/null";

/// Running servers. They stop when this is dropped, or when this process ends.
pub(crate) struct Servers {
    process: Child,
    told: HashMap<String, String>,
}

impl Servers {
    /// Servers that no other test has; `None` where they are not installed.
    pub(crate) fn of_its_own() -> Option<Self> {
        let mut command = Command::new(WITH);
        for (.., variable) in NAMES {
            command.env_remove(variable);
        }
        let servers = Self::start(command);
        assert!(servers.is_some() || std::env::var_os("CI").is_none(), "no servers");
        servers
    }

    fn start(mut command: Command) -> Option<Self> {
        if !are_installed() {
            eprintln!("PostgreSQL and MariaDB are not both installed");
            return None;
        }
        command.args(["sh", "-c", TELL]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut told = HashMap::new();
        for line in lines.map_while(Result::ok) {
            if line == "ready" {
                return Some(Self { process, told });
            }
            let (name, value) = line.split_once('=').unwrap();
            told.insert(name.to_owned(), value.to_owned());
        }
        eprintln!("{WITH} ended: {:?}", process.wait());
        None
    }

    /// Where they are.
    pub(crate) fn addresses(&self) -> Vec<(&'static str, StoreAddress)> {
        let address = |(name, _, variable)| (name, address(name, &self.told[variable]));
        NAMES.map(address).into()
    }

    /// Kills the server with this name, and all of its processes, at once and starts it again. Returns
    /// when it answers.
    pub(crate) fn crash(&self, name: &str) {
        let (_, program, _) = NAMES.into_iter().find(|(known, ..)| *known == name).unwrap();
        let mut command = Command::new(WITH);
        let output = command.args(["--crash", program]).env(FOLDER, &self.told[FOLDER]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().ok();
    }
}

/// The servers that the environment names, or else those that are started for this process.
pub(super) fn addresses() -> Vec<(&'static str, StoreAddress)> {
    static STARTED: OnceLock<Option<Servers>> = OnceLock::new();
    let mut addresses = Vec::new();
    for (name, _, variable) in NAMES {
        let told = std::env::var(variable).ok().filter(|url| !url.is_empty());
        let url = told.or_else(|| {
            let started = STARTED.get_or_init(|| Servers::start(Command::new(WITH)));
            started.as_ref().map(|servers| servers.told[variable].clone())
        });
        if let Some(url) = url {
            addresses.push((name, address(name, &url)));
        } else {
            assert!(std::env::var_os("CI").is_none(), "{variable} is not set");
            eprintln!("not tested with {name}: {variable} is not set");
        }
    }
    addresses
}

fn address(name: &str, url: &str) -> StoreAddress {
    let database = DatabaseUrl { url: Secret::new(url), shown: name.to_owned() };
    if name == "PostgreSQL" {
        StoreAddress::Postgres(database)
    } else {
        StoreAddress::MySql(database)
    }
}

fn are_installed() -> bool {
    let postgres = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut postgres = postgres.map(|version| version.path().join("bin/initdb"));
    let mariadb = ["/usr/sbin/mariadbd", "/usr/bin/mariadbd", "/usr/local/bin/mariadbd"];
    postgres.any(|initdb| initdb.exists()) && mariadb.iter().any(|path| Path::new(path).exists())
}
