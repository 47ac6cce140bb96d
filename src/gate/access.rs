//! Who may pass: the first access rule that matches, else what the site asks.

use std::sync::Arc;

use http::Method;

use crate::config::model::AccessRule;
use crate::config::model::Admit;
use crate::config::model::Config;
use crate::config::model::Site;
use crate::http::CanonicalPath;
use crate::users::User;

/// What is decided about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It passes.
    Allow {
        /// Whether that took a session: such answers must not be stored by a shared cache.
        protected: bool,
    },
    /// Somebody must sign in first.
    Login,
    /// It does not pass.
    Forbid {
        /// The rule that refused, as its owner would look it up.
        rule: Arc<str>,
    },
}

/// Decides about `method` on `path` of `site` for `user`.
pub fn decide(
    config: &Config,
    site: &Site,
    path: &CanonicalPath,
    method: &Method,
    user: Option<&User>,
) -> Decision {
    match rule_for(config, site, path, method) {
        Some(rule) => admit(&rule.admit, user, || Arc::clone(&rule.name)),
        None => site_admits(site, path, user),
    }
}

/// The access rule that decides, when one does.
pub fn rule_for<'a>(
    config: &'a Config,
    site: &Site,
    path: &CanonicalPath,
    method: &Method,
) -> Option<&'a AccessRule> {
    config.access.iter().find(|rule| {
        rule.site.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(&site.name))
            && (rule.methods.is_empty() || rule.methods.contains(method))
            && covers(rule, path)
    })
}

/// Whether `rule` is about `path`. One that restricts covers what lies under its path too: IIS serves
/// `/tools/sql.aspx` for `/tools/sql.aspx/x` (path info) and for a trailing slash. One that opens
/// stays exact, and so does `/`, which has nothing under it but other paths.
fn covers(rule: &AccessRule, path: &CanonicalPath) -> bool {
    if let Some(prefix) = rule.path.strip_suffix("/*") {
        return path.is_under(prefix);
    }
    let page = rule.path.trim_end_matches('/');
    if rule.admit == Admit::Anonymous || page.is_empty() {
        return path.is(&rule.path);
    }
    path.is_under(page)
}

/// `requireLogin` and `roles` of the site. Its own login page is open, because somebody without a
/// session must be able to reach it.
fn site_admits(site: &Site, path: &CanonicalPath, user: Option<&User>) -> Decision {
    let login_page = site.login_page.as_deref().and_then(|page| page.split('?').next());
    if login_page.is_some_and(|page| path.is(page)) {
        return Decision::Allow { protected: false };
    }
    if !site.roles.is_empty() {
        let rule = || format!("the roles of site {}", site.name).into();
        return admit(&Admit::Roles(site.roles.clone()), user, rule);
    }
    match (site.require_login, user) {
        (true, None) => Decision::Login,
        (true, Some(_)) => Decision::Allow { protected: true },
        (false, _) => Decision::Allow { protected: false },
    }
}

