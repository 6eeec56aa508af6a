//! Places to attack a shop in.

use std::{
    net::{SocketAddr, ToSocketAddrs},
    path::Path,
    time::Duration,
};

use ecommerce_core::Registration;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tempfile::TempDir;

use crate::{
    Failure,
    backstage::Backstage,
    http::{HttpFrontend, Token},
    line::Line,
    server::Server,
};

/// Where PostgreSQL is looked for when nobody says. On one machine nothing has to be encrypted.
pub const POSTGRES: &str = "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable";

/// A shop on a database of its own, and the servers that it is attacked through.
pub struct Place {
    pub frontends: Vec<HttpFrontend>,
    backstage: Backstage,
    servers: Vec<Server>,
    home: Home,
}

enum Home {
    Folder(TempDir),
    Database { server: Box<PgConnectOptions>, name: String, _line: Option<Line> },
}

impl Place {
    /// One server process on a SQLite file.
    pub async fn sqlite(program: &Path) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let url = format!("sqlite:{}", folder.path().join("shop.db").display());
        let backstage = Backstage::open(&url).await?;
        let servers = vec![Server::start(program, &url).await?];
        Self::open(backstage, servers, Home::Folder(folder)).await
    }

    /// Two server processes on one database of a PostgreSQL server, over a line that takes so long for a round trip.
    pub async fn postgres(program: &Path, server: &str, round_trip: Option<Duration>) -> Result<Self, Failure> {
        let server: PgConnectOptions = server.parse()?;
        let name = format!("ecommerce_races_{}_{}", std::process::id(), round_trip.unwrap_or_default().as_millis());
        administer(&server, format!("drop database if exists {name} with (force)")).await?;
        administer(&server, format!("create database {name}")).await?;
        let near = server.clone().database(&name);
        let line = match round_trip {
            Some(round_trip) => Some(Line::open(address(&server)?, round_trip).await?),
            None => None,
        };
        let far = match &line {
            Some(line) => near.clone().host(&line.address.ip().to_string()).port(line.address.port()),
            None => near.clone(),
        };
        // It makes the tables, from near by.
        let backstage = Backstage::open(near.to_url_lossy().as_str()).await?;
        let far = far.to_url_lossy().to_string();
        let (one, other) = tokio::try_join!(Server::start(program, &far), Server::start(program, &far))?;
        Self::open(backstage, vec![one, other], Home::Database { server: Box::new(server), name, _line: line }).await
    }

    async fn open(backstage: Backstage, servers: Vec<Server>, home: Home) -> Result<Self, Failure> {
        let ahead = &backstage.ahead;
        let admin = Registration { email: "admin@example.com".parse()?, password: "correct horse".parse()?, name: None };
        ahead.user_create_admin(ahead.system().admin(), admin).await?;
        let token = ahead.login("admin@example.com", "correct horse").await?.token;
        let token = Token::from(token.reveal());
        let frontends = servers.iter().map(|server| HttpFrontend::new(&server.url, token.clone(), backstage.clone()));
        Ok(Self { frontends: frontends.collect::<Result<_, _>>()?, backstage, servers, home })
    }

    /// Ends the servers and removes the database.
    pub async fn remove(self) -> Result<(), Failure> {
        let Self { frontends, backstage, servers, home } = self;
        drop((frontends, servers));
        backstage.ahead.close().await;
        match home {
            Home::Folder(folder) => folder.close()?,
            Home::Database { server, name, .. } => {
                administer(&server, format!("drop database if exists {name} with (force)")).await?;
            }
        }
        Ok(())
    }
}

/// Does a PostgreSQL server answer there?
pub async fn answers(server: &str) -> Result<(), Failure> {
    administer(&server.parse()?, "select 1".to_owned()).await
}

/// Does something on the server that is not about one database of it.
pub async fn administer(server: &PgConnectOptions, statement: String) -> Result<(), Failure> {
    let mut connection = PgConnection::connect_with(server).await?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

fn address(server: &PgConnectOptions) -> Result<SocketAddr, Failure> {
    let mut addresses = (server.get_host(), server.get_port()).to_socket_addrs()?;
    addresses.next().ok_or_else(|| "the database server has no address".into())
}
