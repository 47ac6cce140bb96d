//! axe-core's judgement of a page: what keeps people with a screen reader, a keyboard or weak eyes
//! from using it.

use std::path::Path;

use serde_json::Value;

use crate::stage::Habits;
use crate::stage::Stage;
use crate::stage::play;

/// Everything that WCAG 2.2 asks at levels A and AA as far as a program can see it, and axe's own
/// good practices.
const JUDGE: &str = r"
const done = arguments[arguments.length - 1];
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
axe.run({ runOnly: { type: 'tag', values: tags } }).then(
  judged => done(judged.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html + ' ' + n.failureSummary).join('; '))),
  fault => done([String(fault)]));
";

impl<P> Stage<P> {
    /// Fails when axe-core finds anything on the open page, `name`. Without axe-core it says so,
    /// unless `CI` is set.
    pub(crate) async fn is_accessible(&self, name: &str) {
        if let Some(found) = self.judged().await {
            assert_eq!(found, Value::Array(Vec::new()), "{name}");
        }
    }

    /// What axe-core finds on the open page.
    async fn judged(&self) -> Option<Value> {
        self.run(&axe()?).await;
        Some(self.browser.execute_async(JUDGE, Vec::new()).await.unwrap())
    }
}

fn axe() -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text =
        std::fs::read_to_string(root.join("tests/.peers/axe/node_modules/axe-core/axe.min.js"));
    if text.is_err() {
        let missing = "axe-core is not installed (tests/browser/prepare): nobody judges the pages";
        assert!(std::env::var_os("CI").is_none(), "{missing}");
        eprintln!("{missing}");
    }
    text.ok()
}

#[test]
fn the_judge_can_tell_a_bad_page_from_a_good_one() {
    play(Habits::default(), |stage| async move {
        stage.visit("/sitecore/login?fbc=1").await;
        stage.see("main#sign-in").await;
        stage.is_accessible("the emergency page").await;
        stage.run("document.querySelectorAll('label').forEach(label => label.remove())").await;
        stage.run("document.querySelector('main').style.color = '#bbb'").await;
        let Some(found) = stage.judged().await else { return };
        let found = found.to_string();
        assert!(found.contains("label: ") && found.contains("color-contrast: "), "{found}");
    });
}
