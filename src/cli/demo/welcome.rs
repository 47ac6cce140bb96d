//! What the demo tells whoever started it: addresses, names and passwords, what to try.

use std::fmt::Write;

use crate::cli::demo::Demo;

/// The text.
pub(super) fn text(demo: &Demo) -> String {
    let port = demo.address.port();
    let (operations, partner_port) = (demo.operations, demo.partner_port);
    let authority = demo.certificates.authority.display();
    let cms = format!("https://cms.localhost:{port}");
    let mut people = String::new();
    for account in demo.users() {
        let (name, password) = (account.name, account.password.expose());
        let _infallible = writeln!(people, "sign in as {name} with password {password}");
    }
    let program = demo.program();
    let (client, secret) = (program.id, program.secret.expose());
    let _infallible = writeln!(people, "call the CMS as client {client} with secret {secret}");
    let partner = demo.partner_user();
    format!(
        "\
The gateway is open, until Ctrl-C.

  CMS, for visitors   {cms}/
  CMS, for authors    {cms}/sitecore/shell/
  CMS, for admins     {cms}/sitecore/admin/
  Who looks after it  https://admin.localhost:{port}/vestibule/
  Identity server     https://id.localhost:{port}
  Partner provider    https://partner.localhost:{partner_port}
  Operations          http://{operations}/metrics

{people}
Its certificate comes from an authority of its own: let the browser pass, or trust
{authority}

Things to try
  1. Open {cms}/sitecore/shell/ and sign in: the page shows the
     identity that the gateway put into headers, and a WebSocket that lives as long as the session.
  2. Sign in with another provider: {cms}/identity/login/shell/Partner
     as {name} with {password}. The group `cms-editors` there becomes the role `sitecore\\Editor` here.
  3. Forge an identity. The header does not arrive:
     curl --cacert {authority} -H 'X-Forwarded-User: sitecore\\admin' {cms}/echo
  4. Ask for a protected page as a program does:
     curl --cacert {authority} -i {cms}/sitecore/shell/echo
  5. Call the CMS as a program, with a token of the identity server:
     TOKEN=$(curl -s --cacert {authority} -u {client}:{secret} \\
       -d grant_type=client_credentials https://id.localhost:{port}/connect/token \\
       | sed 's/.*\"access_token\":\"\\([^\"]*\\).*/\\1/')
     curl --cacert {authority} -H \"Authorization: Bearer $TOKEN\" {cms}/sitecore/shell/echo
  6. Look after users and sessions, as sitecore\\admin: https://admin.localhost:{port}/vestibule/
  7. Sign out: {cms}/identity/logout

",
        name = partner.name,
        password = partner.password.expose(),
    )
}
