//! The CMS behind the gateway: keeps the exact bytes of every request and answers by script.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// A request as it reached the CMS.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Which connection brought it, counted from 0.
    pub(crate) connection: usize,
    /// The method.
    pub(crate) method: String,
    /// The target, byte for byte.
    pub(crate) target: String,
    /// The version.
    pub(crate) version: String,
    /// Header lines in order, names as written.
    pub(crate) headers: Vec<(String, String)>,
    /// The body without its framing.
    pub(crate) body: Vec<u8>,
    /// Trailer lines.
    pub(crate) trailers: Vec<(String, String)>,
    /// Head and body as they came.
    pub(crate) raw: Vec<u8>,
}

impl Seen {
    /// Every value of `name`, without regard to case.
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        let same = |known: &str| known.eq_ignore_ascii_case(name);
        self.headers.iter().filter(|(n, _)| same(n)).map(|(_, v)| v.as_str()).collect()
    }

    /// The only value of `name`; fails when there are several.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let values = self.values(name);
        assert!(values.len() < 2, "{name} came {} times: {values:?}", values.len());
        values.first().copied()
    }

    /// The user name that the gateway tells, without the ten characters that keep equal names of
    /// different people apart.
    pub(crate) fn user(&self) -> Option<&str> {
        let name = self.header("x-forwarded-user")?;
        let (readable, digits) = name.rsplit_once('-').unwrap_or((name, ""));
        assert_eq!(digits.len(), 10, "{name} does not keep people apart");
        Some(readable)
    }

    /// The lines whose names are `name` once letters and digits alone are kept.
    pub(crate) fn skeletons(&self, name: &str) -> Vec<(String, String)> {
        let lines = self.headers.iter().chain(&self.trailers);
        lines.filter(|(known, _)| skeleton(known) == skeleton(name)).cloned().collect()
    }

    /// Everything that came, as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }
}

/// What a CGI-style server folds names to, and more: letters and digits alone.
pub(crate) fn skeleton(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// One step of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Writes these bytes.
    Write(Vec<u8>),
    /// Waits.
    Wait(Duration),
    /// Closes the connection.
    Close,
    /// Sends back whatever comes, for ever: the far end of a tunnel.
    Echo,
}

impl Step {
    /// An answer with a body and a content length.
    pub(crate) fn answer(status: &str, headers: &[&str], body: &str) -> Self {
        let lines = headers.iter().flat_map(|line| [line, "\r\n"]).collect::<String>();
        let length = body.len();
        let text = format!("HTTP/1.1 {status}\r\n{lines}Content-Length: {length}\r\n\r\n{body}");
        Self::Write(text.into_bytes())
    }

    /// Bytes of an answer as they stand.
    pub(crate) fn text(text: &str) -> Self {
        Self::Write(text.as_bytes().to_vec())
    }
}

type Script = dyn Fn(&Seen) -> Vec<Step> + Send + Sync;

#[derive(Default)]
struct State {
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    script: Mutex<Option<Arc<Script>>>,
    /// Bytes that came on a connection after the last request that could be read.
    stray: Mutex<Vec<u8>>,
}

/// The CMS. Ends when dropped.
pub(crate) struct EchoCms {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

impl Drop for EchoCms {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl EchoCms {
    /// Starts on a free port.
    pub(crate) async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap()).await
    }

    /// Starts at `address`: where another one stood before.
    pub(crate) async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { address, state, accepting }
    }

    /// Stops listening and cuts every connection.
    pub(crate) async fn kill(&mut self) {
        self.accepting.abort();
        (&mut self.accepting).await.ok();
    }

    /// Answers by `script` from now on.
    pub(crate) fn script(&self, script: impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static) {
        *self.state.script.lock().unwrap() = Some(Arc::new(script));
    }

    /// Everything that has come so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    /// How many requests have come so far.
    pub(crate) fn count(&self) -> usize {
        self.state.seen.lock().unwrap().len()
    }

    /// What came last.
    pub(crate) fn last(&self) -> Seen {
        self.state.seen.lock().unwrap().last().cloned().expect("nothing has come to the CMS")
    }

    /// Forgets what has come.
    pub(crate) fn clear(&self) {
        self.state.seen.lock().unwrap().clear();
    }

    /// Connections opened so far.
    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Bytes that were no request.
    pub(crate) fn stray(&self) -> Vec<u8> {
        self.state.stray.lock().unwrap().clone()
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let number = state.connections.fetch_add(1, Ordering::SeqCst);
        stream.set_nodelay(true).unwrap();
        let state = Arc::clone(&state);
        connections.spawn(async move { serve(stream, number, &state).await });
    }
}

