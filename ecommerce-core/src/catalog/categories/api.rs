use serde_json::json;

use super::{Category, CategoryChange, NewCategory, check_place, sql};
use crate::{
    Admin, AuditAction, CatalogError, CategoryId, Expect, Page, PageRequest, Store, audit,
    catalog::{
        lists,
        search::{
            index::{index_below, learn_name},
            patterns,
        },
        taken, unknown_category,
    },
    db::{Tx, retry},
};

impl Store {
    /// The categories, by name. `search` finds words at the beginning of words of their names.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn category_list(&self, search: Option<&str>, page: PageRequest) -> Result<Page<Category>, CatalogError> {
        let Some(patterns) = patterns(search) else { return Ok(Page::empty(page)) };
        Ok(lists::categories(&mut self.read().await?, &patterns, page).await?)
    }

    /// One category.
    ///
    /// # Errors
    /// [`CatalogError::UnknownCategory`].
    pub async fn category(&self, id: CategoryId) -> Result<Category, CatalogError> {
        sql::category(&mut self.read().await?, id).await?.ok_or(CatalogError::UnknownCategory(id))
    }

    /// Makes a category.
    ///
    /// # Errors
    /// [`CatalogError::NameTaken`], [`CatalogError::Invalid`] on a `parent` that is unknown or too deep in the tree.
    pub async fn category_create(&self, admin: &Admin, new: NewCategory) -> Result<Category, CatalogError> {
        retry(async || {
            let mut tx = self.write().await?;
            if let Some(parent) = new.parent {
                sql::take_tree_turn(&mut tx).await?;
                check_place(None, 1, &ancestors(&mut tx, parent).await?)?;
            }
            let category = sql::insert(&mut tx, &new, self.now()).await?;
            let category = category.ok_or(CatalogError::NameTaken)?;
            let detail = json!({ "name": category.name });
            audit::record(&mut tx, admin, AuditAction::CategoryCreated, Some(category.id.into()), detail, self.now()).await?;
            learn_name(&mut tx, &category.name).await?;
            tx.commit().await?;
            tracing::info!(category = %category.id, "category created");
            Ok(category)
        })
        .await
    }

    /// Changes a category. A change to what it is already leaves its revision as it is.
    ///
    /// # Errors
    /// [`CatalogError::UnknownCategory`], [`CatalogError::Changed`], [`CatalogError::NameTaken`], [`CatalogError::Invalid`] on a
    /// `parent` that is unknown, the category itself, below it, or too deep in the tree.
    pub async fn category_update(
        &self,
        admin: &Admin,
        id: CategoryId,
        change: CategoryChange,
        expect: &Expect,
    ) -> Result<Category, CatalogError> {
        retry(async || {
            let mut tx = self.write_much().await?;
            if change.parent.is_some() {
                sql::take_tree_turn(&mut tx).await?;
            }
            let category = sql::category_locked(&mut tx, id).await?.ok_or(CatalogError::UnknownCategory(id))?;
            expect.check(&category.revision)?;
            let changed = change.apply(&category);
            if changed == category {
                tx.commit().await?;
                return Ok(category);
            }
            let moves = changed.parent != category.parent;
            let is_renamed = changed.name != category.name;
            if let Some(parent) = changed.parent.filter(|_| moves) {
                let above = ancestors(&mut tx, parent).await?;
                check_place(Some(id), sql::levels(&mut tx, id).await?, &above)?;
            }
            let detail = audit::changes(&category, &changed);
            let category = sql::update(&mut tx, &changed, self.now()).await;
            let category = category.map_err(|error| taken(error, CatalogError::NameTaken))?;
            if moves {
                sql::move_tree(&mut tx, id, changed.parent).await?;
            }
            if moves || is_renamed {
                index_below(&mut tx, id).await?;
            }
            audit::record(&mut tx, admin, AuditAction::CategoryUpdated, Some(id.into()), detail, self.now()).await?;
            learn_name(&mut tx, &category.name).await?;
            tx.commit().await?;
            tracing::info!(category = %id, "category changed");
            Ok(category)
        })
        .await
    }

    /// Removes a category that has no products, and no categories below it.
    ///
    /// # Errors
    /// [`CatalogError::UnknownCategory`], [`CatalogError::Changed`], [`CatalogError::CategoryInUse`].
    pub async fn category_delete(&self, admin: &Admin, id: CategoryId, expect: &Expect) -> Result<(), CatalogError> {
        retry(async || {
            let mut tx = self.write().await?;
            sql::take_tree_turn(&mut tx).await?;
            let category = sql::category_locked(&mut tx, id).await?.ok_or(CatalogError::UnknownCategory(id))?;
            expect.check(&category.revision)?;
            if sql::is_in_use(&mut tx, id).await? {
                return Err(CatalogError::CategoryInUse);
            }
            sql::delete(&mut tx, id).await?;
            let detail = json!({ "name": category.name });
            audit::record(&mut tx, admin, AuditAction::CategoryDeleted, Some(id.into()), detail, self.now()).await?;
            tx.commit().await?;
            tracing::info!(category = %id, "category deleted");
            Ok(())
        })
        .await
    }
}

/// The category that another shall stand below, and all above it.
async fn ancestors(tx: &mut Tx, parent: CategoryId) -> Result<Vec<CategoryId>, CatalogError> {
    let above = sql::ancestors(tx, parent).await?;
    if above.is_empty() { Err(unknown_category("parent", parent).into()) } else { Ok(above) }
}
