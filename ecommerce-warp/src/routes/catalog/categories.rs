//! `/category/`.

use ecommerce_core::{Admin, Category, CategoryChange, CategoryId, NewCategory};
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
    /// The category above it, or none; where it is left out, a new category is at the top, and any other stays where it is.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<CategoryId>)]
    parent: Option<Option<i64>>,
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
    /// Another category above it, or none; all that is below it moves with it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<CategoryId>)]
    parent: Option<Option<i64>>,
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
    let new = call.json::<CategoryBody>().await?.into_new()?;
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
    let wanted = call.json::<CategoryBody>().await?.into_change()?;
    change(call, admin, wanted).await
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
    let wanted = call.json_or_nothing::<CategoryPatch>().await?.into_change()?;
    change(call, admin, wanted).await
}

/// Deletes a category that has no products, and no categories below it.
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
    /// A new category.
    fn into_new(self) -> Result<NewCategory, Problem> {
        let mut faults = Faults::default();
        let name = faults.parse("name", &self.name);
        let description = faults.parse_given("description", self.description.as_deref()).unwrap_or_default();
        let parent = self.parent.flatten().and_then(|number| faults.id("parent", number, CategoryId::new));
        match name {
            Some(name) if faults.is_empty() => Ok(NewCategory { name, description, parent }),
            _ => Err(faults.into()),
        }
    }

    /// The same as a change.
    fn into_change(self) -> Result<CategoryChange, Problem> {
        let Self { name, description, parent } = self;
        CategoryPatch { name: Some(name), description, parent }.into_change()
    }
}

impl CategoryPatch {
    /// What it asks for, checked.
    fn into_change(self) -> Result<CategoryChange, Problem> {
        let mut faults = Faults::default();
        let change = CategoryChange {
            name: faults.parse_given("name", self.name.as_deref()),
            description: faults.parse_given("description", self.description.as_deref()),
            parent: self.parent.map(|id| id.and_then(|number| faults.id("parent", number, CategoryId::new))),
        };
        faults.check()?;
        Ok(change)
    }
}
