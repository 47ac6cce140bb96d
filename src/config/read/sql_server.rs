//! Connection strings of SQL Server, which owners of a CMS have in their files: nothing here speaks to
//! it, and whoever wrote one learns what to write. What they hold is never repeated.

use crate::config::fault::Notice;
use crate::config::settings::Dictionary;
use crate::config::settings::Setting;
use crate::config::tree::Attribute;
use crate::config::tree::Element;

/// What to write in the place of one.
pub(crate) const IN_GATEWAY: &str = "say in <gateway> where things are kept: <users store=\"sqlite:data/vestibule.db\" />, or postgres://…, or mysql://…";

/// Tells of every one in an element and whatever is in it.
pub(crate) fn notices_of(element: &Element) -> Vec<Notice> {
    let attributes = element.attributes.iter();
    let strings = attributes.filter(|attribute| is_connection_string(&attribute.value));
    let name = element.value("name").map(|name| format!(" `{name}`")).unwrap_or_default();
    let tell = |attribute: &Attribute| {
        let what =
            format!("the connection string{name} has no effect: SQL Server is not spoken here");
        Notice::lint(&attribute.origin, what, IN_GATEWAY)
    };
    let mut notices: Vec<Notice> = strings.map(tell).collect();
    if is_connection_string(&element.text()) {
        let what = format!(
            "the connection string in <{}> has no effect: SQL Server is not spoken here",
            element.name
        );
        notices.push(Notice::lint(element.text_origin(), what, IN_GATEWAY));
    }
    notices.extend(element.elements().flat_map(notices_of));
    notices
}

/// Tells of every one in the merged tree and in the identity server's files; that of the users' store
/// is told of where that is read.
pub(crate) fn notices(root: &Element, dictionary: &Dictionary) -> Vec<Notice> {
    let others = root.elements().filter(|element| element.name != "gateway");
    let mut notices: Vec<Notice> = others.flat_map(notices_of).collect();
    look_through(&dictionary.root, "", &mut notices);
    notices
}

fn look_through(setting: &Setting, within: &str, notices: &mut Vec<Notice>) {
    let holds = setting.value.as_deref().is_some_and(|value| {
        let is_membership = setting.name.eq_ignore_ascii_case("ConnectionString")
            && within.eq_ignore_ascii_case("SitecoreMembershipOptions");
        is_connection_string(value) || (is_membership && !value.trim().is_empty())
    });
    if holds {
        let what = format!(
            "the {} of {within} has no effect: SQL Server is not spoken here",
            setting.name
        );
        notices.push(Notice::lint(&setting.origin, what, IN_GATEWAY));
    }
    for child in &setting.children {
        look_through(child, &setting.name, notices);
    }
}

/// Whether an address of a store is meant for SQL Server: `Data Source=…;Initial Catalog=…`,
/// `Server=…`, `sqlserver://…`.
pub(super) fn is_address(text: &str) -> bool {
    let letters = letters(text);
    ["datasource=", "server=", "initialcatalog=", "mssql:", "sqlserver:"]
        .iter()
        .any(|sign| letters.contains(sign))
}

/// The same of any text: a server and a database or a user, between semicolons.
fn is_connection_string(text: &str) -> bool {
    if text.len() > 4_096 || !text.contains('=') {
        return false;
    }
    let letters = letters(text);
    let names: Vec<&str> =
        letters.split(';').filter_map(|part| part.split_once('=')).map(|(name, _)| name).collect();
    let has = |known: &[&str]| names.iter().any(|name| known.contains(name));
    let server = ["datasource", "server", "address", "addr", "networkaddress"];
    let what = ["initialcatalog", "database", "attachdbfilename", "userid", "uid"];
    let how = ["integratedsecurity", "trusted_connection"];
    has(&server) && (has(&what) || has(&how))
}

fn letters(text: &str) -> String {
    text.to_lowercase().replace(|character: char| character.is_whitespace(), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_strings_are_known_by_what_they_name() {
        for text in [
            "Data Source=sql;Initial Catalog=Sitecore.Core;User ID=sa;Password=S3CRET",
            "user id=sa; data source = (local); database=core",
            "Server=tcp:sql,1433;Database=core;Trusted_Connection=True",
            "Data Source=.;Integrated Security=SSPI",
        ] {
            assert!(is_connection_string(text) && is_address(text), "{text}");
        }
        for text in ["", "server=a", "https://x/?server=1;database=2", "mongodb://h/d", "a=b;c=d"] {
            assert!(!is_connection_string(text), "{text}");
        }
    }
}
