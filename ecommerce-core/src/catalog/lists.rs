//! The lists of the catalog, put together from what was asked for, and the rows that they and single reads answer.

use super::{Attributes, Category, CategoryRef, Ordering, Product, ProductFilter, Revision, search};
use crate::{
    CategoryId, Currency, Money, Page, PageRequest, ProductId, Sku, StoreError, Timestamp,
    db::{Filter, Tx},
};

/// A product as everybody reads it; a statement goes on with its conditions.
macro_rules! select_products {
    () => {
        "select p.id, p.name, p.description, p.price, p.currency, p.stock, p.is_available, p.sku, p.version,
             p.created_at, p.updated_at, p.category_id, c.name as category_name, c.version as category_version,
             (select string_agg(a.name || '=' || a.value, '\n') from product_attributes a where a.product_id = p.id) as attributes
         from products p left join categories c on c.id = p.category_id"
    };
}
pub(super) use select_products;

/// The categories that match every pattern, by name.
pub(super) async fn categories(tx: &mut Tx, patterns: &[String], page: PageRequest) -> Result<Page<Category>, StoreError> {
    let narrowed = |name, select| {
        let mut filter = Filter::new(name, select);
        for pattern in patterns {
            filter.and_with("name_words like ?", pattern.clone());
        }
        filter
    };
    let count = count(tx, narrowed("catalog::lists::COUNT_CATEGORIES", "select count(*) from categories")).await?;
    if count <= page.offset() {
        return Ok(Page::new(count, Vec::new(), page));
    }
    let mut list = narrowed(
        "catalog::lists::CATEGORIES",
        "select id, name, description, parent_id, version, created_at, updated_at from categories",
    );
    list.push("\norder by name_key");
    let rows = tx.filtered::<CategoryRow>(cut(list, page)).await?;
    Ok(Page::new(count, rows.into_iter().map(Category::from).collect(), page))
}

/// The products that are wanted and match every pattern.
pub(super) async fn products(
    tx: &mut Tx,
    wanted: &ProductFilter,
    patterns: &[String],
    hidden_too: bool,
    page: PageRequest,
) -> Result<Page<Product>, StoreError> {
    let mut counted = Filter::new("catalog::lists::COUNT_PRODUCTS", "select count(*) from products p");
    narrow(&mut counted, wanted, patterns, hidden_too);
    let count = count(tx, counted).await?;
    if count <= page.offset() {
        return Ok(Page::new(count, Vec::new(), page));
    }
    let mut list = Filter::new("catalog::lists::PRODUCTS", select_products!());
    narrow(&mut list, wanted, patterns, hidden_too);
    order(&mut list, wanted.ordering, patterns);
    Ok(Page::new(count, products_of(tx, cut(list, page)).await?, page))
}

/// The products behind an id, hidden ones too.
pub(super) async fn products_after(tx: &mut Tx, after: i64, limit: u32) -> Result<Vec<Product>, StoreError> {
    let mut next = Filter::new("catalog::lists::NEXT_PRODUCTS", select_products!());
    next.and("p.deleted_at is null");
    next.and_with("p.id > ?", after);
    next.push("\norder by p.id");
    next.push_with("\nlimit ?", i64::from(limit));
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

fn narrow(list: &mut Filter, wanted: &ProductFilter, patterns: &[String], hidden_too: bool) {
    list.and("p.deleted_at is null");
    if !hidden_too {
        list.and("p.is_available");
    }
    if let Some(category) = wanted.category {
        list.and_with("p.category_id in (select category_id from category_ancestors where ancestor_id = ?)", category);
    }
    if let Some(price) = wanted.min_price {
        list.and_with("p.price_scaled >= ?", search::lowest_scaled(price));
    }
    if let Some(price) = wanted.max_price {
        list.and_with("p.price_scaled <= ?", search::highest_scaled(price));
    }
    match wanted.in_stock {
        Some(true) => list.and("p.stock > p.reserved"),
        Some(false) => list.and("p.stock <= p.reserved"),
        None => {}
    }
    for pattern in patterns {
        list.and_with(
            "(p.name_words like ? or p.description_words like ?
                 or p.category_id in (select id from categories where name_words like ?))",
            pattern.clone(),
        );
    }
}

fn order(list: &mut Filter, ordering: Option<Ordering>, patterns: &[String]) {
    let Some(ordering) = ordering else {
        list.push("\norder by ");
        // The more words the name has of those searched for, the better the hit.
        for (index, pattern) in patterns.iter().enumerate() {
            list.push(if index == 0 { "(" } else { " + " });
            list.push_with("case when p.name_words like ? then 1 else 0 end", pattern.clone());
        }
        return list.push(if patterns.is_empty() { "p.id" } else { ") desc, p.id" });
    };
    list.push(match ordering {
        Ordering::Name => "\norder by p.name_key, p.id",
        Ordering::NameDescending => "\norder by p.name_key desc, p.id desc",
        Ordering::Price => "\norder by p.price_scaled, p.id",
        Ordering::PriceDescending => "\norder by p.price_scaled desc, p.id desc",
        Ordering::CreatedAt => "\norder by p.created_at, p.id",
        Ordering::CreatedAtDescending => "\norder by p.created_at desc, p.id desc",
    });
}

fn cut(mut list: Filter, page: PageRequest) -> Filter {
    list.push_with("\nlimit ?", page.limit());
    list.push_with(" offset ?", page.offset());
    list
}

async fn count(tx: &mut Tx, filter: Filter) -> Result<i64, StoreError> {
    Ok(tx.filtered::<(i64,)>(filter).await?.first().map_or(0, |(count,)| *count))
}

async fn products_of(tx: &mut Tx, list: Filter) -> Result<Vec<Product>, StoreError> {
    tx.filtered::<ProductRow>(list).await?.into_iter().map(Product::try_from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NewProduct, Store};

    #[tokio::test]
    async fn hits_in_the_name_come_first_and_prices_sort_by_their_number() {
        let store = Store::builder().background(false).open("sqlite::memory:").await.unwrap();
        for (name, description, price, currency) in [
            ("Tea towel", "Dries a ceramic mug.", "9.99", "USD"),
            ("Ceramic bowl", "Holds what a mug does not.", "1500", "JPY"),
            ("Ceramic mug", "", "3.500", "KWD"),
        ] {
            let price = Money::parse(price, currency.parse().unwrap()).unwrap();
            let product =
                NewProduct { description: description.parse().unwrap(), ..NewProduct::new(name.parse().unwrap(), price, 1) };
            store.product_create(store.system().admin(), product).await.unwrap();
        }
        let ids = async |wanted| {
            let page = store.product_list(&wanted, PageRequest::default(), None).await.unwrap();
            page.results.iter().map(|product| product.id.get()).collect::<Vec<_>>()
        };
        let search = |text: &str| ProductFilter { search: Some(text.to_owned()), ..ProductFilter::default() };
        assert_eq!(ids(search("CERAMIC mug")).await, [3, 2, 1]);
        assert_eq!(ids(search("cer-mu")).await, [3, 2, 1]);
        assert_eq!(ids(search("owl")).await, [] as [i64; 0]);

        let by_price = ProductFilter { ordering: Some(Ordering::Price), ..ProductFilter::default() };
        assert_eq!(ids(by_price.clone()).await, [3, 1, 2]);
        assert_eq!(ids(ProductFilter { max_price: Some(10.into()), ..by_price }).await, [3, 1]);
    }
}
