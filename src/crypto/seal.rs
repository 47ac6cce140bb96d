//! Sealing: AES-256-GCM under a ring of keys, with purpose and version as associated data, so that
//! what was sealed for one purpose opens for no other.

use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::aead::AES_256_GCM;
use aws_lc_rs::aead::Aad;
use aws_lc_rs::aead::Nonce;
use aws_lc_rs::aead::RandomizedNonceKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::crypto::random;

/// Seals with its first key and opens with any. Clones share the keys.
#[derive(Clone, Debug)]
pub struct SealKeys(Arc<[SealKey]>);

#[derive(Debug)]
struct SealKey {
    id: [u8; 4],
    key: RandomizedNonceKey,
}

impl SealKeys {
    /// A ring with one key that dies with the process.
    pub fn ephemeral() -> Self {
        Self(SealKey::new(random::bytes()).into_iter().collect())
    }

    /// A ring made from secrets that people keep: the first seals, any opens. Each must be as good as
    /// a key; a password would be guessed.
    pub fn from_secrets<'a>(secrets: impl Iterator<Item = &'a str>) -> Self {
        let key = |secret: &str| {
            let digest =
                crate::crypto::digest::sha512(format!("vestibule/seal/{secret}").as_bytes());
            let (key, _) = digest.split_first_chunk::<32>()?;
            SealKey::new(*key)
        };
        Self(secrets.filter_map(key).collect())
    }

    /// The ring kept in `directory`: every `seal-*.key` (32 raw bytes), newest name first. Makes the
    /// first key, at mode 0600, when there is none.
    ///
    /// # Errors
    ///
    /// When the directory or a key cannot be read or written, or a key is not 32 bytes long.
    pub fn open(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let mut files: Vec<_> = fs::read_dir(directory)?
            .filter_map(|entry| entry.ok().map(|e| e.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "key"))
            .filter(|path| {
                path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with("seal-"))
            })
            .collect();
        if files.is_empty() {
            let first = directory.join("seal-0001.key");
            write_private(&first, &random::bytes::<32>())?;
            files.push(first);
        }
        files.sort_unstable_by(|a, b| b.cmp(a));
        let keys = files.iter().map(|file| read_key(file)).collect::<io::Result<Vec<_>>>()?;
        Ok(Self(keys.into()))
    }

    /// Seals `plain` for `purpose`: base64url without padding. `None` only if the cipher fails.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Option<String> {
        let key = self.0.first()?;
        let mut sealed = plain.to_vec();
        let nonce = key.key.seal_in_place_append_tag(aad(purpose, key.id), &mut sealed).ok()?;
        let mut message = Vec::with_capacity(16 + sealed.len());
        message.extend_from_slice(&key.id);
        message.extend_from_slice(nonce.as_ref());
        message.append(&mut sealed);
        Some(URL_SAFE_NO_PAD.encode(message))
    }

    /// Opens what [`Self::seal`] made for the same purpose under any key of the ring.
    pub fn open_sealed(&self, purpose: &str, sealed: &str) -> Option<Vec<u8>> {
        let message = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (id, rest) = message.split_first_chunk::<4>()?;
        let (nonce, sealed) = rest.split_first_chunk::<12>()?;
        let key = self.0.iter().find(|key| key.id == *id)?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = key.key.open_in_place(nonce, aad(purpose, key.id), &mut sealed).ok()?;
        Some(plain.to_vec())
    }
}

impl SealKey {
    fn new(bytes: [u8; 32]) -> Option<Self> {
        let [a, b, c, d, ..] = crate::crypto::digest::sha256(&bytes);
        let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes).ok()?;
        Some(Self { id: [a, b, c, d], key })
    }
}

/// Version 1 of the format, the purpose, and the key's id.
fn aad(purpose: &str, id: [u8; 4]) -> Aad<Vec<u8>> {
    let mut data = b"vestibule/1/".to_vec();
    data.extend_from_slice(&id);
    data.extend_from_slice(purpose.as_bytes());
    Aad::from(data)
}

fn read_key(file: &Path) -> io::Result<SealKey> {
    let bytes: [u8; 32] = fs::read(file)?
        .try_into()
        .map_err(|_| io::Error::other(format!("{} is not 32 bytes long", file.display())))?;
    SealKey::new(bytes).ok_or_else(|| io::Error::other("a sealing key was refused"))
}

/// Writes `bytes` to a new file that only its owner can read, whole or not at all.
///
/// # Errors
///
/// When the file exists already or cannot be written.
pub fn write_private(file: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    // A name of its own, so that of two processes neither links what the other has half written.
    let half = file.with_extension(format!("{}.new", random::identifier()));
    let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half)?;
    out.write_all(bytes)?;
    out.sync_all()?;
    // `hard_link` refuses to overwrite, so of two processes that start together one key stays.
    let linked = fs::hard_link(&half, file);
    fs::remove_file(&half)?;
    linked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn j226_a_seal_opens_for_its_purpose_only_and_whole_only() {
        let keys = SealKeys::ephemeral();
        let sealed = keys.seal("state", b"hello").unwrap();
        assert_eq!(keys.open_sealed("state", &sealed).unwrap(), b"hello");
        assert!(keys.open_sealed("session", &sealed).is_none());
        assert!(SealKeys::ephemeral().open_sealed("state", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut bent = sealed.clone().into_bytes();
            bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
            assert!(keys.open_sealed("state", &String::from_utf8(bent).unwrap()).is_none());
        }
        for length in 0..sealed.len() {
            assert!(keys.open_sealed("state", &sealed[..length]).is_none());
        }
    }

    #[test]
    fn keys_outlive_the_process_and_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let sealed = SealKeys::open(directory.path()).unwrap().seal("p", b"x").unwrap();
        let again = SealKeys::open(directory.path()).unwrap();
        assert_eq!(again.open_sealed("p", &sealed).unwrap(), b"x");
        let mode =
            fs::metadata(directory.path().join("seal-0001.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
