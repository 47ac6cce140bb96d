//! The demo CMS's three areas, by path, as the sites of the same names divide them.

/// One area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Area {
    /// Where authors work: `/sitecore/shell`.
    Shell,
    /// Where administrators work: `/sitecore/admin`.
    Admin,
    /// What visitors see: everything else.
    Website,
}

impl Area {
    /// All of them, as a page links to them.
    pub(super) const ALL: [Self; 3] = [Self::Website, Self::Shell, Self::Admin];

    /// The area that `path` lies in, and the rest of the path. As in IIS, case does not matter.
    pub(super) fn of(path: &str) -> (Self, &str) {
        for area in [Self::Shell, Self::Admin] {
            let folder = area.folder();
            let Some((head, rest)) = path.split_at_checked(folder.len()) else { continue };
            if head.eq_ignore_ascii_case(folder) && (rest.is_empty() || rest.starts_with('/')) {
                return (area, rest);
            }
        }
        (Self::Website, path)
    }

    /// The name of the site.
    pub(super) fn site(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Admin => "admin",
            Self::Website => "website",
        }
    }

    /// The path in front of it, without a slash at the end.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Shell => "/sitecore/shell",
            Self::Admin => "/sitecore/admin",
            Self::Website => "",
        }
    }

    /// Its name for people.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Shell => "Content editor",
            Self::Admin => "Administration",
            Self::Website => "Website",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_end_at_a_segment_and_know_no_case() {
        assert_eq!(Area::of("/Sitecore/SHELL/a/b"), (Area::Shell, "/a/b"));
        assert_eq!(Area::of("/sitecore/admin"), (Area::Admin, ""));
        assert_eq!(Area::of("/sitecore/shells"), (Area::Website, "/sitecore/shells"));
        assert_eq!(Area::of("/"), (Area::Website, "/"));
        assert_eq!(Area::of("/sitecore/shel\u{e9}"), (Area::Website, "/sitecore/shel\u{e9}"));
    }
}
