//! The key that signs checkpoints and those that check them, in the texts of C2SP's signed notes.

use std::fmt;
use std::fs::File;
use std::io::{ErrorKind as IoErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use crate::error::{Error, Result};
use crate::types::{hex, unhex};

/// The algorithm byte of Ed25519.
const ED25519: u8 = 1;

/// Where an engine's signing key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyPlace {
    /// In this file, created if it is missing.
    File(PathBuf),
    /// The same, and somebody relies on it.
    Named(PathBuf),
    /// In this process, gone with it: for a database that is gone with it too.
    Memory,
    /// Nowhere.
    Nowhere,
}

/// The signing key of an engine, read when it is first needed.
#[derive(Debug)]
pub(super) struct KeyRing {
    place: KeyPlace,
    key: OnceCell<Arc<PrivateKey>>,
}

impl KeyRing {
    pub(super) fn new(place: KeyPlace) -> Self {
        Self {
            place,
            key: OnceCell::new(),
        }
    }

    /// Whether this engine has, or would create, a key.
    pub(super) fn can_sign(&self) -> bool {
        self.place != KeyPlace::Nowhere
    }

    /// The key, created if there is none yet.
    pub(super) async fn private(&self) -> Result<&PrivateKey> {
        let place = self.place.clone();
        let key = self.key.get_or_try_init(|| async move {
            match place {
                KeyPlace::File(path) | KeyPlace::Named(path) => blocking(move || read_or_create(&path)).await,
                KeyPlace::Memory => PrivateKey::generate().map(Arc::new),
                KeyPlace::Nowhere => Err(Error::failed_precondition(
                    "there is no key to sign checkpoints with: name a key file, which is created if it is missing, with \
                     the option auditKey (--audit-key, HEADY_AUDIT_KEY)",
                )),
            }
        });
        Ok(key.await?)
    }

    /// The key, unless there is none yet.
    pub(super) async fn existing(&self) -> Result<Option<&PrivateKey>> {
        let exists = match &self.place {
            KeyPlace::File(path) | KeyPlace::Named(path) => path.exists(),
            KeyPlace::Memory | KeyPlace::Nowhere => false,
        };
        if exists || self.key.initialized() {
            return self.private().await.map(Some);
        }
        Ok(None)
    }

    /// Whether there is a key that only signing makes: the one beside a database.
    pub(super) fn has_signed(&self) -> bool {
        matches!(&self.place, KeyPlace::File(path) if path.exists())
    }

    /// The key's public half, unless there is no key yet.
    pub(super) async fn public(&self) -> Result<Option<PublicKey>> {
        match (self.existing().await?, &self.place) {
            (Some(key), _) => Ok(Some(key.public())),
            (None, KeyPlace::Named(path)) => {
                Err(Error::not_found("audit key", &path.display().to_string()))
            }
            (None, _) => Ok(None),
        }
    }

    /// Checks that the key that somebody named can be used, or made.
    pub(super) async fn check(&self) -> Result<()> {
        let KeyPlace::Named(path) = &self.place else {
            return Ok(());
        };
        if path.exists() {
            return self.private().await.map(drop);
        }
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        match folder.filter(|folder| !folder.is_dir()) {
            Some(folder) => Err(Error::invalid_argument(format!(
                "auditKey: there is no folder '{}'",
                folder.display()
            ))),
            None => Ok(()),
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal("reading a key ended in a panic").caused_by(error))?
}

fn read_or_create(path: &Path) -> Result<Arc<PrivateKey>> {
    if !path.exists() {
        create(path).map_err(|error| failed(path, error))?;
    }
    read(path).map(Arc::new)
}

/// The public half of the key in a file, which is not created.
///
/// # Errors
/// `NOT_FOUND`, `PERMISSION_DENIED`, or `FAILED_PRECONDITION` for a file that holds no key.
pub fn public_key(path: &Path) -> Result<String> {
    Ok(read(path)?.public().text())
}

fn read(path: &Path) -> Result<PrivateKey> {
    let bytes = std::fs::read(path).map_err(|error| failed(path, error))?;
    let text = str::from_utf8(&bytes).unwrap_or_default();
    PrivateKey::read(text.trim_end()).ok_or_else(|| {
        Error::failed_precondition(format!(
            "'{}' holds no key: it must be one line PRIVATE+KEY+<name>+<id>+<base64> with an Ed25519 key; without the file \
             a new one is made",
            path.display()
        ))
    })
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    let message = format!("the audit key '{}': {error}", path.display());
    let failed = match error.kind() {
        IoErrorKind::NotFound => Error::new(crate::ErrorKind::NotFound, message),
        IoErrorKind::PermissionDenied => Error::permission_denied(message),
        _ => Error::failed_precondition(message),
    };
    failed.caused_by(error)
}

/// Makes a key file, unless there is one by then: whole or not at all, whatever becomes of this process or the disk.
fn create(path: &Path) -> std::io::Result<()> {
    let key = PrivateKey::generate().map_err(std::io::Error::other)?;
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}", hex(&key.public().id)));
    let unfinished = PathBuf::from(unfinished);
    let made = fill(&unfinished, &key.text()).and_then(|()| {
        match std::fs::hard_link(&unfinished, path) {
            Err(error) if error.kind() == IoErrorKind::AlreadyExists => Ok(()),
            // On a file system without links. Who makes one at the same moment is not seen there.
            Err(_) => std::fs::rename(&unfinished, path),
            Ok(()) => Ok(()),
        }
    });
    // It is gone already where it was renamed.
    let _ = std::fs::remove_file(&unfinished);
    made
}

