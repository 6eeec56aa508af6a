//! `/product/`.

use ecommerce_core::{
    Admin, CatalogError, CategoryId, Expect, Look, Ordering, Product, ProductFilter, ProductId, Store, parse_decimal,
};

use super::product_body::{ProductBody, ProductPatch, Wanted};
use crate::{
    call::{Answer, Call},
    etag::{self, IfMatch, IfNoneMatch},
    query::{FoundProducts, Paging},
    reply,
};

/// The products that are for sale; an admin sees the others too.
///
/// A search looks in the name, the SKU, the attributes, the description and the category's name, in this order of worth, for
/// all of its words or their beginnings, for `"phrases in quotes"`, and leaves out what has a `-word`. Where fewer than ten
/// products are called so, words that are one slip of the finger away count too, behind these; in any other order only where no
/// product is.
///
/// Beside these parameters, each `attr.<name>=<value>` keeps to products whose attribute has this value, or one of them where
/// the same name is given again: `?attr.color=red&attr.color=blue&attr.size=M`; at most 20 names and 50 values.
#[utoipa::path(get, path = "/product/", tag = "catalog", security((), ("bearer" = [])), params(
    ("search" = Option<String>, Query, description = "Words, `\"phrases\"`, `-words` that shall not be there; \
        of more than 200 characters or 20 words, the first", example = "ceramic mug"),
    ("category" = Option<CategoryId>, Query, description = "Only those of this category or one below it"),
    ("min_price" = Option<String>, Query, description = "Only those that cost at least this", example = "5"),
    ("max_price" = Option<String>, Query, description = "Only those that cost at most this", example = "19.99"),
    ("in_stock" = Option<bool>, Query, description = "Only those that can, or cannot, be bought now"),
    ("ordering" = Option<Ordering>, Query, description = "In which order; else the best hits of a search or the oldest first"),
    ("facets" = Option<String>, Query, description = "What to count beside the page, at most 10 words between commas: \
        `category`, `price`, `attr.<name>`", example = "category,attr.color,price"),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before, instead of `page`; the other \
        parameters, but for `page_size`, stay as they were"),
    Paging,
    IfNoneMatch,
), responses(
    (status = 200, description = "A page of products", body = FoundProducts, headers(("ETag", description = "Names this state"))),
    (status = 304, description = "Not changed since the state in `If-None-Match`"),
))]
pub(crate) async fn product_list(call: &mut Call) -> Answer {
    let session = call.visitor().await?;
    let admin = session.as_ref().and_then(|session| session.admin().ok());
    let mut query = call.query();
    let filter = ProductFilter {
        search: query.text("search"),
        category: query.value("category"),
        attributes: query.attributes(),
        min_price: query.with("min_price", parse_decimal),
        max_price: query.with("max_price", parse_decimal),
        in_stock: query.with("in_stock", |text| text.parse().map_err(|_| "must be true or false")),
        ordering: query.value("ordering"),
    };
    let (facets, cursor, page) = (query.facets(), query.cursor(), query.page());
    query.check()?;
    let look = Look { page, cursor: cursor.as_deref(), facets: &facets };
    let found = call.store().product_search(&filter, &look, admin).await?;
    reply::fresh_list(&call.headers, &query.found(found))
}

/// Makes a product.
#[utoipa::path(post, path = "/product/", tag = "catalog", security(("bearer" = ["admin"])), request_body = ProductBody, responses(
    (status = 201, description = "The product", body = Product, headers(("Location", description = "Where it is"))),
    (status = 409, description = "`sku_taken`"),
))]
pub(crate) async fn product_create(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let admin = session.admin()?;
    let new = call.json::<ProductBody>().await?.into_new(call.store().currency())?;
    let product = call.store().product_create(admin, new).await?;
    reply::tagged(reply::created(call.address("product", product.id), &product)?, &product.revision)
}

