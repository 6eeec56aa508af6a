use std::{
    collections::{BTreeSet, HashMap},
    slice,
};

use serde_json::json;
use tokio::sync::Mutex;

use super::{
    CatalogError, CategoryRef, ChangedProduct, Expect, ImportReport, ImportRow, MovementReason, NewCategory, NewProduct, Product,
    ProductChange, StockReport, categories, check_stock, import, lists,
    search::{
        Texts,
        index::{index, learn, name_words, unindex},
        key, meant_words,
    },
    sql::{self, StockChange},
    stock, taken, unknown_category,
};
use crate::{
    Admin, AuditAction, CategoryId, InvalidField, Note, ProductId, Store, StoreError, Timestamp, audit,
    db::{Tx, retry},
};

/// How many rows an import writes with one statement, and how often it tells how far it is.
const IMPORT_BATCH: usize = 500;

impl Store {
    /// One product. A hidden one is seen only with an admin's proof.
    ///
    /// # Errors
    /// [`CatalogError::UnknownProduct`].
    pub async fn product(&self, id: ProductId, admin: Option<&Admin>) -> Result<Product, CatalogError> {
        let product = sql::product(&mut self.read().await?, id, admin.is_some()).await?;
        product.ok_or(CatalogError::UnknownProduct(id))
    }

    /// Makes a product.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] on an impossible `stock` or an unknown `category`, [`CatalogError::SkuTaken`].
    pub async fn product_create(&self, admin: &Admin, new: NewProduct) -> Result<Product, CatalogError> {
        check_stock(new.stock).map_err(|reason| InvalidField { field: "stock", reason })?;
        retry(async || {
            let mut tx = self.write().await?;
            hold_category(&mut tx, new.category).await?;
            let (made, news) = insert_products(&mut tx, slice::from_ref(&new), self.now()).await?;
            let id = made.first().ok_or_else(|| StoreError::other("a new product has no row"))?;
            let product = sql::product(&mut tx, *id, true).await?.ok_or(CatalogError::UnknownProduct(*id))?;
            let Product { name, price, currency, stock, .. } = &product;
            let detail = json!({ "name": name, "price": price, "currency": currency, "stock": stock });
            audit::record(&mut tx, admin, AuditAction::ProductCreated, Some(product.id.into()), detail, self.now()).await?;
            tell(&mut tx, &news).await?;
            tx.commit().await?;
            tracing::info!(product = %id, "product created");
            Ok(product)
        })
        .await
    }

    /// Changes a product. Orders keep the name and the price that they were placed with.
    /// A change to what it is already leaves its revision as it is.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] on an impossible `stock` or an unknown `category`, [`CatalogError::UnknownProduct`],
    /// [`CatalogError::Changed`], [`CatalogError::StockReserved`], [`CatalogError::SkuTaken`].
    pub async fn product_update(
        &self,
        admin: &Admin,
        id: ProductId,
        change: ProductChange,
        expect: &Expect,
    ) -> Result<Product, CatalogError> {
        let stock = change.stock.map_or(Ok(0), check_stock);
        stock.map_err(|reason| InvalidField { field: "stock", reason })?;
        retry(async || {
            let now = self.now();
            let mut tx = self.write().await?;
            let (product, reserved) = sql::product_locked(&mut tx, id).await?.ok_or(CatalogError::UnknownProduct(id))?;
            expect.check(&product.revision)?;
            let category = hold_category(&mut tx, change.category.flatten()).await?;
            let changed = change.apply(&product, category.as_ref());
            if changed == product {
                tx.commit().await?;
                return Ok(product);
            }
            if changed.stock < reserved {
                return Err(CatalogError::StockReserved { reserved });
            }
            let detail = audit::changes(&product, &changed);
            let changed = ChangedProduct::new(&product, changed);
            let news = update_products(&mut tx, slice::from_ref(&changed), MovementReason::Edited, now).await?;
            audit::record(&mut tx, admin, AuditAction::ProductUpdated, Some(id.into()), detail, now).await?;
            let product = sql::product(&mut tx, id, true).await?.ok_or(CatalogError::UnknownProduct(id))?;
            tell(&mut tx, &news).await?;
            tx.commit().await?;
            tracing::info!(product = %id, "product changed");
            Ok(product)
        })
        .await
    }

