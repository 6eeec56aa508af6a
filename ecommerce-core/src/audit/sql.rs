use serde_json::Value;

use super::{AuditAction, AuditEntry, AuditFilter, AuditKind, AuditSubject, AuditUser};
use crate::{
    Admin, AuditEntryId, Email, Page, PageRequest, StoreError, Timestamp, UserId,
    db::{Tx, statements},
    page::{COUNTED_TO, Count},
};

macro_rules! select_entries {
    () => {
        "select id, at, user_id, user_email, place, action, subject_kind, subject_id, detail from audit_log"
    };
}

statements! {
    /// The e-mail is kept as it is now: an account may take another later.
    INSERT =
        "insert into audit_log (at, user_id, user_email, place, action, subject_kind, subject_id, detail)
         values ($1, $2, (select email from users where id = $2), $3, $4, $5, $6, $7)";

    ENTRIES = (concat!(select_entries!(), " where at >= $1 order by at desc, id desc limit $2 + 0 offset $3"));

    COUNT = "select count(*) from (select 1 from audit_log where at >= $1 limit $2 + 0) counted";

    ENTRIES_OF_USER =
        (concat!(select_entries!(), " where user_id = $1 and at >= $2 order by at desc, id desc limit $3 + 0 offset $4"));

    COUNT_OF_USER = "select count(*) from (select 1 from audit_log where user_id = $1 and at >= $2 limit $3 + 0) counted";
}

/// Notes what is being done by the right of this proof. It stands when the transaction does.
///
/// `detail` is a JSON object, and never holds a secret.
pub(crate) async fn record(
    tx: &mut Tx,
    admin: &Admin,
    action: AuditAction,
    subject: Option<AuditSubject>,
    detail: Value,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (kind, id) = (subject.map(|subject| subject.kind), subject.map(|subject| subject.id));
    tx.later(INSERT, &(now, admin.user_id, admin.from.clone(), action, kind, id, detail.to_string())).await
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    id: AuditEntryId,
    at: Timestamp,
    user_id: Option<UserId>,
    user_email: Option<Email>,
    place: Option<String>,
    action: AuditAction,
    subject_kind: Option<AuditKind>,
    subject_id: Option<i64>,
    detail: String,
}

/// A page of the entries that are wanted, newest first.
pub(super) async fn entries(tx: &mut Tx, wanted: &AuditFilter, page: PageRequest) -> Result<Page<AuditEntry>, StoreError> {
    let from = wanted.from.unwrap_or_else(|| Timestamp::from_micros(0));
    let (count, rows) = match wanted.user {
        None => {
            let count = tx.scalar(COUNT, &(from, COUNTED_TO)).await?;
            (count, tx.all::<EntryRow>(ENTRIES, &(from, page.limit(), page.offset())).await?)
        }
        Some(user) => {
            let count = tx.scalar(COUNT_OF_USER, &(user, from, COUNTED_TO)).await?;
            (count, tx.all::<EntryRow>(ENTRIES_OF_USER, &(user, from, page.limit(), page.offset())).await?)
        }
    };
    let entries = rows.into_iter().map(AuditEntry::try_from).collect::<Result<_, _>>()?;
    Ok(Page::of(Count::bounded(count), entries, page))
}

impl TryFrom<EntryRow> for AuditEntry {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<Self, StoreError> {
        let EntryRow { id, at, user_id, user_email, place, action, subject_kind, subject_id, detail } = row;
        let user = user_id.zip(user_email).map(|(id, email)| AuditUser { id, email });
        let subject = subject_kind.zip(subject_id).map(|(kind, id)| AuditSubject { kind, id });
        let detail = serde_json::from_str(&detail).map_err(|error| StoreError::corrupt("audit_log", id.get(), error))?;
        Ok(Self { id, at, user, from: place, action, subject, detail })
    }
}
