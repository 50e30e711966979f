//! `[records] url`: where the records are, and how to get in.
//!
//! | url | is |
//! |---|---|
//! | `sqlite:FILE` | a file; relative to the data folder |
//! | `postgres://USER@HOST:PORT/DATABASE?sslmode=…` | a PostgreSQL server; `postgresql:` is the same |
//!
//! The password stands in the url, or in `WANGLOU_RECORDS_PASSWORD` or `PGPASSWORD` (or in the file that the same name with
//! `_FILE` names). It is never shown: what is shown of an address has neither password nor options.

use super::{RecordsError, dialect::Dialect};
use schemas::kit::settings::{Settings, secret};
use std::{fmt, path::Path};
use url::Url;

/// What may follow the `?`, as PostgreSQL's own programs call it.
const OPTIONS: &[&str] =
    &["sslmode", "sslrootcert", "sslcert", "sslkey", "host", "port", "user", "dbname", "application_name", "options"];
const SSL_MODES: &[&str] = &["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// Where the records are.
pub(super) struct Address {
    /// Which database.
    pub(super) dialect: Dialect,
    /// What the driver opens. Holds the password: for the driver alone.
    pub(super) url: String,
    shown: String,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Address {
    /// The address that the settings name.
    pub(super) fn of(settings: &Settings) -> Result<Self, RecordsError> {
        let password = || secret("WANGLOU_RECORDS_PASSWORD").or_else(|| secret("PGPASSWORD"));
        Self::parse(&settings.records.url, &settings.data_dir, password)
    }

    fn parse(url: &str, data_dir: &Path, password: impl Fn() -> Option<String>) -> Result<Self, RecordsError> {
        let parsed = match url.split_once(':') {
            Some(("sqlite", file)) => Self::sqlite(url, file, data_dir),
            Some(("postgres" | "postgresql", _)) => Self::postgres(url, password),
            _ => Err("it begins with neither \"sqlite:\" nor \"postgres://\"".into()),
        };
        parsed.map_err(|why| RecordsError::Address { url: shown(url), why })
    }

    fn sqlite(url: &str, file: &str, data_dir: &Path) -> Result<Self, String> {
        let file = file.trim_start_matches("//");
        if file.is_empty() || file.contains(['?', '#']) || file == ":memory:" {
            return Err("it names no file".into());
        }
        let path = std::path::absolute(data_dir.join(file)).map_err(|error| error.to_string())?;
        let path = path.to_str().ok_or("the data folder's name is not UTF-8")?;
        let escaped = path.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
        Ok(Self { dialect: Dialect::Sqlite, url: format!("sqlite://{escaped}?mode=rwc"), shown: url.to_owned() })
    }

    fn postgres(url: &str, password: impl Fn() -> Option<String>) -> Result<Self, String> {
        let mut parsed = Url::parse(url).map_err(|error| error.to_string())?;
        let options: Vec<(String, String)> = parsed.query_pairs().into_owned().collect();
        for (name, value) in &options {
            if name == "password" {
                return Err(
                    "a password is no option: write it behind the user, or into WANGLOU_RECORDS_PASSWORD".into()
                );
            }
            if !OPTIONS.contains(&name.as_str()) {
                return Err(format!("{name:?} is no option: there are {}", OPTIONS.join(", ")));
            }
            if name == "sslmode" && !SSL_MODES.contains(&value.as_str()) {
                return Err(format!("{value:?} is no sslmode: there are {}", SSL_MODES.join(", ")));
            }
        }
        let has = |name: &str| options.iter().any(|(known, _)| known == name);
        if parsed.path().trim_matches('/').is_empty() && !has("dbname") {
            return Err("it names no database".into());
        }
        if parsed.host_str().is_none_or(str::is_empty) && !has("host") {
            return Err("it names no host: for a local socket, end it with ?host=/run/postgresql".into());
        }
        if parsed.password().is_none()
            && let Some(password) = password()
        {
            parsed.set_password(Some(&password)).map_err(|()| "it can bear no password")?;
        }
        if !has("application_name") {
            parsed.query_pairs_mut().append_pair("application_name", "wanglou");
        }
        Ok(Self { dialect: Dialect::Postgres, url: parsed.into(), shown: shown(url) })
    }
}

/// An address without what may be secret: the password, and every option.
fn shown(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else {
        return url.split_once("://").map_or_else(|| url.to_owned(), |(scheme, _)| format!("{scheme}://…"));
    };
    if url.starts_with("sqlite:") {
        return url.to_owned();
    }
    let _ = parsed.set_password(None);
    parsed.set_query(None);
    parsed.set_fragment(None);
    parsed.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str, password: Option<&str>) -> Result<Address, RecordsError> {
        Address::parse(url, Path::new("/var/lib/wang lou%"), || password.map(str::to_owned))
    }

    #[test]
    fn files() {
        let url = |url: &str| parse(url, None).unwrap().url;
        assert_eq!(url("sqlite:records.db"), "sqlite:///var/lib/wang lou%25/records.db?mode=rwc");
        assert_eq!(url("sqlite:///srv/r.db"), "sqlite:///srv/r.db?mode=rwc");
    }

    #[test]
    fn servers() {
        let named =
            parse("postgres://wanglou@db.example:5433/records?sslmode=verify-full", Some("hush, it's @/ß")).unwrap();
        assert_eq!(named.dialect, Dialect::Postgres);
        assert_eq!(named.to_string(), "postgres://wanglou@db.example:5433/records");
        // What ends a password in an address is escaped; an apostrophe may be.
        let url = named.url.replace("%27", "'");
        assert!(url.starts_with("postgres://wanglou:hush,%20it's%20%40%2F%C3%9F@db.example"), "{url}");
        assert!(named.url.ends_with("?sslmode=verify-full&application_name=wanglou"), "{}", named.url);
        let own = parse("postgresql://wanglou:own@db/records", Some("other")).unwrap();
        assert!(own.url.contains(":own@") && !own.to_string().contains("own@"), "{own}");
        assert!(parse("postgres:///records?host=/run/postgresql", None).is_ok());
    }

    #[test]
    fn what_is_no_address_is_named_without_its_password() {
        for (bad, why) in [
            ("", "neither"),
            ("records.db", "neither"),
            ("mysql://u:s3cret@h/d", "neither"),
            ("sqlite:", "no file"),
            ("sqlite:a?mode=ro", "no file"),
            ("sqlite::memory:", "no file"),
            ("postgres://u:s3cret@h", "no database"),
            ("postgres:///d", "no host"),
            ("postgres://u:s3cret@h:port/d", "port"),
            ("postgres://u:s3cret@h/d?sslmode=of", "no sslmode"),
            ("postgres://u:s3cret@h/d?ssl=on", "no option"),
            ("postgres://u@h/d?password=s3cret", "no option"),
        ] {
            let error = parse(bad, None).err().unwrap().to_string();
            assert!(
                error.contains(why) && error.contains("sqlite:FILE") && !error.contains("s3cret"),
                "{bad}: {error}"
            );
        }
    }
}
