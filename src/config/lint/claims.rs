//! Roles that name no domain, the wrong one of two role claims, a missing `idp` or mail address.

use crate::config::Config;
use crate::config::model::ClaimPattern;
use crate::config::model::Protocol;
use crate::config::model::Provider;
use crate::config::model::Transformation;
use crate::config::model::TransformationKind;
use crate::config::read::report::Report;

const LONG_ROLE: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";
const SHORT_ROLE: &str = "role";
const NAME_IDENTIFIER: &str =
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";

const EMAIL: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
const UPN: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";

/// Looks over the transformations of every provider that is in use, and the property maps.
pub(crate) fn run(config: &Config, report: &mut Report) {
    for provider in config.providers.iter().filter(|p| p.is_enabled() && p.subprovider.is_none()) {
        idp(provider, report);
        key(provider, report);
        let shortens = adds(provider, LONG_ROLE) && reads(provider, SHORT_ROLE);
        for (rule, sources, targets) in rules(provider) {
            role_values(rule, targets, report);
            if !shortens {
                role_names(provider, (rule, sources, targets), report);
            }
        }
    }
    for provider in config.identity_server.external_providers.iter().filter(|p| p.is_enabled()) {
        email(provider, report);
        for (rule, _, targets) in rules(provider) {
            role_values(rule, targets, report);
            if targets.iter().any(|target| target.kind == LONG_ROLE) {
                let what = format!(
                    "`{}` adds the long role claim, which the identity server's scopes do not release",
                    rule.name
                );
                report.lint(&rule.origin, what, "write type=\"role\"");
            }
        }
    }
    administrators(config, report);
}

fn rules(
    provider: &Provider,
) -> impl Iterator<Item = (&Transformation, &[ClaimPattern], &[ClaimPattern])> {
    provider.transformations.iter().filter_map(|rule| match &rule.kind {
        TransformationKind::Default { sources, targets, .. } => {
            Some((rule, sources.as_slice(), targets.as_slice()))
        }
        TransformationKind::SetIdp => None,
    })
}

fn adds(provider: &Provider, kind: &str) -> bool {
    rules(provider).any(|(_, _, targets)| targets.iter().any(|target| target.kind == kind))
}

fn reads(provider: &Provider, kind: &str) -> bool {
    rules(provider).any(|(_, sources, _)| sources.iter().any(|source| source.kind == kind))
}

/// A provider without `idp` fails `CheckIdentityProvider`: nobody who signs in there stays signed in.
fn idp(provider: &Provider, report: &mut Report) {
    let sets = provider.transformations.iter().any(|rule| rule.kind == TransformationKind::SetIdp);
    if !sets && !adds(provider, "idp") {
        let what = format!("no transformation of `{}` sets the claim idp", provider.name);
        report.lint(
            &provider.origin,
            what,
            "refer to federatedAuthentication/sharedTransformations/setIdpClaim",
        );
    }
}

/// The CMS wants a mail address of everybody (`InvalidEmail`), and knows it by its short name alone.
fn email(provider: &Provider, report: &mut Report) {
    let named = ["email", EMAIL].iter().any(|kind| adds(provider, kind));
    if named || !provider.map_inbound_claims {
        return;
    }
    let microsoft = provider.issuer().is_some_and(|issuer| {
        issuer.contains("//login.microsoftonline.") || issuer.contains("//sts.windows.net/")
    });
    let source = if microsoft { UPN } else { EMAIL };
    let what = format!("no transformation of `{}` sets the claim email", provider.name);
    let instead = format!(
        "add <EmailTransformation type=\"Sitecore.Plugin.IdentityProviders.DefaultClaimsTransformation, Sitecore.Plugin.IdentityProviders\"><SourceClaims><Claim1 type=\"{source}\" /></SourceClaims><NewClaims><Claim1 type=\"email\" /></NewClaims></EmailTransformation> to its ClaimsTransformations"
    );
    report.lint(&provider.origin, what, instead);
}

/// The user's key is `sub`, or with renamed claims the name identifier.
fn key(provider: &Provider, report: &mut Report) {
    let loses = rules(provider).find(|(rule, sources, targets)| {
        let keeps = matches!(&rule.kind, TransformationKind::Default { keep_source: true, .. });
        !keeps
            && sources.iter().any(|source| source.kind == NAME_IDENTIFIER)
            && !targets.iter().any(|target| target.kind == NAME_IDENTIFIER)
    });
    if let Some((rule, ..)) = loses {
        let what =
            format!("`{}` takes the claim nameidentifier away, which is the user's key", rule.name);
        report.lint(&rule.origin, what, "write <keepSource>true</keepSource>");
    }
}

fn role_values(rule: &Transformation, targets: &[ClaimPattern], report: &mut Report) {
    let is_role = |target: &&ClaimPattern| [LONG_ROLE, SHORT_ROLE].contains(&target.kind.as_str());
    for value in targets.iter().filter(is_role).filter_map(|target| target.value.as_deref()) {
        if !value.contains('\\') {
            let what = format!("`{}` gives the role `{value}`, which has no domain", rule.name);
            report.lint(
                &rule.origin,
                what,
                format!("write sitecore\\{value}, or the domain that is meant"),
            );
        }
    }
}

/// The CMS reads the long role claim; renamed inbound claims never have the short one.
fn role_names(
    provider: &Provider,
    (rule, sources, targets): (&Transformation, &[ClaimPattern], &[ClaimPattern]),
    report: &mut Report,
) {
    if targets.iter().any(|target| target.kind == SHORT_ROLE) {
        let what = format!("`{}` adds the claim `role`, which the CMS does not read", rule.name);
        report.lint(&rule.origin, what, format!("write {LONG_ROLE}"));
    }
    let renamed =
        provider.map_inbound_claims && matches!(provider.protocol, Protocol::OpenIdConnect(_));
    if renamed && sources.iter().any(|source| source.kind == SHORT_ROLE) {
        let what =
            format!("`{}` looks for the claim `role`, which has its long name by then", rule.name);
        report.lint(
            &rule.origin,
            what,
            format!("write {LONG_ROLE}, or mapInboundClaims=\"false\" at the connection"),
        );
    }
}

/// A map from `idp` alone to `IsAdministrator` makes everybody from that provider one.
fn administrators(config: &Config, report: &mut Report) {
    for map in &config.property_maps {
        if map.source.kind == "idp" && map.property.eq_ignore_ascii_case("IsAdministrator") {
            let whom = map.source.value.as_deref().unwrap_or("any provider");
            let what =
                format!("`{}` makes everybody who comes from {whom} an administrator", map.name);
            report.lint(&map.origin, what, "map a group or role instead");
        }
    }
}
