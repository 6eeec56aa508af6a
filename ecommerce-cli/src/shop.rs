//! The shop that a command works on, and where what it says goes.

use std::{fmt, path::Path, str::FromStr};

use ecommerce_core::{Currency, Invalid, Store, StoreBuilder, StoreError, System};

use crate::{args::Global, error::Error, print::Output};

/// The database and the form of output that every command is given.
#[derive(Debug)]
pub(crate) struct Shop {
    url: DatabaseUrl,
    output: Output,
}

impl Shop {
    pub(crate) fn new(global: Global) -> Self {
        Self { url: global.database_url, output: Output::new(global.json) }
    }

    pub(crate) const fn output(&self) -> &Output {
        &self.output
    }

    /// Opens the store for one command, bringing its tables up to date.
    pub(crate) async fn open(&self) -> Result<Store, Error> {
        self.build(Store::builder().background(false)).await
    }

    /// Opens the store for one command that reads or writes prices.
    pub(crate) async fn open_with(&self, currency: Currency) -> Result<Store, Error> {
        self.build(Store::builder().background(false).currency(currency)).await
    }

    /// Opens a store that must be there already: a mistyped name shall not make a new one.
    pub(crate) async fn open_existing(&self) -> Result<Store, Error> {
        match self.url.file() {
            Some(file) if !file.exists() => {
                Err(Error::failed(format!("there is no database at {}; is --database-url right?", file.display())))
            }
            _ => self.open().await,
        }
    }

    pub(crate) async fn build(&self, builder: StoreBuilder) -> Result<Store, Error> {
        builder.open(&self.url.0).await.map_err(|error| self.cannot_open(&error))
    }

    fn cannot_open(&self, error: &StoreError) -> Error {
        let url = &self.url;
        let folder = url.file().and_then(Path::parent).filter(|folder| *folder != Path::new("") && !folder.is_dir());
        Error::failed(match folder {
            Some(folder) => {
                format!(
                    "cannot open {url}: there is no folder {}. Create it, or name another file with --database-url",
                    folder.display()
                )
            }
            None if url.is_sqlite() => {
                format!("cannot open {url}: {error}. Is it a SQLite database, and may you read and write it and its folder?")
            }
            None => format!("cannot open {url}: {error}. Does PostgreSQL run there, and are user, password and database right?"),
        })
    }
}

/// Whoever may run the program on the database is trusted with it. The audit log says that it was done here.
pub(crate) fn system(store: &Store) -> System {
    store.system().came_from("command line")
}

/// Where a database is: `sqlite:FILE` or `postgres://...`. Prints without its password.
#[derive(Debug, Clone)]
pub(crate) struct DatabaseUrl(String);

impl DatabaseUrl {
    fn is_sqlite(&self) -> bool {
        self.0.starts_with("sqlite:")
    }

    /// The file of a SQLite database that is one.
    fn file(&self) -> Option<&Path> {
        let path = self.0.strip_prefix("sqlite:")?.split('?').next()?;
        let path = path.strip_prefix("//").unwrap_or(path);
        // A percent sign may begin an encoded character: such a path is the driver's to read.
        (!path.starts_with(':') && !path.is_empty() && !path.contains('%')).then(|| Path::new(path))
    }
}

impl FromStr for DatabaseUrl {
    type Err = Invalid;

    fn from_str(url: &str) -> Result<Self, Invalid> {
        let known = ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
        if known { Ok(Self(url.to_owned())) } else { Err(Invalid::new("must be sqlite:FILE or postgres://USER@HOST/DATABASE")) }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Behind the question mark there may be a password, too.
        let url = self.0.split('?').next().unwrap_or_default();
        match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?))) {
            Some((scheme, (login, host))) => {
                let user = login.split(':').next().unwrap_or_default();
                write!(f, "{scheme}://{user}@{host}")
            }
            None => f.write_str(url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_prints_without_its_password() {
        for (url, shown) in [
            ("sqlite:shop.db?mode=rw", "sqlite:shop.db"),
            ("postgres://ann:s3cret@db.example:5432/shop", "postgres://ann@db.example:5432/shop"),
            ("postgres://ann:p@ss@db/shop?password=s3cret", "postgres://ann@db/shop"),
            ("postgresql://localhost/shop", "postgresql://localhost/shop"),
        ] {
            assert_eq!(url.parse::<DatabaseUrl>().unwrap().to_string(), shown);
        }
        assert!("mysql://localhost/shop".parse::<DatabaseUrl>().is_err() && "shop.db".parse::<DatabaseUrl>().is_err());
    }

    #[test]
    fn the_file_of_a_sqlite_database() {
        for (url, file) in [
            ("sqlite:shop.db", Some("shop.db")),
            ("sqlite://data/shop.db?mode=rwc", Some("data/shop.db")),
            ("sqlite:///srv/shop.db", Some("/srv/shop.db")),
            ("sqlite::memory:", None),
            ("postgres://localhost/shop", None),
        ] {
            assert_eq!(url.parse::<DatabaseUrl>().unwrap().file(), file.map(Path::new), "{url}");
        }
    }
}
