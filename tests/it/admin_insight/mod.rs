//! The pages of administrators that only look: Access, Configuration, Sign-in funnel.

mod access;
mod configuration;
mod funnel;
mod kept;

use serde_json::Value;
use serde_json::json;

use crate::support::browser::Browser;
use crate::support::html;
use crate::support::provider::jane;
use crate::support::wire::Answer;
use crate::support::world::World;
use crate::support::world::admin_site;

/// A world with the admin site.
async fn world() -> World {
    world_with("").await
}

/// The same, patched further.
async fn world_with(more: &str) -> World {
    World::with(&format!("{}{more}", admin_site())).await
}

/// Ada, an administrator.
fn ada() -> Value {
    json!({ "sub": "ada-1", "preferred_username": "ada", "email": "ada@partner.test", "groups": ["admins"] })
}

/// Ada's browser, signed in at the admin site; Jane is who signs in next.
async fn desk(world: &World) -> Browser {
    world.idp.person(ada());
    let mut browser = Browser::new(&format!("https://admin.localhost:{}/", world.gateway.port));
    let page = browser.go("/vestibule/funnel").await;
    assert_eq!(page.status, 200, "{}", page.gist());
    world.idp.person(jane());
    browser
}

/// The rows of a page's tables, as `heading | cell | …`.
fn rows(page: &Answer) -> Vec<String> {
    let text = page.text();
    let row = |row: &str| {
        let row = row.split("</tr>").next().unwrap_or_default();
        let cells = row.replace("</th>", "</td>");
        let cells = cells.split("</td>").map(html::text);
        cells.filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" | ")
    };
    text.split("<tr").skip(1).map(row).collect()
}

/// Whether a page has a row that begins so.
fn has_row(page: &Answer, start: &str) -> bool {
    rows(page).iter().any(|row| row.starts_with(start))
}
