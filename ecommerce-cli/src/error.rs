//! How a command fails: what went wrong, what to do about it, and the exit code.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use ecommerce_core::{AccountError, CatalogError, InvalidField, OrderError, PaymentError, StoreError};

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Error {
    /// The command line or the environment asks for something that cannot be: exit code 2, as clap has it.
    Usage(String),
    /// It was understood and failed, for each of these reasons: exit code 1.
    Failed(Vec<String>),
    /// Standard output cannot be written to.
    Output(io::Error),
}

impl Error {
    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self::Failed(vec![reason.into()])
    }

    /// Says it on standard error, and how the program ends.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Usage(reason) => {
                say(&format!("error: {reason}"));
                ExitCode::from(2)
            }
            Self::Failed(reasons) => {
                for reason in reasons {
                    say(&format!("error: {reason}"));
                }
                ExitCode::FAILURE
            }
            // The reader has seen enough, as in `ecommerce product list | head`.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Self::Output(error) => Self::failed(format!("cannot write to standard output: {error}")).report(),
        }
    }
}

/// A line for people on standard error; where that is closed, nobody wants it.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let advice = if error.is_retryable() {
            "Somebody else is writing: try again"
        } else if error.is_unavailable() {
            "Is it still running, and is there room on its disk?"
        } else {
            "`ecommerce doctor` checks every row"
        };
        Self::failed(format!("the database failed: {error}. {advice}"))
    }
}

/// A field that only the shop can judge, by the name of its flag.
impl From<InvalidField> for Error {
    fn from(error: InvalidField) -> Self {
        let flag = if error.field == "attr" { "attribute".to_owned() } else { error.field.replace('_', "-") };
        Self::failed(format!("--{flag} {}", error.reason))
    }
}

impl From<AccountError> for Error {
    fn from(error: AccountError) -> Self {
        let advice = match error {
            AccountError::Store(error) => return error.into(),
            AccountError::EmailTaken => "; `ecommerce user set-role` gives it another role",
            AccountError::UnknownUser(_) => "; `ecommerce user list` shows who there is",
            _ => "",
        };
        Self::failed(format!("{error}{advice}"))
    }
}

impl From<CatalogError> for Error {
    fn from(error: CatalogError) -> Self {
        let advice = match error {
            CatalogError::Store(error) => return error.into(),
            CatalogError::Invalid(error) => return error.into(),
            CatalogError::UnknownProduct(_) => "; `ecommerce product list` shows what there is",
            CatalogError::UnknownCategory(_) => "; `ecommerce category list` shows what there is",
            CatalogError::NameTaken => "; take another name, or use that one",
            CatalogError::SkuTaken => "; take another SKU, or update that product",
            CatalogError::CategoryInUse => "; move them first: `ecommerce product list --category ID` shows them",
            CatalogError::StockReserved { .. } => "; keep at least as many in stock, or cancel an order first",
            CatalogError::Changed => "; look at it again, then try again",
            _ => "",
        };
        Self::failed(format!("{error}{advice}"))
    }
}

impl From<OrderError> for Error {
    fn from(error: OrderError) -> Self {
        let advice = match error {
            OrderError::Store(error) => return error.into(),
            OrderError::Unknown(_) => "; `ecommerce order list` shows what there is",
            OrderError::InvalidTransition(_) => "; `ecommerce order show ID` tells how it stands",
            _ => "",
        };
        Self::failed(format!("{error}{advice}"))
    }
}

impl From<PaymentError> for Error {
    fn from(error: PaymentError) -> Self {
        let advice = match error {
            PaymentError::Store(error) => return error.into(),
            PaymentError::Order(error) => return error.into(),
            PaymentError::Invalid(error) => return error.into(),
            PaymentError::InsufficientStock(..) => "; `ecommerce stock adjust` adds what has arrived",
            PaymentError::Disputed => "; wait until the provider has decided it",
            _ => "",
        };
        Self::failed(format!("{error}{advice}"))
    }
}