async fn serve(mut stream: TcpStream, connection: usize, state: &State) -> io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(mut seen) = read(&mut stream, &mut buffer).await? {
        seen.connection = connection;
        let steps = answer(state, &seen);
        state.seen.lock().unwrap().push(seen);
        for step in steps {
            match step {
                Step::Write(bytes) => stream.write_all(&bytes).await?,
                Step::Wait(time) => tokio::time::sleep(time).await,
                Step::Close => return stream.shutdown().await,
                Step::Echo => return echo(stream, &buffer).await,
            }
        }
    }
    state.stray.lock().unwrap().extend(buffer);
    Ok(())
}

fn answer(state: &State, seen: &Seen) -> Vec<Step> {
    let script = state.script.lock().unwrap().clone();
    script.map_or_else(|| vec![default_answer(seen)], |script| script(seen))
}

/// `200` with the request line; nothing after the head of an answer to `HEAD`.
fn default_answer(seen: &Seen) -> Step {
    let body = format!("{} {}", seen.method, seen.target);
    let Step::Write(mut bytes) = Step::answer("200 OK", &["Content-Type: text/plain"], &body)
    else {
        return Step::Close;
    };
    if seen.method == "HEAD" {
        bytes.truncate(bytes.len() - body.len());
    }
    Step::Write(bytes)
}

async fn echo(mut stream: TcpStream, first: &[u8]) -> io::Result<()> {
    stream.write_all(first).await?;
    let (mut read, mut write) = stream.split();
    tokio::io::copy(&mut read, &mut write).await?;
    write.shutdown().await
}

/// The next request; `None` when the connection ends before one is complete.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Seen>> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if !fill(stream, buffer).await? {
            return Ok(None);
        }
    };
    let mut seen = head(&buffer[..end]);
    let mut at = end;
    let chunked = seen.values("transfer-encoding").iter().any(|v| v.contains("chunked"));
    if chunked {
        while let Some(size) = chunk(stream, buffer, &mut at, &mut seen).await? {
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = seen.values("content-length").first() {
        let length: usize = length.parse().unwrap_or(0);
        while buffer.len() < end + length {
            if !fill(stream, buffer).await? {
                return Ok(None);
            }
        }
        seen.body = buffer[end..end + length].to_vec();
        at = end + length;
    }
    seen.raw = buffer.drain(..at).collect();
    Ok(Some(seen))
}

/// Reads one chunk, or with size 0 the trailers; `None` when the connection ends inside it.
async fn chunk(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    at: &mut usize,
    seen: &mut Seen,
) -> io::Result<Option<usize>> {
    let Some(size_line) = line(stream, buffer, at).await? else { return Ok(None) };
    let digits = size_line.split(';').next().unwrap_or_default().trim().to_owned();
    let size = usize::from_str_radix(&digits, 16).unwrap_or(0);
    if size == 0 {
        while let Some(text) = line(stream, buffer, at).await?.filter(|text| !text.is_empty()) {
            seen.trailers.extend(text.split_once(':').map(pair));
        }
        return Ok(Some(0));
    }
    while buffer.len() < *at + size + 2 {
        if !fill(stream, buffer).await? {
            return Ok(None);
        }
    }
    seen.body.extend_from_slice(&buffer[*at..*at + size]);
    *at += size + 2;
    Ok(Some(size))
}

async fn line(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    at: &mut usize,
) -> io::Result<Option<String>> {
    loop {
        if let Some(end) = buffer[*at..].windows(2).position(|w| w == b"\r\n") {
            let text = String::from_utf8_lossy(&buffer[*at..*at + end]).into_owned();
            *at += end + 2;
            return Ok(Some(text));
        }
        if !fill(stream, buffer).await? {
            return Ok(None);
        }
    }
}

async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<bool> {
    Ok(stream.read_buf(buffer).await? > 0)
}

fn head(bytes: &[u8]) -> Seen {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.trim_end().split("\r\n");
    let mut words = lines.next().unwrap_or_default().splitn(3, ' ').map(str::to_owned);
    let mut word = || words.next().unwrap_or_default();
    let (method, target, version) = (word(), word(), word());
    let headers = lines.filter_map(|line| line.split_once(':')).map(pair).collect();
    Seen { method, target, version, headers, ..Seen::default() }
}

fn pair((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.trim().to_owned())
}