/// One product. One that is not for sale is there for admins only.
#[utoipa::path(get, path = "/product/{id}/", tag = "catalog", security((), ("bearer" = [])), params(
    ("id" = ProductId, Path, description = "The product"),
    IfNoneMatch,
), responses(
    (status = 200, description = "The product", body = Product, headers(("ETag", description = "Names this state"))),
    (status = 304, description = "Not changed since the state in `If-None-Match`"),
))]
pub(crate) async fn product(call: &mut Call) -> Answer {
    let session = call.visitor().await?;
    let admin = session.as_ref().and_then(|session| session.admin().ok());
    let product = call.store().product(call.id(ProductId::new)?, admin).await?;
    reply::fresh(&call.headers, &product.revision, &product)
}

/// Writes a product anew. What is left out of the fields that need not be given stays as it is.
#[utoipa::path(put, path = "/product/{id}/", tag = "catalog", security(("bearer" = ["admin"])), params(
    ("id" = ProductId, Path, description = "The product"),
    IfMatch,
), request_body = ProductBody, responses(
    (status = 200, description = "The product as it is now", body = Product, headers(("ETag", description = "Names this state"))),
    (status = 409, description = "`sku_taken`, `stock_reserved`: more is reserved by open orders than the stock would be"),
    (status = 412, description = "`precondition_failed`: somebody wrote between"),
))]
pub(crate) async fn product_replace(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let admin = session.admin()?;
    let wanted = call.json::<ProductBody>().await?.into_change()?;
    change(call, admin, &wanted).await
}

/// Changes some fields of a product. Orders that name it keep what they have.
#[utoipa::path(patch, path = "/product/{id}/", tag = "catalog", security(("bearer" = ["admin"])), params(
    ("id" = ProductId, Path, description = "The product"),
    IfMatch,
), request_body = ProductPatch, responses(
    (status = 200, description = "The product as it is now", body = Product, headers(("ETag", description = "Names this state"))),
    (status = 409, description = "`sku_taken`, `stock_reserved`: more is reserved by open orders than the stock would be"),
    (status = 412, description = "`precondition_failed`: somebody wrote between"),
))]
pub(crate) async fn product_update(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let admin = session.admin()?;
    let wanted = call.json_or_nothing::<ProductPatch>().await?.into_change()?;
    change(call, admin, &wanted).await
}

/// Deletes a product. Orders that name it keep what they have.
#[utoipa::path(delete, path = "/product/{id}/", tag = "catalog", security(("bearer" = ["admin"])), params(
    ("id" = ProductId, Path, description = "The product"),
    IfMatch,
), responses(
    (status = 204, description = "It is gone"),
    (status = 412, description = "`precondition_failed`: somebody wrote between"),
))]
pub(crate) async fn product_delete(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let admin = session.admin()?;
    call.store().product_delete(admin, call.id(ProductId::new)?, &etag::expectation(&call.headers)).await?;
    reply::nothing()
}

async fn change(call: &Call, admin: &Admin, wanted: &Wanted) -> Answer {
    let (store, id, expect) = (call.store(), call.id(ProductId::new)?, etag::expectation(&call.headers));
    let product = match wanted.settled() {
        Some(change) => store.product_update(admin, id, change.clone(), &expect).await,
        None => change_in_own_currency(store, admin, id, wanted, &expect).await,
    }?;
    reply::tagged(reply::ok(&product)?, &product.revision)
}

/// An amount without a currency means the product's own, so such a change is written only on the state in which that
/// was read. Where somebody writes between, it is read again.
async fn change_in_own_currency(
    store: &Store,
    admin: &Admin,
    id: ProductId,
    wanted: &Wanted,
    expect: &Expect,
) -> Result<Product, CatalogError> {
    loop {
        let found = store.product(id, Some(admin)).await?;
        let revision = found.revision.as_str();
        if matches!(expect, Expect::OneOf(revisions) if !revisions.iter().any(|known| known == revision)) {
            return Err(CatalogError::Changed);
        }
        let pinned = Expect::OneOf(vec![revision.to_owned()]);
        match store.product_update(admin, id, wanted.in_currency(found.currency)?, &pinned).await {
            Err(CatalogError::Changed) => {}
            outcome => return outcome,
        }
    }
}
