//! API keys: made once, shown once, kept as a hash.
//!
//! A key is `hdy_<environment>_<id>_<secret><checksum>`. The secret has 256 random bits, so one SHA-256 is all the
//! stretching it needs; the checksum tells a mistyped key, and a scanner what is none, without a look into the database.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Role;
use crate::audit::{self, Record};
use crate::engine::Heady;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Arg, Row, Store, args};
use crate::types::{Id, Timestamp, hex, now, unhex};

/// The environment of a key that names none.
const ENVIRONMENT: &str = "prod";

/// An API key without its secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// The key's identifier; it is a part of the key.
    pub id: Id,
    /// Whose it is: what it does stands in the audit log under `key:` and this name.
    pub name: String,
    /// Where it works.
    pub environment: String,
    /// What it may do: `viewer`, `operator` or `admin` for the routes, any other words for the policies of tools.
    pub roles: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A new API key: the only time that its secret is seen.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewApiKey {
    /// The key, to be sent as `Authorization: Bearer <key>` or `X-Heady-Api-Key: <key>`.
    pub key: String,
    /// What is kept of it.
    #[serde(flatten)]
    pub entry: ApiKey,
}

impl fmt::Debug for NewApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewApiKey")
            .field("entry", &self.entry)
            .finish_non_exhaustive()
    }
}

/// A key to make.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct AddApiKey {
    /// Whose it is; no two keys that are valid have the same name.
    pub name: String,
    /// Where it works: a lower-case word; `prod` if left out.
    pub environment: Option<String>,
    /// What it may do; `viewer` if left out.
    pub roles: Option<Vec<String>>,
}

/// All keys, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyList {
    /// The keys.
    pub keys: Vec<ApiKey>,
}

/// The API keys of an engine's database.
#[derive(Debug, Clone)]
pub struct ApiKeys {
    store: Store,
    actor: Arc<str>,
}

impl ApiKeys {
    /// The keys of this engine, made and revoked by its actor.
    pub fn of(heady: &Heady) -> Self {
        Self {
            store: heady.store().clone(),
            actor: heady.actor().into(),
        }
    }

    /// Makes a key.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming the field, or `ALREADY_EXISTS` for the name of a valid key.
    pub async fn add(&self, options: AddApiKey) -> Result<NewApiKey> {
        let environment = options
            .environment
            .unwrap_or_else(|| ENVIRONMENT.to_owned());
        let roles = options
            .roles
            .unwrap_or_else(|| vec![Role::Viewer.as_str().to_owned()]);
        check_name(&options.name)?;
        check_word("environment", &environment)?;
        roles
            .iter()
            .try_for_each(|role| check_word("roles", role))?;
        if highest(&roles).is_none() {
            return Err(Error::invalid_argument(
                "roles: one of viewer, operator and admin must be among them",
            ));
        }
        let entry = ApiKey {
            id: Id::new(),
            name: options.name,
            environment,
            roles,
            created_at: now(),
            revoked_at: None,
        };
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| {
            Error::unavailable(format!("the system gives no random bytes: {error}"))
        })?;
        let key = NewApiKey {
            key: text(&entry, &secret),
            entry,
        };
        self.insert(&key.entry, hex(&Sha256::digest(secret)))
            .await?;
        Ok(key)
    }

    async fn insert(&self, entry: &ApiKey, hash: String) -> Result<()> {
        let record = self.record(&entry.id).with(json!({
            "change": "CREATE", "name": entry.name, "environment": entry.environment, "roles": entry.roles,
        }));
        let name = entry.name.clone();
        let row = vec![
            Arg::uuid(&entry.id),
            (&entry.name).into(),
            (&entry.environment).into(),
            entry.roles.as_slice().into(),
            hash.into(),
            entry.created_at.into(),
        ];
        self.store
            .write(move |transaction| {
                Box::pin(async move {
                    transaction
                        .execute(INSERT, row)
                        .await
                        .map_err(|error| match error.kind() {
                            ErrorKind::AlreadyExists => {
                                Error::already_exists(format!("API key '{name}' exists already"))
                                    .caused_by(error)
                            }
                            _ => error,
                        })?;
                    audit::append(transaction, &[record]).await
                })
            })
            .await
    }

    /// Lists all keys, revoked ones included, the newest first.
    pub async fn list(&self) -> Result<ApiKeyList> {
        let rows = self.store.fetch_all(LIST, vec![]).await?;
        let keys = rows.iter().map(entry).collect::<Result<_>>()?;
        Ok(ApiKeyList { keys })
    }

    /// Revokes the key of this id or name: from now on it is refused.
    ///
    /// # Errors
    /// `NOT_FOUND` if no valid key is called so.
    pub async fn revoke(&self, key: &str) -> Result<ApiKey> {
        let (wanted, id, actor) = (key.to_owned(), Id::from(key), self.clone());
        self.store
            .write(move |transaction| {
                Box::pin(async move {
                    let row = transaction
                        .fetch_optional(REVOKE, args![Arg::Uuid(id.uuid()), &wanted, now()])
                        .await?;
                    let row = row.ok_or_else(|| Error::not_found("valid API key", &wanted))?;
                    let entry = entry(&row)?;
                    let record = actor
                        .record(&entry.id)
                        .with(json!({"change": "REVOKE", "name": entry.name}));
                    audit::append(transaction, &[record]).await?;
                    Ok(entry)
                })
            })
            .await
    }

    fn record(&self, id: &Id) -> Record {
        Record::new(
            &self.actor,
            "CONFIG_CHANGE",
            format!("api-key:{id}"),
            "SUCCEEDED",
        )
    }

    /// Whether a key was ever made: from then on nobody is let in without one, also when all are revoked.
    pub(super) async fn required(&self) -> Result<bool> {
        let found = self.store.fetch_optional(ANY, vec![]).await?;
        Ok(found.is_some())
    }

    /// The valid key of this text, or `None`, whatever is wrong with it.
    pub(super) async fn verify(&self, text: &str) -> Result<Option<ApiKey>> {
        let Some((id, secret)) = parts(text) else {
            return Ok(None);
        };
        let row = self
            .store
            .fetch_optional(VALID, vec![Arg::Uuid(Some(id))])
            .await?;
        let Some(row) = row else { return Ok(None) };
        let (found, kept) = (hex(&Sha256::digest(secret)), row.get::<String>("hash")?);
        let entry = entry(&row)?;
        let same = bool::from(found.as_bytes().ct_eq(kept.as_bytes()));
        // A text that names another environment has another checksum, but was never given out.
        let whole = format!("hdy_{}_", entry.environment);
        Ok((same && text.starts_with(&whole)).then_some(entry))
    }
}

