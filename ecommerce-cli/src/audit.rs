//! `ecommerce audit`: who did what, when and from where.

use clap::Args;
use ecommerce_core::{AuditEntry, AuditFilter, AuditSubject, Email, Timestamp};
use serde_json::Value;

use crate::{
    args::PageArgs,
    error::Error,
    print::{Record, date_utc},
    shop::{Shop, system},
};

/// Show who did what to the shop, when and from where, the newest first.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Only deeds of the account with this e-mail.
    #[arg(long, value_name = "EMAIL")]
    user: Option<Email>,
    /// Only what was done at this moment or later, such as 2026-01-31T09:30:00Z.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    #[command(flatten)]
    page: PageArgs,
}

pub(crate) async fn run(shop: &Shop, args: AuditArgs) -> Result<(), Error> {
    let AuditArgs { user, from, page } = args;
    let store = shop.open_existing().await?;
    let system = system(&store);
    let user = match &user {
        Some(email) => Some(store.user_by_email(system.admin(), email).await?.id),
        None => None,
    };
    let filter = AuditFilter { user, from };
    let entries = page.rows(async |page| store.audit_log(system.admin(), &filter, page).await).await?;
    shop.output().list(&entries)
}

impl Record for AuditEntry {
    const NAME: &'static str = "entries";
    const COLUMNS: &'static [&'static str] = &["ID", "When (UTC)", "Who", "From", "Action", "Subject", "Detail"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            date_utc(self.at),
            self.user.as_ref().map_or_else(|| "the program".to_owned(), |user| user.email.to_string()),
            self.from.clone().unwrap_or_default(),
            self.action.to_string(),
            self.subject.map(|AuditSubject { kind, id }| format!("{kind} {id}")).unwrap_or_default(),
            self.detail
                .iter()
                .filter_map(|(name, value)| Some(format!("{name}: {}", said(value)?)))
                .collect::<Vec<_>>()
                .join(", "),
        ]
    }
}

/// A value for people: `12.50 -> 13.00` for a change, and nothing for what was left out.
fn said(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => match (fields.get("from"), fields.get("to"), fields.get("name")) {
            (Some(from), Some(to), _) => {
                let said = |value| said(value).unwrap_or_else(|| "none".to_owned());
                Some(format!("{} -> {}", said(from), said(to)))
            }
            (.., Some(name)) => said(name),
            _ => Some(value.to_string()),
        },
        value => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_reads_from_left_to_right() {
        for (value, text) in [
            (json!({"from": "12.50", "to": "13.00"}), Some("12.50 -> 13.00")),
            (json!({"from": null, "to": {"id": 7, "name": "Kitchen"}}), Some("none -> Kitchen")),
            (json!(false), Some("false")),
            (json!(null), None),
        ] {
            assert_eq!(said(&value).as_deref(), text);
        }
    }
}