fn admit(admit: &Admit, user: Option<&User>, rule: impl FnOnce() -> Arc<str>) -> Decision {
    match (admit, user) {
        (Admit::Anonymous, _) => Decision::Allow { protected: false },
        (Admit::Nobody, _) => Decision::Forbid { rule: rule() },
        (Admit::SignedIn | Admit::Roles(_), None) => Decision::Login,
        (Admit::SignedIn, Some(_)) => Decision::Allow { protected: true },
        (Admit::Roles(roles), Some(user)) => {
            if user.is_administrator || roles.iter().any(|role| user.has_role(role)) {
                Decision::Allow { protected: true }
            } else {
                Decision::Forbid { rule: rule() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::gate::testing::site;
    use crate::users::testing;

    fn rule(path: &str, methods: &[Method], admit: Admit) -> AccessRule {
        let origin = testing::origin();
        AccessRule {
            name: "rule".into(),
            site: None,
            path: path.to_owned(),
            methods: methods.to_vec(),
            admit,
            origin,
        }
    }

    fn jane(roles: &[&str], is_administrator: bool) -> User {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        User {
            name: r"sitecore\jane".to_owned(),
            properties: BTreeMap::new(),
            roles,
            is_administrator,
        }
    }

    fn decision(rules: Vec<AccessRule>, site: &Site, path: &str, user: Option<&User>) -> Decision {
        let config = Config { access: rules, ..testing::config() };
        decide(&config, site, &CanonicalPath::read(path).unwrap(), &Method::GET, user)
    }

    #[test]
    fn a_site_that_requires_login_sends_the_anonymous_to_it_but_leaves_its_login_page_open() {
        let login_page = Some("/sitecore/admin/login.aspx".to_owned());
        let shell = Site { require_login: true, login_page, ..site("admin", "/sitecore/admin") };
        assert_eq!(decision(vec![], &shell, "/sitecore/admin", None), Decision::Login);
        let open = Decision::Allow { protected: false };
        assert_eq!(decision(vec![], &shell, "/sitecore/admin/Login.aspx", None), open);
        let signed_in = decision(vec![], &shell, "/sitecore/admin", Some(&jane(&[], false)));
        assert_eq!(signed_in, Decision::Allow { protected: true });
    }

    #[test]
    fn the_first_matching_rule_decides() {
        let author = Admit::Roles(vec![r"sitecore\Author".to_owned()]);
        let rules = || {
            vec![
                rule("/health", &[Method::GET], Admit::Anonymous),
                rule("/closed/*", &[], Admit::Nobody),
                rule("/*", &[], author.clone()),
            ]
        };
        let site = site("website", "");
        let forbidden = Decision::Forbid { rule: "rule".into() };
        assert_eq!(decision(rules(), &site, "/health", None), Decision::Allow { protected: false });
        assert_eq!(decision(rules(), &site, "/healthy", None), Decision::Login);
        let (nobody, author, admin) =
            (jane(&[], false), jane(&[r"SITECORE\author"], false), jane(&[], true));
        assert_eq!(decision(rules(), &site, "/closed/x", Some(&admin)), forbidden);
        assert_eq!(decision(rules(), &site, "/x", Some(&nobody)), forbidden);
        for user in [author, admin] {
            assert_eq!(
                decision(rules(), &site, "/x", Some(&user)),
                Decision::Allow { protected: true }
            );
        }
    }

    #[test]
    fn b47_a_rule_that_restricts_covers_path_info_and_trailing_slashes_and_one_that_opens_does_not()
    {
        let rules = vec![
            rule("/tools/sql.aspx", &[], Admit::Nobody),
            rule("/closed/", &[], Admit::SignedIn),
            rule("/open.aspx", &[], Admit::Anonymous),
            rule("/", &[], Admit::SignedIn),
        ];
        let shell = Site { require_login: true, ..site("website", "") };
        let forbidden = Decision::Forbid { rule: "rule".into() };
        for path in ["/tools/sql.aspx", "/tools/SQL.aspx/", "/tools/sql.aspx/x/y.css"] {
            assert_eq!(decision(rules.clone(), &shell, path, None), forbidden, "{path}");
        }
        let website = site("website", "");
        let open = Decision::Allow { protected: false };
        for path in ["/closed", "/closed/", "/closed/x", "/"] {
            assert_eq!(decision(rules.clone(), &website, path, None), Decision::Login, "{path}");
        }
        assert_eq!(decision(rules.clone(), &website, "/closedX", None), open);
        assert_eq!(decision(rules.clone(), &shell, "/open.aspx", None), open);
        assert_eq!(decision(rules, &shell, "/open.aspx/x", None), Decision::Login);
    }

    #[test]
    fn b52_a_rule_never_sees_the_query_and_b53_keeps_to_segments() {
        let rules = vec![rule("/public/*", &[], Admit::Anonymous)];
        let shell = Site { require_login: true, ..site("shell", "/sitecore/shell") };
        assert_eq!(decision(rules.clone(), &shell, "/publicity", None), Decision::Login);
        assert_eq!(decision(rules, &shell, "/sitecore/shell/public/x", None), Decision::Login);
    }
}
