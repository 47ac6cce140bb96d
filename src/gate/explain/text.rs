//! The explanation as text: what `vestibule explain` prints.

use std::io;
use std::io::Write;

use crate::claims::transformation::Step;
use crate::claims::types;
use crate::config::model::Config;
use crate::config::model::ProviderState;
use crate::config::model::Site;
use crate::gate::access::Decision;
use crate::gate::explain::Address;
use crate::gate::explain::Ending;
use crate::gate::explain::Passage;
use crate::gate::explain::PassedOver;
use crate::gate::explain::Place;
use crate::gate::explain::SignIn;
use crate::gate::explain::claims;
use crate::gate::explain::claims::ShownClaim;
use crate::gate::explain::claims::shown;
use crate::gate::explain::headers;
use crate::gate::explain::passage;
use crate::http::CanonicalPath;
use crate::session::Identity;
use crate::users::User;

/// Writes which site it is about, and which come before it and are not meant.
///
/// # Errors
///
/// When `out` cannot be written to; so for everything here.
pub fn place(place: &Place, out: &mut impl Write) -> io::Result<()> {
    for PassedOver { site, why } in &place.passed {
        writeln!(out, "  not {} ({}): {why}", site.name, site.origin)?;
    }
    let Some(site) = &place.site else { return Ok(()) };
    let Some(Address { host, port, path }) = &place.address else {
        return writeln!(out, "site {} ({}): it was asked for", site.name, site.origin);
    };
    writeln!(
        out,
        "site {} ({}): the first that serves host {host}, port {port} and path {path}",
        site.name, site.origin
    )?;
    if let Some(asked) = &place.asked {
        writeln!(
            out,
            "  not {}, which was asked for; what follows is of {}",
            asked.name, site.name
        )?;
    }
    Ok(())
}

/// Writes what a sign-in makes of claims, and what the site makes of the user.
///
/// # Errors
///
/// As [`place`].
pub fn sign_in(
    config: &Config,
    (place, site): (&Place, &Site),
    told: &SignIn,
    out: &mut impl Write,
) -> io::Result<()> {
    write_provider(site, told, out)?;
    write_steps(told, out)?;
    let identity = match &told.ending {
        Ending::Released => {
            return writeln!(
                out,
                "\nthe identity server keeps these claims, and releases those that the scopes of a client name"
            );
        }
        Ending::NoUser(refusal) => return writeln!(out, "\nno user: {refusal}"),
        Ending::User(identity) => identity,
    };
    write_user(&identity.user, out)?;
    if let Some(address) = &place.address {
        let passage = passage(config, site, &address.path, Some(&identity.user));
        write_access(&address.path, &passage, out)?;
    }
    write_headers(config, identity, out)
}

fn write_provider(site: &Site, told: &SignIn, out: &mut impl Write) -> io::Result<()> {
    let provider = &told.provider;
    let state = match &provider.state {
        ProviderState::Enabled => "enabled".to_owned(),
        ProviderState::Off => "switched off".to_owned(),
        ProviderState::Broken(why) => format!("off: {why}"),
    };
    writeln!(out, "provider {} ({}), {state}", provider.name, provider.origin)?;
    if !told.mapped {
        let name = &site.name;
        writeln!(
            out,
            "  not mapped to site {name}: nobody can sign in there with it, and its sessions do not count there"
        )?;
    }
    Ok(())
}

fn write_steps(told: &SignIn, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\nclaims of the provider, as they come in:")?;
    write_claims(&claims::list(&told.inbound), out)?;
    if told.inbound.is_empty() {
        writeln!(out, "    none")?;
    }
    for (number, step) in told.steps.iter().enumerate() {
        write_step(number + 1, step, out)?;
    }
    Ok(())
}

/// A transformation: whether it applied and why, and what it did to the claims.
fn write_step(number: usize, step: &Step, out: &mut impl Write) -> io::Result<()> {
    let place = step.origin.as_ref().map_or_else(|| "always".to_owned(), ToString::to_string);
    let applied = if step.matched { "applies" } else { "does not apply" };
    writeln!(out, "\n{number}. {} ({place}) {applied}: {}", step.name, shown(&step.why))?;
    if step.matched { write_claims(&claims::changes(step), out) } else { Ok(()) }
}

fn write_claims(claims: &[ShownClaim], out: &mut impl Write) -> io::Result<()> {
    for claim in claims {
        writeln!(out, "  {} {} = {}", claim.mark.sign(), claim.kind, claim.value)?;
    }
    Ok(())
}

fn write_user(user: &User, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\nuser {}", shown(&user.name))?;
    if user.is_administrator {
        writeln!(out, "  an administrator")?;
    }
    for (name, value) in &user.properties {
        writeln!(out, "  property {name} = {}", shown(value))?;
    }
    if user.roles.is_empty() {
        writeln!(out, "  no roles: no claim of type {} is left", types::ROLE)?;
    }
    for role in &user.roles {
        writeln!(out, "  role {}", shown(role))?;
    }
    Ok(())
}

fn write_access(path: &CanonicalPath, passage: &Passage, out: &mut impl Write) -> io::Result<()> {
    let decided = match &passage.decision {
        Decision::Allow { .. } => "may open it".to_owned(),
        Decision::Login => "must sign in first".to_owned(),
        Decision::Forbid { rule } => format!("may not open it: {rule}"),
    };
    let Passage { decider, origin, .. } = passage;
    writeln!(out, "\naccess to {path}: {decided}; decided by {decider} ({origin})")
}

fn write_headers(config: &Config, identity: &Identity, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\nheaders for the CMS:")?;
    for (name, value) in headers(config, identity) {
        writeln!(out, "  {name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
    }
    if let Some(name) = &config.identity_headers.assertion {
        writeln!(
            out,
            "  {name}: the same, signed, for {} s",
            config.identity_headers.assertion_lifetime.as_secs()
        )?;
    }
    Ok(())
}
