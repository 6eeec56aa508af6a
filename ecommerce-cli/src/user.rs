//! `ecommerce user`: accounts and their roles.

use std::io::{self, Read};

use clap::{Args, Subcommand};
use ecommerce_core::{Email, Name, Password, Registration, Role, User};

use crate::{
    args::{PageArgs, one_of},
    error::Error,
    print::{Record, date_utc},
    shop::{Shop, system},
};

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    CreateAdmin(CreateAdminArgs),
    /// Show all accounts, the oldest first.
    List(PageArgs),
    /// Give an account another role, from its next request on.
    SetRole {
        /// Whose account.
        #[arg(long)]
        email: Email,
        /// The new role.
        #[arg(long, value_parser = one_of(Role::ALL, Role::as_str))]
        role: Role,
    },
    /// Disable an account: its sessions end at once, and it cannot sign in.
    Disable {
        /// Whose account.
        #[arg(long)]
        email: Email,
    },
    /// Let a disabled account sign in again.
    Enable {
        /// Whose account.
        #[arg(long)]
        email: Email,
    },
}

/// Make an admin's account. Asks for the password, without showing it.
#[derive(Debug, Args)]
pub(crate) struct CreateAdminArgs {
    /// The address to sign in with.
    #[arg(long)]
    email: Email,
    /// What to call them.
    #[arg(long)]
    name: Option<Name>,
    /// Read the password from standard input instead of asking for it.
    #[arg(long)]
    password_stdin: bool,
}

pub(crate) async fn run(shop: &Shop, command: UserCommand) -> Result<(), Error> {
    match command {
        UserCommand::CreateAdmin(args) => create_admin(shop, args).await,
        UserCommand::List(page) => {
            let store = shop.open().await?;
            let users = page.rows(async |page| store.user_list(system(&store).admin(), page).await).await?;
            shop.output().list(&users)
        }
        UserCommand::SetRole { email, role } => {
            let store = shop.open().await?;
            let user = store.user_set_role(system(&store).admin(), &email, role).await?;
            shop.output().one(&user, || Ok(format!("{} is now {}.", user.email, user.role)))
        }
        UserCommand::Disable { email } => set_disabled(shop, &email, true).await,
        UserCommand::Enable { email } => set_disabled(shop, &email, false).await,
    }
}

async fn set_disabled(shop: &Shop, email: &Email, disabled: bool) -> Result<(), Error> {
    let store = shop.open().await?;
    let user = store.user_set_disabled(system(&store).admin(), email, disabled).await?;
    let news = if disabled { "cannot sign in any more" } else { "can sign in again" };
    shop.output().one(&user, || Ok(format!("{} {news}.", user.email)))
}

async fn create_admin(shop: &Shop, args: CreateAdminArgs) -> Result<(), Error> {
    let password = if args.password_stdin { read_password()? } else { ask_password()? };
    let password: Password = password.parse().map_err(|error| Error::failed(format!("the password {error}")))?;
    let store = shop.open().await?;
    let registration = Registration { email: args.email, password, name: args.name };
    let user = store.user_create_admin(system(&store).admin(), registration).await?;
    shop.output().one(&user, || Ok(format!("{} can now sign in as an admin.", user.email)))
}

/// Standard input up to its end, less the line break that `echo` puts there.
fn read_password() -> Result<String, Error> {
    let mut password = String::new();
    let read = io::stdin().lock().read_to_string(&mut password);
    read.map_err(|error| Error::failed(format!("cannot read the password from standard input: {error}")))?;
    let line = password.strip_suffix('\n').unwrap_or(&password);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

fn ask_password() -> Result<String, Error> {
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt)
            .map_err(|error| Error::failed(format!("cannot ask for a password ({error}). Pipe it in with --password-stdin")))
    };
    let password = ask("Password: ")?;
    if ask("The same again: ")? == password { Ok(password) } else { Err(Error::failed("the two passwords differ. Try again")) }
}

impl Record for User {
    const NAME: &'static str = "users";
    const COLUMNS: &'static [&'static str] = &["ID", "E-mail", "Name", "Role", "Since (UTC)", "Disabled"];

    fn cells(&self) -> Vec<String> {
        let disabled = if self.disabled { "yes" } else { "" };
        vec![
            self.id.to_string(),
            self.email.to_string(),
            self.name.clone(),
            self.role.to_string(),
            date_utc(self.created_at),
            disabled.to_owned(),
        ]
    }
}
