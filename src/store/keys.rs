//! Where the identity server's signing keys are kept: in a directory, one file of mode 0600 a key, or
//! in the database that several instances share. What a key says is its owner's business.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::crypto::random;
use crate::crypto::seal;
use crate::crypto::secret::Secret;
use crate::store::StoreError;
use crate::store::sql::Database;
use crate::store::sql::keys::SqlKeys;

/// A signing key as it is kept.
#[derive(Clone, Debug)]
pub struct KeptKey {
    /// Its name: lower-case letters, digits and hyphens.
    pub name: String,
    /// The private half: PKCS#8 in base64, or sealed.
    pub private_half: Secret,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it signs.
    pub signs_from: Timestamp,
    /// When it is to be forgotten, if that has been decided.
    pub retires_at: Option<Timestamp>,
}

/// The keys, wherever they are.
#[derive(Clone, Debug)]
pub struct KeyStore(Place);

#[derive(Clone, Debug)]
enum Place {
    Directory(PathBuf),
    Database(SqlKeys),
}

impl KeyStore {
    /// In a directory, for one instance.
    pub fn in_directory(directory: &Path) -> Self {
        Self(Place::Directory(directory.to_owned()))
    }

    /// In a database, for all instances that share it.
    pub fn in_database(database: Database) -> Self {
        Self(Place::Database(SqlKeys::new(database)))
    }

    /// Every key, by name.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached, or a key in it cannot be read.
    pub async fn all(&self) -> Result<Vec<KeptKey>, StoreError> {
        match &self.0 {
            Place::Directory(directory) => Ok(Directory(directory).all()?),
            Place::Database(keys) => keys.all().await,
        }
    }

    /// Adds a key; `false` when there is one of that name, which stays.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn add(&self, key: &KeptKey) -> Result<bool, StoreError> {
        match &self.0 {
            Place::Directory(directory) => Ok(Directory(directory).add(key)?),
            Place::Database(keys) => keys.add(key).await,
        }
    }

    /// Puts `key` in the place of the one of that name, if it is there.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn replace(&self, key: &KeptKey) -> Result<(), StoreError> {
        match &self.0 {
            Place::Directory(directory) => Ok(Directory(directory).replace(key)?),
            Place::Database(keys) => keys.replace(key).await,
        }
    }

    /// Forgets a key.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn remove(&self, name: &str) -> Result<(), StoreError> {
        match &self.0 {
            Place::Directory(directory) => Ok(Directory(directory).remove(name)?),
            Place::Database(keys) => keys.remove(name).await,
        }
    }
}

struct Directory<'a>(&'a Path);

/// What a file says.
#[derive(Serialize, Deserialize)]
struct Content {
    private: String,
    created_at: i64,
    signs_from: i64,
    retires_at: Option<i64>,
}

/// What the names of all signing keys in the directory begin with: others are kept there too.
const PREFIX: &str = "identity-";

impl Directory<'_> {
    fn all(&self) -> io::Result<Vec<KeptKey>> {
        let entries = match fs::read_dir(self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| at(self.0, &error))?,
        };
        let mut keys = Vec::new();
        for entry in entries {
            let file = entry?.path();
            let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            let kind = file.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
            if name.starts_with(PREFIX) && matches!(kind, "json" | "p8") {
                let read = if kind == "json" { read(name, &file) } else { read_plain(name, &file) };
                keys.push(read.map_err(|error| at(&file, &error))?);
            }
        }
        keys.sort_by(|a: &KeptKey, b| a.name.cmp(&b.name));
        Ok(keys)
    }

    fn add(&self, key: &KeptKey) -> io::Result<bool> {
        fs::create_dir_all(self.0)?;
        let file = self.file(&key.name);
        match seal::write_private(&file, &content(key)?) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(at(&file, &error)),
            Ok(()) => Ok(true),
        }
    }

    fn replace(&self, key: &KeptKey) -> io::Result<()> {
        let file = self.file(&key.name);
        let new = self.0.join(format!("new-{}", random::identifier()));
        seal::write_private(&new, &content(key)?).and_then(|()| fs::rename(&new, &file))?;
        remove(&self.plain_file(&key.name))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        remove(&self.file(name))?;
        remove(&self.plain_file(name))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.json"))
    }

    /// As earlier versions of this program kept it: PKCS#8 alone.
    fn plain_file(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.p8"))
    }
}

fn content(key: &KeptKey) -> io::Result<Vec<u8>> {
    let content = Content {
        private: key.private_half.expose().to_owned(),
        created_at: key.created_at.0,
        signs_from: key.signs_from.0,
        retires_at: key.retires_at.map(|at| at.0),
    };
    Ok(serde_json::to_vec_pretty(&content)?)
}

fn read(name: &str, file: &Path) -> io::Result<KeptKey> {
    let content: Content = serde_json::from_slice(&fs::read(file)?)?;
    Ok(KeptKey {
        name: name.to_owned(),
        private_half: Secret::new(content.private),
        created_at: Timestamp(content.created_at),
        signs_from: Timestamp(content.signs_from),
        retires_at: content.retires_at.map(Timestamp),
    })
}

fn read_plain(name: &str, file: &Path) -> io::Result<KeptKey> {
    let modified = fs::metadata(file)?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    let made = Timestamp(0).plus(modified);
    Ok(KeptKey {
        name: name.to_owned(),
        private_half: Secret::new(STANDARD.encode(fs::read(file)?)),
        created_at: made,
        signs_from: made,
        retires_at: None,
    })
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(file, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn at(file: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", file.display()))
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        Self(error.to_string().into())
    }
}