/// The highest role for the routes among these words.
pub(super) fn highest(roles: &[String]) -> Option<Role> {
    Role::ALL
        .iter()
        .rev()
        .copied()
        .find(|role| roles.iter().any(|word| word == role.as_str()))
}

fn text(entry: &ApiKey, secret: &[u8; 32]) -> String {
    let id = entry.id.as_str().replace('-', "");
    let text = format!("hdy_{}_{id}_{}", entry.environment, hex(secret));
    format!("{text}{}", checksum(&text))
}

fn checksum(text: &str) -> String {
    hex(&Sha256::digest(text)[..4])
}

/// The id and the secret in the text of a key, if its form and its checksum are right.
fn parts(text: &str) -> Option<(uuid::Uuid, [u8; 32])> {
    let body = text.strip_prefix("hdy_").filter(|_| text.is_ascii())?;
    let mut parts = body.split('_').skip(1);
    let (id, rest) = (parts.next()?, parts.next()?);
    if rest.len() != 72 || parts.next().is_some() || checksum(&text[..text.len() - 8]) != rest[64..]
    {
        return None;
    }
    Some((id.parse().ok()?, unhex(&rest[..64])?))
}

fn check_name(name: &str) -> Result<()> {
    if name.trim().is_empty() || name.len() > 200 || name.chars().any(char::is_control) {
        return Err(Error::invalid_argument(
            "name: must have 1 to 200 characters, none of them a control character",
        ));
    }
    Ok(())
}

fn check_word(field: &str, word: &str) -> Result<()> {
    let fits =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if (1..=32).contains(&word.len()) && word.chars().all(fits) {
        return Ok(());
    }
    Err(Error::invalid_argument(format!(
        "{field}: '{word}' must be 1 to 32 lower-case letters, digits and hyphens"
    )))
}

const INSERT: &str = "INSERT INTO api_keys (id, name, environment, roles, hash, created_at)
     VALUES ($1, $2, $3, $4, $5, $6)";
const LIST: &str =
    "SELECT id, name, environment, roles, created_at, revoked_at FROM api_keys ORDER BY id DESC";
const REVOKE: &str =
    "UPDATE api_keys SET revoked_at = $3 WHERE (id = $1 OR name = $2) AND revoked_at IS NULL
     RETURNING id, name, environment, roles, created_at, revoked_at";
