use super::{Category, CategoryRef, NewCategory};
use crate::{
    CategoryId, StoreError, Timestamp,
    catalog::{
        lists::CategoryRow,
        search::{key, spaced},
    },
    db::{Tx, statements},
};

statements! {
    CATEGORY =
        "select id, name, description, parent_id, version, created_at, updated_at
         from categories
         where id = $1";

    LOCK_CATEGORY = {
        sqlite: "select id from categories where id = $1",
        postgres: "select id from categories where id = $1 for update",
    };

    /// Whoever puts a product into a category holds on to it, so that it is not deleted meanwhile.
    HOLD_CATEGORY = {
        sqlite: "select id, name from categories where id = $1",
        postgres: "select id, name from categories where id = $1 for key share",
    };

    HOLD_CATEGORIES = {
        sqlite: "select id, name from categories",
        postgres: "select id, name from categories for key share",
    };

    INSERT_CATEGORY =
        "insert into categories (name, name_key, name_words, description, parent_id, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $6)
         on conflict (name_key) do nothing
         returning id, name, description, parent_id, version, created_at, updated_at";

    UPDATE_CATEGORY =
        "update categories set
             name = $2, name_key = $3, name_words = $4, description = $5, parent_id = $6, version = version + 1,
             updated_at = $7
         where id = $1
         returning id, name, description, parent_id, version, created_at, updated_at";

    CATEGORY_IN_USE =
        "select exists (select 1 from products where category_id = $1 and deleted_at is null)
             or exists (select 1 from categories where parent_id = $1)";

    /// Deleted products that were in a category must not hold it back.
    LEAVE_CATEGORY = "update products set category_id = null where category_id = $1";

    DELETE_CATEGORY = "delete from categories where id = $1";

    /// Whoever changes the shape of the tree does it alone: two moves that are good each by itself may make a circle together.
    TAKE_TREE_TURN = {
        sqlite: "select 1 as turn",
        postgres: "select 1 as turn from pg_advisory_xact_lock(hashtext('ecommerce category tree'))",
    };

    ANCESTORS = "select ancestor_id from category_ancestors where category_id = $1";

    /// A category counts, for each that is below it, those between them and both.
    LEVELS =
        "select coalesce(max(levels), 1) as levels
         from (
             select count(*) as levels
             from category_ancestors below
                 join category_ancestors above on above.category_id = below.category_id
                 join category_ancestors inside on inside.category_id = above.ancestor_id
             where below.ancestor_id = $1 and inside.ancestor_id = $1
             group by below.category_id
         ) branch";

    PLANT =
        "insert into category_ancestors (category_id, ancestor_id)
         select id, id
         from categories
         where id = $1
         union all
         select cast($1 as bigint), ancestor_id
         from category_ancestors
         where category_id = $2";

    /// Parts a category, with all that is below it, from what is above it.
    UPROOT =
        "delete from category_ancestors
         where category_id in (select category_id from category_ancestors where ancestor_id = $1)
             and ancestor_id not in (select category_id from category_ancestors where ancestor_id = $1)";

    /// Puts a category, with all that is below it, below another.
    GRAFT =
        "insert into category_ancestors (category_id, ancestor_id)
         select below.category_id, above.ancestor_id
         from category_ancestors below cross join category_ancestors above
         where below.ancestor_id = $1 and above.category_id = $2";

    FELL = "delete from category_ancestors where category_id = $1";
}

pub(super) async fn category(tx: &mut Tx, id: CategoryId) -> Result<Option<Category>, StoreError> {
    Ok(tx.optional::<CategoryRow>(CATEGORY, &(id,)).await?.map(Category::from))
}

pub(super) async fn category_locked(tx: &mut Tx, id: CategoryId) -> Result<Option<Category>, StoreError> {
    tx.optional::<(CategoryId,)>(LOCK_CATEGORY, &(id,)).await?;
    category(tx, id).await
}

/// A category that will be there until the transaction ends.
pub(in crate::catalog) async fn category_held(tx: &mut Tx, id: CategoryId) -> Result<Option<CategoryRef>, StoreError> {
    let row = tx.optional::<(CategoryId, String)>(HOLD_CATEGORY, &(id,)).await?;
    Ok(row.map(|(id, name)| CategoryRef { id, name }))
}

/// All categories; they will be there until the transaction ends.
pub(in crate::catalog) async fn categories_held(tx: &mut Tx) -> Result<Vec<CategoryRef>, StoreError> {
    let rows = tx.all::<(CategoryId, String)>(HOLD_CATEGORIES, &()).await?;
    Ok(rows.into_iter().map(|(id, name)| CategoryRef { id, name }).collect())
}

/// A new category; `None` when the name is taken.
pub(in crate::catalog) async fn insert(tx: &mut Tx, new: &NewCategory, now: Timestamp) -> Result<Option<Category>, StoreError> {
    let NewCategory { name, description, parent } = new;
    let args = (name.clone(), key(name.as_str()), spaced(name.as_str()), description.clone(), *parent, now);
    let Some(row) = tx.optional::<CategoryRow>(INSERT_CATEGORY, &args).await? else { return Ok(None) };
    let category = Category::from(row);
    tx.later(PLANT, &(category.id, *parent)).await?;
    Ok(Some(category))
}

/// Writes all of a category that an admin may change, except that it does not move in the tree.
pub(super) async fn update(tx: &mut Tx, changed: &Category, now: Timestamp) -> Result<Category, StoreError> {
    let Category { id, name, description, parent, .. } = changed;
    let args = (*id, name.clone(), key(name), spaced(name), description.clone(), *parent, now);
    Ok(tx.one::<CategoryRow>(UPDATE_CATEGORY, &args).await?.into())
}

/// Does the category have products, or categories below it?
pub(super) async fn is_in_use(tx: &mut Tx, id: CategoryId) -> Result<bool, StoreError> {
    tx.scalar(CATEGORY_IN_USE, &(id,)).await
}

pub(super) async fn delete(tx: &mut Tx, id: CategoryId) -> Result<(), StoreError> {
    tx.later(LEAVE_CATEGORY, &(id,)).await?;
    tx.later(FELL, &(id,)).await?;
    tx.later(DELETE_CATEGORY, &(id,)).await
}

/// Nobody else moves, nests or deletes a category until the transaction ends.
pub(super) async fn take_tree_turn(tx: &mut Tx) -> Result<(), StoreError> {
    tx.one::<(i32,)>(TAKE_TREE_TURN, &()).await.map(drop)
}

/// A category and all above it; none when it does not exist.
pub(super) async fn ancestors(tx: &mut Tx, id: CategoryId) -> Result<Vec<CategoryId>, StoreError> {
    Ok(tx.all::<(CategoryId,)>(ANCESTORS, &(id,)).await?.into_iter().map(|(id,)| id).collect())
}

/// How many levels a category has with those below it, itself being one.
pub(super) async fn levels(tx: &mut Tx, id: CategoryId) -> Result<usize, StoreError> {
    let levels: i64 = tx.scalar(LEVELS, &(id,)).await?;
    Ok(usize::try_from(levels).unwrap_or(usize::MAX))
}

/// Moves a category, with all that is below it, below another or to the top.
pub(super) async fn move_tree(tx: &mut Tx, id: CategoryId, parent: Option<CategoryId>) -> Result<(), StoreError> {
    tx.later(UPROOT, &(id,)).await?;
    if let Some(parent) = parent {
        tx.later(GRAFT, &(id, parent)).await?;
    }
    Ok(())
}
