//! `vestibule health`: asks a running gateway's operations listener, for container health checks.

use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

/// Asks a running gateway whether it is ready.
#[derive(Debug, clap::Args)]
pub struct Health {
    /// Address of the operations listener.
    #[arg(long, default_value = "127.0.0.1:9090")]
    address: SocketAddr,
}

/// Longest wait for each step.
const PATIENCE: Duration = Duration::from_secs(3);

impl Health {
    /// Exit code 0 when the gateway is ready, 1 when it is not.
    ///
    /// # Errors
    ///
    /// When it cannot be reached.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let address = self.address;
        write!(
            stream,
            "GET /healthz/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = Vec::new();
        stream.take(4096).read_to_end(&mut answer)?;
        let ready = answer.starts_with(b"HTTP/1.1 200 ");
        Ok(if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
