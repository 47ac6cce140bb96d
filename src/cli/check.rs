//! `vestibule check`: everything that is wrong with a configuration, or that its owner should know.

use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::config;
use crate::config::Environment;
use crate::config::NoticeKind;

/// Says everything that is wrong with a configuration; exit code 0, or 78 when it cannot be used.
#[derive(Debug, clap::Args)]
pub struct Command {
    /// The configuration directory.
    #[arg(long, default_value = "conf")]
    config: PathBuf,
    /// Whatever had to be switched off is an error.
    #[arg(long)]
    strict: bool,
}

impl Command {
    /// Checks and prints.
    ///
    /// # Errors
    ///
    /// When standard output is closed.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let environment = Environment::process();
        let code = check(&self.config, &environment, self.strict, &mut io::stdout().lock())?;
        Ok(ExitCode::from(code))
    }
}

/// Exit code of a configuration that can be used.
const FINE: u8 = 0;
/// Exit code of one that cannot (`EX_CONFIG` of sysexits.h).
const WRONG: u8 = 78;

/// Reads `conf` and writes every error and notice to `out`, one a line. Needs neither certificate nor
/// network. With `strict`, whatever had to be switched off is an error.
///
/// # Errors
///
/// When `out` cannot be written to.
pub fn check(
    conf: &Path,
    environment: &Environment,
    strict: bool,
    out: &mut impl Write,
) -> io::Result<u8> {
    let config = match config::load(conf, environment) {
        Ok(config) => config,
        Err(faults) => {
            for fault in &faults {
                writeln!(out, "error: {fault}")?;
            }
            writeln!(out, "{}", count(faults.len(), "error"))?;
            return Ok(WRONG);
        }
    };
    let mut errors = 0;
    for notice in &config.notices {
        match notice.kind {
            NoticeKind::Disable if strict => {
                errors += 1;
                writeln!(out, "error: {notice}")?;
            }
            NoticeKind::Disable | NoticeKind::Lint => writeln!(out, "warning: {notice}")?,
        }
    }
    let warnings = count(config.notices.len() - errors, "warning");
    if errors > 0 {
        writeln!(out, "{}, {warnings}", count(errors, "error"))?;
        return Ok(WRONG);
    }
    writeln!(out, "the configuration can be used: {warnings}")?;
    Ok(FINE)
}

fn count(number: usize, what: &str) -> String {
    match number {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn run(files: &[(&str, &str)], strict: bool) -> (u8, String) {
        let conf = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = conf.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut out = Vec::new();
        let code = check(conf.path(), &Environment::default(), strict, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        (code, out.replace(&format!("{}/", conf.path().display()), ""))
    }

    #[test]
    fn the_base_alone_can_be_used_even_strictly() {
        let (code, out) = run(&[], true);
        assert_eq!(code, 0, "{out}");
        assert!(out.ends_with("the configuration can be used: 1 warning\n"), "{out}");
        assert!(out.contains("cookiePrefix"), "{out}");
    }

    #[test]
    fn what_is_switched_off_is_an_error_under_strict_alone() {
        let provider = r#"<configuration><sitecore><federatedAuthentication><identityProviders>
<identityProvider id="Home" type="Contoso.Provider, Contoso" />
</identityProviders></federatedAuthentication></sitecore></configuration>"#;
        let files = [("include/home.config", provider)];
        let (code, out) = run(&files, false);
        assert_eq!(code, 0, "{out}");
        assert!(out.contains("warning: include/home.config:2: the provider `Home` is off: the provider class `Contoso.Provider` is not known here; "), "{out}");
        let (code, out) = run(&files, true);
        assert_eq!(code, 78);
        assert!(out.contains("error: include/home.config:2: the provider `Home` is off"), "{out}");
    }
}