    /// Takes a product out of the catalog for good. Orders that name it are unharmed, and its SKU is free again.
    ///
    /// # Errors
    /// [`CatalogError::UnknownProduct`], [`CatalogError::Changed`].
    pub async fn product_delete(&self, admin: &Admin, id: ProductId, expect: &Expect) -> Result<(), CatalogError> {
        retry(async || {
            let mut tx = self.write().await?;
            let (product, _) = sql::product_locked(&mut tx, id).await?.ok_or(CatalogError::UnknownProduct(id))?;
            expect.check(&product.revision)?;
            sql::delete_product(&mut tx, id, self.now()).await?;
            unindex(&mut tx, id).await?;
            let detail = json!({ "name": product.name });
            audit::record(&mut tx, admin, AuditAction::ProductDeleted, Some(id.into()), detail, self.now()).await?;
            sql::count_for_sale(&mut tx, -i64::from(product.is_available)).await?;
            tx.commit().await?;
            tracing::info!(product = %id, "product deleted");
            Ok(())
        })
        .await
    }

    /// At most `limit` products behind `after` in the order of their ids, hidden ones too: to walk through the whole catalog.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn product_walk(&self, _: &Admin, after: Option<ProductId>, limit: u32) -> Result<Vec<Product>, CatalogError> {
        let after = after.map_or(0, ProductId::get);
        Ok(lists::products_after(&mut self.read().await?, after, limit).await?)
    }

    /// Makes and updates products by the thousand, all of them or none. The same rows again change nothing.
    ///
    /// `progress` is told how many rows are done. It begins anew when the import lost a race and is tried again.
    ///
    /// # Errors
    /// [`CatalogError::Import`] names the first line that cannot be taken. [`CatalogError::SkuTaken`] or
    /// [`CatalogError::NameTaken`] when somebody made such a product or category at the same moment.
    pub async fn product_import(
        &self,
        admin: &Admin,
        rows: &[ImportRow],
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<ImportReport, CatalogError> {
        import::check(rows)?;
        let progress = Mutex::new(progress);
        retry(async || {
            let now = self.now();
            let mut tx = self.write_much().await?;
            let reserved = sql::lock_for_import(&mut tx).await?;
            let known = lists::all_products(&mut tx).await?;
            if known.iter().any(|product| !reserved.contains_key(&product.id)) {
                // Somebody made a product that is not locked.
                return Err(StoreError::lost_race().into());
            }
            let (categories, categories_created) = import_categories(&mut tx, rows, now).await?;
            let plan = import::plan(rows, &known, &reserved, &categories)?;
            let report = plan.report(categories_created);

            let mut done = report.unchanged;
            let mut news = News::default();
            for new in plan.new.chunks(IMPORT_BATCH) {
                (progress.lock().await)(done);
                news.add(insert_products(&mut tx, new, now).await?.1);
                done += new.len() as u64;
            }
            for changed in plan.changed.chunks(IMPORT_BATCH) {
                (progress.lock().await)(done);
                news.add(update_products(&mut tx, changed, MovementReason::Imported, now).await?);
                done += changed.len() as u64;
            }
            if report.is_news() {
                audit::record(&mut tx, admin, AuditAction::ProductsImported, None, json!(report), now).await?;
            }
            news.words.extend(rows.iter().filter_map(|row| row.category.as_ref()).flat_map(|name| name_words(name.as_str())));
            tell(&mut tx, &news).await?;
            tx.commit().await?;
            (progress.lock().await)(done);
            tracing::info!(?report, "products imported");
            Ok(report)
        })
        .await
    }

    /// How many pieces there are of a product, and the latest changes.
    ///
    /// # Errors
    /// [`CatalogError::UnknownProduct`].
    pub async fn stock(&self, _: &Admin, id: ProductId) -> Result<StockReport, CatalogError> {
        let mut tx = self.snapshot().await?;
        let (stock, reserved) = sql::stock(&mut tx, id).await?.ok_or(CatalogError::UnknownProduct(id))?;
        Ok(StockReport { product: id, stock, reserved, movements: sql::movements(&mut tx, id).await? })
    }

    /// Corrects a product's stock by so many pieces, and notes why.
    ///
    /// # Errors
    /// [`CatalogError::UnknownProduct`], [`CatalogError::StockReserved`], [`CatalogError::Invalid`] on an impossible `by`.
    pub async fn stock_adjust(&self, admin: &Admin, id: ProductId, by: i64, reason: &Note) -> Result<StockReport, CatalogError> {
        retry(async || {
            let now = self.now();
            let mut tx = self.write().await?;
            let (stock, reserved) = sql::stock_locked(&mut tx, id).await?.ok_or(CatalogError::UnknownProduct(id))?;
            let stock = stock::adjusted(stock, reserved, by)?;
            sql::set_stock(&mut tx, id, stock, now).await?;
            let moved = StockChange { product: id, change: by };
            sql::insert_movements(&mut tx, vec![moved], MovementReason::Adjusted, Some(reason), now).await?;
            let detail = json!({ "by": by, "stock": stock, "reason": reason });
            audit::record(&mut tx, admin, AuditAction::StockAdjusted, Some(id.into()), detail, now).await?;
            let report = StockReport { product: id, stock, reserved, movements: sql::movements(&mut tx, id).await? };
            tx.commit().await?;
            tracing::info!(product = %id, by, "stock adjusted");
            Ok(report)
        })
        .await
    }
}