/// Writes a new file that its owner alone can read.
fn fill(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A key that signs; its text is never part of a message.
pub(super) struct PrivateKey {
    name: String,
    key: SigningKey,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl PrivateKey {
    fn generate() -> Result<Self> {
        let (mut seed, mut name) = ([0; 32], [0; 8]);
        getrandom::fill(&mut seed)
            .and_then(|()| getrandom::fill(&mut name))
            .map_err(|error| Error::internal("the system has no randomness").caused_by(error))?;
        Ok(Self {
            name: format!("heady/audit/{}", hex(&name)),
            key: SigningKey::from_bytes(&seed),
        })
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("PRIVATE+KEY+")?.splitn(3, '+');
        let (name, id, bytes) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = BASE64.decode(bytes).ok()?;
        let (&ED25519, seed) = bytes.split_first()? else {
            return None;
        };
        let key = Self {
            name: name.to_owned(),
            key: SigningKey::from_bytes(seed.try_into().ok()?),
        };
        (hex(&key.public().id) == id).then_some(key)
    }

    fn text(&self) -> String {
        let mut bytes = vec![ED25519];
        bytes.extend(self.key.to_bytes());
        let id = hex(&self.public().id);
        format!("PRIVATE+KEY+{}+{id}+{}\n", self.name, BASE64.encode(bytes))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn public(&self) -> PublicKey {
        PublicKey::new(&self.name, self.key.verifying_key())
    }

    /// The signature line of a text.
    pub(super) fn sign(&self, text: &str) -> String {
        let mut bytes = self.public().id.to_vec();
        bytes.extend(self.key.sign(text.as_bytes()).to_bytes());
        format!("\u{2014} {} {}\n", self.name, BASE64.encode(bytes))
    }
}

/// A key that checks: `<name>+<id>+<base64>`, a C2SP verifier key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicKey {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

impl PublicKey {
    fn new(name: &str, key: VerifyingKey) -> Self {
        let hash = Sha256::new()
            .chain_update(name)
            .chain_update([b'\n', ED25519])
            .chain_update(key.as_bytes())
            .finalize();
        Self {
            name: name.to_owned(),
            id: [hash[0], hash[1], hash[2], hash[3]],
            key,
        }
    }

    /// Reads a key's text.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if it is none.
    pub(super) fn read(text: &str) -> Result<Self> {
        Self::try_read(text.trim()).ok_or_else(|| {
            Error::invalid_argument(format!(
                "'{text}' is no public key: it must be <name>+<id>+<base64>, as `heady audit checkpoint` prints it"
            ))
        })
    }

    fn try_read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '+');
        let (name, id, bytes) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = BASE64.decode(bytes).ok()?;
        let (&ED25519, bytes) = bytes.split_first()? else {
            return None;
        };
        let key = VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()?;
        let key = Self::new(name, key);
        (unhex(id)? == key.id).then_some(key)
    }

    pub(super) fn text(&self) -> String {
        let mut bytes = vec![ED25519];
        bytes.extend(self.key.as_bytes());
        format!("{}+{}+{}", self.name, hex(&self.id), BASE64.encode(bytes))
    }

    /// Whether a signature line under this key's name is this key's signature of the text.
    pub(super) fn has_signed(&self, text: &str, line: &str) -> bool {
        let signature = line
            .strip_prefix("\u{2014} ")
            .and_then(|line| line.strip_prefix(&*self.name)?.strip_prefix(' '))
            .and_then(|bytes| BASE64.decode(bytes).ok())
            .and_then(|bytes| {
                let bytes = bytes.strip_prefix(&self.id)?;
                Signature::from_slice(bytes).ok()
            });
        signature
            .is_some_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}
