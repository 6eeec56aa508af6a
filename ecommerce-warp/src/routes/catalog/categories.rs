//! `/category/`.

use ecommerce_core::{Admin, Category, CategoryChange, CategoryId, Description, Name, NewCategory};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    call::{Answer, Call},
    etag::{self, IfMatch, IfNoneMatch},
    faults::Faults,
    json::present,
    problem::Problem,
    query::{Listed, Paging},
    reply,
};

/// A category as a whole.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CategoryBody {
    /// Unique without regard to case.
    #[schema(example = "Kitchen", min_length = 1, max_length = 200)]
    name: String,
    /// What it holds; where it is left out, it stays as it is.
    #[serde(default, deserialize_with = "present")]
    #[schema(example = "All that cooks and serves.", nullable = false, max_length = 10_000)]
    description: Option<String>,
}

/// What to change of a category.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CategoryPatch {
    /// A new name.
    #[serde(default, deserialize_with = "present")]
    #[schema(example = "Kitchen", nullable = false, min_length = 1, max_length = 200)]
    name: Option<String>,
    /// A new description.
    #[serde(default, deserialize_with = "present")]
    #[schema(example = "All that cooks and serves.", nullable = false, max_length = 10_000)]
    description: Option<String>,
}

/// All categories, by name.
#[utoipa::path(get, path = "/category/", tag = "catalog", security((), ("bearer" = [])), params(
    ("search" = Option<String>, Query, description = "Words that the name has, each at the beginning of a word", example = "kit"),
    Paging,
    IfNoneMatch,
), responses(
    (status = 200, description = "A page of categories", body = Listed<Category>, headers(("ETag", description = "Names this state"))),
    (status = 304, description = "Not changed since the state in `If-None-Match`"),
))]
pub(crate) async fn category_list(call: &mut Call) -> Answer {
    call.visitor().await?;
    let mut query = call.query();
    let (search, page) = (query.text("search"), query.page());
    query.check()?;
    let categories = call.store().category_list(search.as_deref(), page).await?;
    reply::fresh_list(&call.headers, &query.listed(categories))
}

/// Makes a category.
#[utoipa::path(post, path = "/category/", tag = "catalog", security(("bearer" = ["admin"])), request_body = CategoryBody, responses(
    (status = 201, description = "The category", body = Category, headers(("Location", description = "Where it is"))),
    (status = 409, description = "`name_taken`"),
))]
pub(crate) async fn category_create(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let admin = session.admin()?;
    let (name, description) = call.json::<CategoryBody>().await?.checked()?;
    let new = NewCategory { name, description: description.unwrap_or_default() };
    let category = call.store().category_create(admin, new).await?;
    reply::tagged(reply::created(call.address("category", category.id), &category)?, &category.revision)
}

/// One category.
#[utoipa::path(get, path = "/category/{id}/", tag = "catalog", security((), ("bearer" = [])), params(
    ("id" = CategoryId, Path, description = "The category"),
    IfNoneMatch,
), responses(
    (status = 200, description = "The category", body = Category, headers(("ETag", description = "Names this state"))),
    (status = 304, description = "Not changed since the state in `If-None-Match`"),
))]
pub(crate) async fn category(call: &mut Call) -> Answer {
    call.visitor().await?;
    let category = call.store().category(call.id(CategoryId::new)?).await?;
    reply::fresh(&call.headers, &category.revision, &category)
}

/// Writes a category anew.
#[utoipa::path(put, path = "/category/{id}/", tag = "catalog", security(("bearer" = ["admin"])), params(
    ("id" = CategoryId, Path, description = "The category"),
    IfMatch,
), request_body = CategoryBody, responses(
    (status = 200, description = "The category as it is now", body = Category, headers(("ETag", description = "Names this state"))),
    (status = 409, description = "`name_taken`"),
    (status = 412, description = "`precondition_failed`: somebody wrote between"),
))]
pub(crate) async fn category_replace(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let admin = session.admin()?;
    let (name, description) = call.json::<CategoryBody>().await?.checked()?;
    change(call, admin, CategoryChange { name: Some(name), description }).await
}

/// Changes some fields of a category.
#[utoipa::path(patch, path = "/category/{id}/", tag = "catalog", security(("bearer" = ["admin"])), params(
    ("id" = CategoryId, Path, description = "The category"),
    IfMatch,
), request_body = CategoryPatch, responses(
    (status = 200, description = "The category as it is now", body = Category, headers(("ETag", description = "Names this state"))),
    (status = 409, description = "`name_taken`"),
    (status = 412, description = "`precondition_failed`: somebody wrote between"),
))]
pub(crate) async fn category_update(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let admin = session.admin()?;
    let wanted = call.json_or_nothing::<CategoryPatch>().await?.checked()?;
    change(call, admin, wanted).await
}

/// Deletes a category that has no products.
#[utoipa::path(delete, path = "/category/{id}/", tag = "catalog", security(("bearer" = ["admin"])), params(
    ("id" = CategoryId, Path, description = "The category"),
    IfMatch,
), responses(
    (status = 204, description = "It is gone"),
    (status = 409, description = "`category_in_use`"),
    (status = 412, description = "`precondition_failed`: somebody wrote between"),
))]
pub(crate) async fn category_delete(call: &mut Call) -> Answer {
    let session = call.session().await?;
    let admin = session.admin()?;
    call.store().category_delete(admin, call.id(CategoryId::new)?, &etag::expectation(&call.headers)).await?;
    reply::nothing()
}

async fn change(call: &Call, admin: &Admin, change: CategoryChange) -> Answer {
    let expect = etag::expectation(&call.headers);
    let category = call.store().category_update(admin, call.id(CategoryId::new)?, change, &expect).await?;
    reply::tagged(reply::ok(&category)?, &category.revision)
}

impl CategoryBody {
    fn checked(self) -> Result<(Name, Option<Description>), Problem> {
        let mut faults = Faults::default();
        let name = faults.parse("name", &self.name);
        let description = faults.parse_given("description", self.description.as_deref());
        match name {
            Some(name) if faults.is_empty() => Ok((name, description)),
            _ => Err(faults.into()),
        }
    }
}

impl CategoryPatch {
    fn checked(self) -> Result<CategoryChange, Problem> {
        let mut faults = Faults::default();
        let name = faults.parse_given("name", self.name.as_deref());
        let description = faults.parse_given("description", self.description.as_deref());
        faults.check()?;
        Ok(CategoryChange { name, description })
    }
}
