use super::{AuditEntry, AuditFilter, sql};
use crate::{Admin, Page, PageRequest, Store, StoreError};

impl Store {
    /// What admins and the program itself did to the shop, newest first.
    ///
    /// Whether the shop's rows contradict each other is another question: [`Store::audit`].
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use ecommerce_core::{AuditFilter, Money, NewProduct, PageRequest, Store};
    /// let store = Store::open("sqlite::memory:").await?;
    /// let shop = store.system().came_from("back office");
    /// let mug = NewProduct::new("Ceramic mug".parse()?, Money::parse("12.50", store.currency())?, 10);
    /// let mug = store.product_create(shop.admin(), mug).await?;
    ///
    /// let log = store.audit_log(shop.admin(), &AuditFilter::default(), PageRequest::default()).await?;
    /// let entry = &log.results[0];
    /// assert_eq!((entry.action.as_str(), entry.from.as_deref()), ("product.created", Some("back office")));
    /// assert_eq!(entry.subject, Some(mug.id.into()));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Only the database's.
    pub async fn audit_log(&self, _: &Admin, filter: &AuditFilter, page: PageRequest) -> Result<Page<AuditEntry>, StoreError> {
        sql::entries(&mut self.snapshot().await?, filter, page).await
    }
}