/// The category that a product is put into: there, and not deleted before the transaction ends.
async fn hold_category(tx: &mut Tx, id: Option<CategoryId>) -> Result<Option<CategoryRef>, CatalogError> {
    let Some(id) = id else { return Ok(None) };
    let category = categories::sql::category_held(tx, id).await?;
    Ok(Some(category.ok_or_else(|| unknown_category("category", id))?))
}

/// What is written only at the end of a transaction: others who write the same wait until it is over.
#[derive(Default)]
struct News {
    /// Words that products did not have.
    words: BTreeSet<String>,
    /// By how many products there are more for sale.
    for_sale: i64,
}

impl News {
    fn add(&mut self, mut more: Self) {
        self.words.append(&mut more.words);
        self.for_sale += more.for_sale;
    }
}

async fn tell(tx: &mut Tx, news: &News) -> Result<(), StoreError> {
    learn(tx, &news.words).await?;
    sql::count_for_sale(tx, news.for_sale).await
}

/// Makes products. Answers their ids, and what is to be told in the end.
async fn insert_products(tx: &mut Tx, new: &[NewProduct], now: Timestamp) -> Result<(Vec<ProductId>, News), CatalogError> {
    let made = sql::insert_products(tx, new, now).await.map_err(|error| taken(error, CatalogError::SkuTaken))?;
    let ids: Vec<_> = made.iter().map(|made| made.product).collect();
    sql::insert_movements(tx, made, MovementReason::Initial, None, now).await?;
    let texts = ids.iter().zip(new).map(|(id, new)| Texts::of_new(*id, new));
    index(tx, texts.clone()).await?;
    let words = texts.flat_map(|texts| meant_words(&texts)).collect();
    let for_sale = new.iter().map(|new| i64::from(new.is_available)).sum();
    Ok((ids, News { words, for_sale }))
}

/// Writes products and what became of their stock. Answers what is to be told in the end.
async fn update_products(
    tx: &mut Tx,
    changed: &[ChangedProduct],
    reason: MovementReason,
    now: Timestamp,
) -> Result<News, CatalogError> {
    let products = changed.iter().map(|changed| &changed.product);
    sql::update_products(tx, products, now).await.map_err(|error| taken(error, CatalogError::SkuTaken))?;
    let moved = changed.iter().map(|changed| StockChange { product: changed.product.id, change: changed.moved });
    sql::insert_movements(tx, moved.collect(), reason, None, now).await?;
    let told = changed.iter().filter(|changed| changed.news.is_some());
    index(tx, told.map(|changed| Texts::from(&changed.product))).await?;
    let words = changed.iter().filter_map(|changed| changed.news.as_ref()).flatten().cloned().collect();
    Ok(News { words, for_sale: changed.iter().map(|changed| changed.for_sale).sum() })
}

/// The categories by the keys of their names, those that only the rows know made new; and how many are.
async fn import_categories(
    tx: &mut Tx,
    rows: &[ImportRow],
    now: Timestamp,
) -> Result<(HashMap<String, CategoryRef>, u64), CatalogError> {
    let held = categories::sql::categories_held(tx).await?;
    let mut categories: HashMap<_, _> = held.into_iter().map(|category| (key(&category.name), category)).collect();
    let mut created = 0;
    for name in rows.iter().filter_map(|row| row.category.as_ref()) {
        if categories.contains_key(&key(name.as_str())) {
            continue;
        }
        let made = categories::sql::insert(tx, &NewCategory::new(name.clone()), now).await?.ok_or(CatalogError::NameTaken)?;
        categories.insert(key(&made.name), CategoryRef { id: made.id, name: made.name });
        created += 1;
    }
    Ok((categories, created))
}
