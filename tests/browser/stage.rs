//! A demo of its own for each test, and a Chromium in front of it.

use std::future::Future;
use std::io::BufRead;
use std::io::BufReader;
use std::io::ErrorKind;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use fantoccini::Client;
use fantoccini::ClientBuilder;
use fantoccini::Locator;
use fantoccini::elements::Element;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::Value;
use serde_json::json;
use vestibule::cli::demo::Demo;
use vestibule::cli::demo::DemoOptions;

/// The key that moves on.
pub(crate) const TAB: &str = "\u{e004}";
/// The key that sends.
pub(crate) const ENTER: &str = "\u{e007}";

/// How a browser is set up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Habits {
    /// Whether it runs no script.
    pub(crate) no_script: bool,
    /// Whether it is a telephone, 320 pixels wide.
    pub(crate) narrow: bool,
    /// Whether it likes pages dark.
    pub(crate) dark: bool,
}

/// A place, by itself a demo, and a browser.
pub(crate) struct Stage<P = Demo> {
    pub(crate) place: P,
    pub(crate) browser: Client,
    driver: Driver,
}

/// Plays `story` in a demo of its own.
pub(crate) fn play<F>(habits: Habits, story: impl FnOnce(Arc<Stage>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let options = DemoOptions { port: 0, operations_port: 0, ..DemoOptions::default() };
    play_at(habits, async { Demo::start(options).await.unwrap() }, story);
}

/// Plays `story` at a place of its own, and clears the stage whatever comes of it.
pub(crate) fn play_at<P, F>(
    habits: Habits,
    place: impl Future<Output = P>,
    story: impl FnOnce(Arc<Stage<P>>) -> F,
) where
    P: Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let Some(driver) = Driver::start() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let place = place.await;
        let browser = driver.open(habits).await;
        let stage = Arc::new(Stage { place, browser, driver });
        let told = tokio::spawn(story(Arc::clone(&stage))).await;
        let stage = Arc::into_inner(stage).expect("the story keeps nothing");
        if told.is_err() {
            eprintln!("the browser was at {:?}", stage.browser.current_url().await);
            eprintln!("and saw {}", stage.browser.source().await.unwrap_or_default());
        }
        stage.clear().await;
        told.unwrap();
    });
}

impl Stage {
    /// An address on the CMS.
    pub(crate) fn cms(&self, path: &str) -> String {
        format!("https://cms.localhost:{}{path}", self.place.address().port())
    }

    /// Goes to a page of the CMS.
    pub(crate) async fn visit(&self, path: &str) {
        self.browser.goto(&self.cms(path)).await.unwrap();
    }

    /// Signs in as the demo's author.
    pub(crate) async fn sign_in_as_jane(&self) {
        let jane = &self.place.users()[0];
        self.sign_in(jane.name, jane.password.expose()).await;
    }
}

impl<P> Stage<P> {
    async fn clear(self) {
        drop(self.browser.close().await);
        drop((self.place, self.driver));
    }

    /// The element that `css` finds, waited for.
    pub(crate) async fn see(&self, css: &str) -> Element {
        let wait = self.browser.wait().at_most(Duration::from_secs(15));
        match wait.for_element(Locator::Css(css)).await {
            Ok(element) => element,
            Err(error) => panic!("no {css}: {error}"),
        }
    }

    /// Whether the page has an element that `css` finds.
    pub(crate) async fn has(&self, css: &str) -> bool {
        !self.browser.find_all(Locator::Css(css)).await.unwrap().is_empty()
    }

    /// The text of the element that `css` finds.
    pub(crate) async fn text(&self, css: &str) -> String {
        self.see(css).await.text().await.unwrap()
    }

    /// Waits until the element that `css` finds says `text`.
    pub(crate) async fn hear(&self, css: &str, text: &str) {
        for _ in 0..100 {
            if self.text(css).await == text {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{css} says {:?} and not {text:?}", self.text(css).await);
    }

    /// Presses `keys` wherever the focus is.
    pub(crate) async fn press(&self, keys: &str) {
        self.browser.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// Moves the focus with the tabulator key until it is on the element with the id `id`.
    pub(crate) async fn tab_to(&self, id: &str) {
        for _ in 0..40 {
            if self.focus().await == id {
                return;
            }
            self.press(TAB).await;
        }
        panic!("the keyboard does not reach {id}");
    }

    async fn focus(&self) -> String {
        let element = self.browser.active_element().await.unwrap();
        element.attr("id").await.unwrap().unwrap_or_default()
    }

    /// Signs in at the page with the local form, with the keyboard alone.
    pub(crate) async fn sign_in(&self, name: &str, password: &str) {
        self.see("main#sign-in").await;
        self.tab_to("username").await;
        self.press(name).await;
        self.tab_to("password").await;
        self.press(password).await;
        self.tab_to("sign-in-button").await;
        self.press(ENTER).await;
    }

    /// What `script` returns in the page.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.browser.execute(script, Vec::new()).await.unwrap()
    }
}

/// chromedriver; ends with the test.
struct Driver {
    process: Child,
    port: u16,
}

fn spawn() -> std::io::Result<Child> {
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
}

impl Driver {
    /// Starts it. It picks its port before it listens there, so that another process may be faster:
    /// then it is started once more.
    fn start() -> Option<Self> {
        for _ in 0..5 {
            let mut process = match spawn() {
                Ok(process) => process,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    let missing = "chromedriver is not installed: the browser tests are left out";
                    assert!(std::env::var_os("CI").is_none(), "{missing}");
                    eprintln!("{missing}");
                    return None;
                }
                Err(error) => panic!("chromedriver: {error}"),
            };
            let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
            let said = lines.find_map(|line| {
                let line = line.unwrap();
                let port = line.split_once("successfully on port ")?.1;
                port.trim_end_matches('.').parse().ok()
            });
            if let Some(port) = said {
                // It goes on writing, and must not be left without a reader.
                std::thread::spawn(move || lines.for_each(drop));
                return Some(Self { process, port });
            }
            drop(process.kill());
            drop(process.wait());
        }
        panic!("chromedriver finds no port");
    }

    async fn open(&self, habits: Habits) -> Client {
        let mut arguments = vec!["--headless=new", "--disable-gpu", "--disable-dev-shm-usage"];
        arguments.extend(["--no-sandbox", "--no-first-run", "--disable-background-networking"]);
        if habits.dark {
            arguments.push("--blink-settings=preferredColorScheme=0");
        }
        let mut options = json!({ "args": arguments });
        if habits.no_script {
            options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
        }
        if habits.narrow {
            let metrics = json!({ "width": 320, "height": 640, "pixelRatio": 1.0 });
            options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
        }
        let capabilities = json!({
            "browserName": "chrome",
            "acceptInsecureCerts": true,
            "goog:chromeOptions": options,
        });
        let Value::Object(capabilities) = capabilities else { unreachable!() };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities.into_iter().collect());
        builder.connect(&format!("http://127.0.0.1:{}", self.port)).await.expect("Chromium starts")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
