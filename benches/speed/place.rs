//! Where a shop lies: a SQLite file or a database of a PostgreSQL server, and copies of it.

use std::fmt;

use clap::ValueEnum;
use ecommerce_benches::{Failure, past, place::administer};
use serde::Serialize;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection, postgres::PgConnectOptions};
use tempfile::TempDir;

use crate::shop;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Sqlite,
    Postgres,
}

impl Place {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// Which shop is measured: where it lies, and how large it is when it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Scene {
    pub place: Place,
    pub products: u64,
    pub orders: u64,
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} products", self.place.name(), self.products)?;
        if self.orders > 0 { write!(f, ", {} orders", self.orders) } else { Ok(()) }
    }
}

/// The same shop several times.
pub struct Site {
    home: Home,
}

enum Home {
    Folder(TempDir),
    Server(Box<PgConnectOptions>),
}

/// The copies: what each server works on, and one for the library in a process of its own.
const COPIES: [&str; 3] = ["ours", "floor", "library"];

impl Site {
    /// Fills a shop and copies it.
    pub async fn open(Scene { place, products, orders }: Scene, server: &str) -> Result<Self, Failure> {
        let home = match place {
            Place::Sqlite => Home::Folder(tempfile::tempdir()?),
            Place::Postgres => Home::Server(Box::new(server.parse()?)),
        };
        let site = Self { home };
        site.remove_databases().await?;
        site.create("first", None).await?;
        let url = site.url("first");
        shop::fill(&url, products).await?;
        site.run("first", shop::buyers()).await?;
        if orders > 0 {
            past::orders(&url, shop::size(products, orders)).await?;
        }
        if place == Place::Postgres {
            site.run("first", "vacuum analyze".to_owned()).await?;
        }
        for copy in COPIES {
            site.create(copy, Some("first")).await?;
        }
        Ok(site)
    }

    pub fn url(&self, copy: &str) -> String {
        match &self.home {
            Home::Folder(folder) => format!("sqlite:{}", folder.path().join(format!("{copy}.db")).display()),
            Home::Server(server) => server.as_ref().clone().database(&database(copy)).to_url_lossy().to_string(),
        }
    }

    /// Tells PostgreSQL's planner what the tables look like by now: else it is left to chance when that is found out by itself,
    /// and in the midst of which case. SQLite has nothing to be told.
    pub async fn analyze(&self) -> Result<(), Failure> {
        if let Home::Server(_) = self.home {
            for copy in COPIES {
                self.run(copy, "analyze".to_owned()).await?;
            }
        }
        Ok(())
    }

    /// Removes everything.
    pub async fn close(self) -> Result<(), Failure> {
        self.remove_databases().await?;
        if let Home::Folder(folder) = self.home {
            folder.close()?;
        }
        Ok(())
    }

    async fn create(&self, name: &str, of: Option<&str>) -> Result<(), Failure> {
        match (&self.home, of) {
            (Home::Folder(_), None) => Ok(()),
            (Home::Folder(folder), Some(of)) => {
                let file = |name| folder.path().join(format!("{name}.db"));
                std::fs::copy(file(of), file(name))?;
                Ok(())
            }
            (Home::Server(server), of) => {
                let of = of.map_or("template1".to_owned(), database);
                administer(server, format!("create database {} template {of}", database(name))).await
            }
        }
    }

    async fn run(&self, name: &str, text: String) -> Result<(), Failure> {
        let (url, text) = (self.url(name), sqlx::raw_sql(AssertSqlSafe(text)));
        match self.home {
            Home::Folder(_) => {
                let mut connection = SqliteConnection::connect(&url).await?;
                text.execute(&mut connection).await?;
                Ok(connection.close().await?)
            }
            Home::Server(_) => {
                let mut connection = PgConnection::connect(&url).await?;
                text.execute(&mut connection).await?;
                Ok(connection.close().await?)
            }
        }
    }

    async fn remove_databases(&self) -> Result<(), Failure> {
        let Home::Server(server) = &self.home else { return Ok(()) };
        for name in COPIES.into_iter().chain(["first"]) {
            administer(server, format!("drop database if exists {} with (force)", database(name))).await?;
        }
        Ok(())
    }
}

fn database(copy: &str) -> String {
    format!("ecommerce_speed_{}_{copy}", std::process::id())
}
