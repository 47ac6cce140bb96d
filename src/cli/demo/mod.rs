//! `vestibule demo`: a whole gateway to try out, in a temporary directory: a demo CMS, an identity
//! server with two local users, and an external provider with a user of its own.

mod accounts;
mod partner;
mod settings;
mod welcome;

use std::io;
use std::io::Write;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::path::PathBuf;
use std::pin::pin;

use anyhow::Context;
use anyhow::bail;
use tempfile::TempDir;

use crate::app::App;
use crate::app::Options;
use crate::app::StartError;
use crate::cli::certificate;
use crate::cli::certificate::Development;
use crate::cli::demo::accounts::Account;
use crate::cli::demo::accounts::Accounts;
use crate::cli::demo::accounts::Program;
use crate::cli::run::until_told_to_stop;
use crate::clock::Clock;
use crate::config::Environment;
use crate::crypto::random;
use crate::crypto::secret::Secret;
use crate::observe::log;

/// Opens a demo: a gateway, a CMS, an identity server and an external provider.
#[derive(Clone, Debug, clap::Args)]
pub struct DemoOptions {
    /// The https port of the gateway.
    #[arg(long, default_value_t = Self::default().port)]
    pub port: u16,
    /// The port of metrics and health.
    #[arg(long, default_value_t = Self::default().operations_port)]
    pub operations_port: u16,
    /// The log level: error, warn, info, debug or trace.
    #[arg(long, default_value_t = Self::default().log_level)]
    pub log_level: String,
}

impl Default for DemoOptions {
    fn default() -> Self {
        Self { port: 8443, operations_port: 9090, log_level: "error".to_owned() }
    }
}

/// Runs the demo until SIGTERM or Ctrl-C, and leaves nothing behind.
///
/// # Errors
///
/// When it cannot start: a port that is taken, no room for temporary files.
pub async fn run(options: DemoOptions) -> anyhow::Result<()> {
    let logging = log::start(log::Format::Text, &options.log_level);
    // Listened to from the start to the end: a signal in a gap between two listeners is lost.
    let mut told_to_stop = pin!(until_told_to_stop());
    let demo = tokio::select! {
        demo = Demo::start(options) => demo?,
        told = &mut told_to_stop => return Ok(told?),
    };
    io::stdout().write_all(demo.welcome().as_bytes())?;
    told_to_stop.await?;
    demo.stop().await;
    logging.flush();
    Ok(())
}

/// A running demo.
#[derive(Debug)]
pub struct Demo {
    gateway: App,
    partner: App,
    accounts: Accounts,
    program: Program,
    address: SocketAddr,
    operations: SocketAddr,
    partner_port: u16,
    certificates: Development,
    /// Everything the demo writes; removed with it.
    directory: TempDir,
}

impl Demo {
    /// Starts the demo on the loopback interface. Port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// As [`run`].
    pub async fn start(options: DemoOptions) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("vestibule-demo-").tempdir()?;
        let certificates = directory.path().join("certs");
        let now = Clock::system().now();
        let certificates = certificate::make_development(&certificates, &[], now)?;
        let accounts = Accounts::make().await?;
        let program = Program::make();
        let plan = settings::Plan {
            directory: directory.path(),
            certificates: &certificates,
            accounts: &accounts,
            port: free_port(options.port)?,
            operations_port: options.operations_port,
            partner_port: free_port(0)?,
            partner_secret: Secret::new(random::token()),
            program: &program,
        };
        let partner = start_app(partner::write(&plan)?).await.context("the demo's provider")?;
        let gateway = start_app(settings::write(&plan)?).await?;
        let address = gateway.address("https").context("the gateway has no https listener")?;
        let operations = gateway.address("operations").context("no operations listener")?;
        let partner_port = plan.partner_port;
        Ok(Self {
            gateway,
            partner,
            accounts,
            program,
            address,
            operations,
            partner_port,
            certificates,
            directory,
        })
    }

    /// Where the gateway listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The local users of the identity server.
    pub fn users(&self) -> &[Account] {
        &self.accounts.local
    }

    /// The user of the external provider.
    pub fn partner_user(&self) -> &Account {
        &self.accounts.partner
    }

    /// The program that calls the CMS.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// What is told to whoever starts the demo.
    pub fn welcome(&self) -> String {
        welcome::text(self)
    }

    /// Ends every connection and removes every file.
    pub async fn stop(self) {
        tokio::join!(self.gateway.drain(), self.partner.drain());
        drop(self.directory);
    }
}

/// A port that nobody has for now: issuer and redirect addresses hold it, so it is chosen before
/// anything listens.
fn free_port(wanted: u16) -> io::Result<u16> {
    if wanted != 0 {
        return Ok(wanted);
    }
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Worker threads of each of the two gateways.
const WORKERS: usize = 2;

async fn start_app(conf: PathBuf) -> anyhow::Result<App> {
    let environment = Environment::default();
    let options = Options { conf, environment, clock: Clock::system(), workers: WORKERS };
    match App::start(options).await {
        Ok(app) => Ok(app),
        Err(StartError::Configuration(faults)) => {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            bail!("the demo's configuration is wrong:\n{}", faults.join("\n"))
        }
        Err(StartError::Other(error)) => Err(error),
    }
}
