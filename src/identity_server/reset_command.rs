//! The owner's command that sends a link: it gets a line of JSON on its standard input, none of our
//! environment, and ten seconds.

use std::io;
use std::io::Write;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use tokio::time::Instant;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Runs `command`, a program and its arguments, with `text` on its standard input: shorter than what
/// a pipe holds, so that nobody waits for it to be read.
///
/// # Errors
///
/// When it cannot be started, fails, or takes longer than ten seconds; then it is killed.
pub(super) async fn run(command: &[String], text: &str) -> io::Result<()> {
    let mut child = start(command)?;
    let told = child.stdin.take().map_or(Ok(()), |mut input| input.write_all(text.as_bytes()));
    let over = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            told?;
            return if status.success() {
                Ok(())
            } else {
                Err(io::Error::other(status.to_string()))
            };
        }
        if Instant::now() >= over {
            child.kill()?;
            child.wait()?;
            return Err(io::ErrorKind::TimedOut.into());
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn start(command: &[String]) -> io::Result<Child> {
    let (program, arguments) =
        command.split_first().ok_or_else(|| io::Error::other("no command is configured"))?;
    Command::new(program)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Vec<String> {
        ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[tokio::test]
    async fn a_command_is_told_on_its_input_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("told");
        let script = format!("cat > {}; env | grep -c CARGO >> {0}; exit 0", file.display());
        run(&shell(&script), "{\"link\":1}\n").await.unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"link\":1}\n0\n");
        assert!(run(&shell("cat >/dev/null; exit 3"), "x\n").await.is_err());
        assert!(run(&["/nowhere".to_owned()], "x\n").await.is_err());
        assert!(run(&[], "x\n").await.is_err());
    }
}