const ANY: &str = "SELECT 1 AS found FROM api_keys LIMIT 1";
const VALID: &str = "SELECT * FROM api_keys WHERE id = $1 AND revoked_at IS NULL";

fn entry(row: &Row) -> Result<ApiKey> {
    Ok(ApiKey {
        id: row.get("id")?,
        name: row.get("name")?,
        environment: row.get("environment")?,
        roles: row.get("roles")?,
        created_at: row.get("created_at")?,
        revoked_at: row.get("revoked_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::AuditQuery;
    use crate::store::testing::{Fresh, on_both_databases};

    on_both_databases!(a_key_is_valid_until_it_is_revoked, what_is_wrong_is_named);

    async fn a_key_is_valid_until_it_is_revoked(fresh: Fresh) {
        let heady = Heady::connect(&fresh.url).await.unwrap();
        let keys = ApiKeys::of(&heady.acting_as("user:anna"));
        assert!(!keys.required().await.unwrap());
        let options = AddApiKey {
            name: "ci".to_owned(),
            roles: Some(vec!["deployer".to_owned(), "operator".to_owned()]),
            ..AddApiKey::default()
        };
        let made = keys.add(options.clone()).await.unwrap();
        assert_eq!(
            keys.verify(&made.key).await.unwrap(),
            Some(made.entry.clone())
        );
        assert_eq!(highest(&made.entry.roles), Some(Role::Operator));
        let twice = keys.add(options.clone()).await.unwrap_err();
        assert_eq!(twice.kind(), ErrorKind::AlreadyExists);

        // Nothing that is kept or shown leads back to the key.
        let secret = &made.key[made.key.len() - 72..][..64];
        let rows = heady
            .store()
            .fetch_all("SELECT hash FROM api_keys", vec![])
            .await
            .unwrap();
        assert_ne!(rows[0].get::<String>("hash").unwrap(), secret);
        let shown = format!("{made:?} {keys:?} {:?}", keys.list().await.unwrap());
        assert!(!shown.contains(secret));

        let revoked = keys.revoke("ci").await.unwrap();
        assert!(revoked.revoked_at.is_some());
        assert_eq!(keys.verify(&made.key).await.unwrap(), None);
        assert!(keys.required().await.unwrap());
        assert_eq!(
            keys.revoke("ci").await.unwrap_err().kind(),
            ErrorKind::NotFound
        );
        keys.add(options).await.unwrap();
        let query = AuditQuery {
            target: Some(format!("api-key:{}", made.entry.id)),
            ..AuditQuery::default()
        };
        let entries = heady.audit().list(query).await.unwrap().entries;
        let changes: Vec<_> = entries
            .iter()
            .map(|entry| entry.details["change"].clone())
            .collect();
        assert_eq!(changes, ["REVOKE", "CREATE"]);
        assert!(entries.iter().all(|entry| entry.actor == "user:anna"));
    }

    async fn what_is_wrong_is_named(fresh: Fresh) {
        let heady = Heady::connect(&fresh.url).await.unwrap();
        let keys = ApiKeys::of(&heady);
        let add = async |name: &str, environment: &str, role: &str| {
            let options = AddApiKey {
                name: name.to_owned(),
                environment: Some(environment.to_owned()),
                roles: Some(vec![role.to_owned()]),
            };
            keys.add(options).await
        };
        for (name, environment, role) in [
            (" ", "prod", "admin"),
            ("a", "Prod_1", "admin"),
            ("a", "prod", "root"),
            ("a", "prod", "ADMIN"),
        ] {
            let error = add(name, environment, role).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        }
        assert!(!keys.required().await.unwrap());
        let (one, other) = (
            add("a", "dev", "admin").await.unwrap(),
            add("b", "dev", "viewer").await.unwrap(),
        );
        let (head, tail) = other.key.split_at(other.key.len() - 72);
        let crossed = format!("{}{}", &one.key[..head.len()], &tail[..64]);
        let crossed = format!("{crossed}{}", checksum(&crossed));
        let elsewhere = one.key[..one.key.len() - 8].replace("hdy_dev_", "hdy_prod_");
        let elsewhere = format!("{elsewhere}{}", checksum(&elsewhere));
        let mistyped = one.key.replace("hdy_dev_", "hdy_dev_0");
        for wrong in [
            "",
            "hdy_",
            "hdy_dev_x_y",
            &crossed,
            &elsewhere,
            &mistyped,
            &"é".repeat(60),
        ] {
            assert_eq!(keys.verify(wrong).await.unwrap(), None, "{wrong}");
        }
    }
}
