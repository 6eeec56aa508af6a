//! The lists of the catalog, put together from what was asked for, and the rows that they and single reads answer.

use super::{Attributes, Category, CategoryRef, Product, Revision};
use crate::{
    CategoryId, Currency, Money, Page, PageRequest, ProductId, Sku, StoreError, Timestamp,
    db::{Filter, Tx},
    page::{COUNTED_TO, Count},
};

/// A product as everybody reads it, perhaps behind other columns and joined with other tables; a statement goes on with its
/// conditions.
macro_rules! select_products {
    () => {
        select_products!("", "")
    };
    ($columns:expr, $tables:expr) => {
        concat!(
            "select ",
            $columns,
            "p.id, p.name, p.description, p.price, p.currency, p.stock, p.is_available, p.sku, p.version,
                 p.created_at, p.updated_at, p.category_id, c.name as category_name, c.version as category_version,
                 (select string_agg(a.name || '=' || a.value, '\n') from product_attributes a where a.product_id = p.id)
                     as attributes
             from ",
            $tables,
            "products p left join categories c on c.id = p.category_id"
        )
    };
}
pub(super) use select_products;

/// The categories that match every pattern, by name.
pub(super) async fn categories(tx: &mut Tx, patterns: &[String], page: PageRequest) -> Result<Page<Category>, StoreError> {
    let narrowed = |name, select| {
        let mut filter = Filter::new(name, select);
        for pattern in patterns {
            // SQLite compiles a statement anew at each run that has an argument for a pattern, and nothing else.
            filter.and_with("name_words like ? || ''", pattern.clone());
        }
        filter
    };
    let counted = narrowed("catalog::lists::COUNT_CATEGORIES", "select count(*) from (select 1 from categories");
    let count = Count::bounded(tx.count_to(COUNTED_TO, counted).await?);
    let mut list = narrowed(
        "catalog::lists::CATEGORIES",
        "select id, name, description, parent_id, version, created_at, updated_at from categories",
    );
    list.push("\norder by name_key");
    let rows = tx.filtered::<CategoryRow>(cut(list, page)).await?;
    Ok(Page::of(count, rows.into_iter().map(Category::from).collect(), page))
}

/// The products behind an id, hidden ones too.
pub(super) async fn products_after(tx: &mut Tx, after: i64, limit: u32) -> Result<Vec<Product>, StoreError> {
    let mut next = Filter::new("catalog::lists::NEXT_PRODUCTS", select_products!());
    next.and("p.deleted_at is null");
    next.and_with("p.id > ?", after);
    next.push("\norder by p.id");
    next.push_with("\nlimit ? + 0", i64::from(limit));
    products_of(tx, next).await
}

/// Every product, by id.
pub(super) async fn all_products(tx: &mut Tx) -> Result<Vec<Product>, StoreError> {
    let mut all = Filter::new("catalog::lists::ALL_PRODUCTS", select_products!());
    all.and("p.deleted_at is null");
    all.push("\norder by p.id");
    products_of(tx, all).await
}

#[derive(sqlx::FromRow)]
pub(super) struct CategoryRow {
    id: CategoryId,
    name: String,
    description: String,
    parent_id: Option<CategoryId>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<CategoryRow> for Category {
    fn from(row: CategoryRow) -> Self {
        let CategoryRow { id, name, description, parent_id, version, created_at, updated_at } = row;
        Self { id, name, description, parent: parent_id, created_at, updated_at, revision: Revision::of_category(version) }
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct ProductRow {
    id: ProductId,
    name: String,
    description: String,
    price: i64,
    currency: Currency,
    stock: i64,
    is_available: bool,
    sku: Option<Sku>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    category_id: Option<CategoryId>,
    category_name: Option<String>,
    category_version: Option<i64>,
    attributes: Option<String>,
}

impl TryFrom<ProductRow> for Product {
    type Error = StoreError;

    fn try_from(row: ProductRow) -> Result<Self, StoreError> {
        let ProductRow { id, name, description, price, currency, stock, is_available, sku, created_at, updated_at, .. } = row;
        let price = Money::new(price, currency).map_err(|error| StoreError::corrupt("products", id.get(), error))?;
        let category = row.category_id.zip(row.category_name).map(|(id, name)| CategoryRef { id, name });
        let attributes = row.attributes.map_or(Ok(Attributes::default()), |lines| lines.parse());
        let attributes = attributes.map_err(|error| StoreError::corrupt("product_attributes", id.get(), error))?;
        let revision = Revision::of_product(row.version, row.category_version);
        Ok(Self {
            id,
            name,
            description,
            price,
            currency,
            stock,
            is_available,
            sku,
            attributes,
            category,
            created_at,
            updated_at,
            revision,
        })
    }
}

pub(super) fn cut(mut list: Filter, page: PageRequest) -> Filter {
    list.push_with("\nlimit ? + 0", page.limit());
    list.push_with(" offset ?", page.offset());
    list
}

pub(super) async fn products_of(tx: &mut Tx, list: Filter) -> Result<Vec<Product>, StoreError> {
    tx.filtered::<ProductRow>(list).await?.into_iter().map(Product::try_from).collect()
}
