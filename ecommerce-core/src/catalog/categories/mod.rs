//! The tree of categories that products are in.

mod api;
pub(crate) mod sql;

use serde::Serialize;

use super::Revision;
use crate::{CategoryId, Description, InvalidField, Name, Timestamp};

/// How many levels the tree has at most, its top being one.
const MAX_LEVELS: usize = 10;

/// A group of products, and perhaps of categories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Category {
    /// The category's id.
    pub id: CategoryId,
    /// Its name, unique without regard to case.
    #[cfg_attr(feature = "openapi", schema(example = "Kitchen"))]
    pub name: String,
    /// What it holds; may be empty.
    #[cfg_attr(feature = "openapi", schema(example = "All that cooks and serves."))]
    pub description: String,
    /// The category above it; none at the top.
    pub parent: Option<CategoryId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Which state of it this is.
    #[serde(skip)]
    pub revision: Revision,
}

/// What a new category is made from.
#[derive(Debug, Clone)]
pub struct NewCategory {
    /// Its name, unique without regard to case.
    pub name: Name,
    /// What it holds.
    pub description: Description,
    /// The category above it; none puts it at the top.
    pub parent: Option<CategoryId>,
}

impl NewCategory {
    /// A category at the top, with nothing said but its name.
    pub fn new(name: Name) -> Self {
        Self { name, description: Description::default(), parent: None }
    }
}

/// What to change of a category; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct CategoryChange {
    /// A new name.
    pub name: Option<Name>,
    /// A new description.
    pub description: Option<Description>,
    /// Another category above it, or none: then it goes to the top. All that is below moves with it.
    pub parent: Option<Option<CategoryId>>,
}

impl CategoryChange {
    /// The category as it will be.
    fn apply(&self, category: &Category) -> Category {
        let mut changed = category.clone();
        if let Some(name) = &self.name {
            changed.name = name.to_string();
        }
        if let Some(description) = &self.description {
            changed.description = description.to_string();
        }
        changed.parent = self.parent.unwrap_or(category.parent);
        changed
    }
}

/// A category as its products show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CategoryRef {
    /// The category's id.
    pub id: CategoryId,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(example = "Kitchen"))]
    pub name: String,
}

/// May a category stand below another? `levels` is how many it brings, itself being one; `above` is that other with its
/// ancestors, in any order.
fn check_place(id: Option<CategoryId>, levels: usize, above: &[CategoryId]) -> Result<(), InvalidField> {
    if id.is_some_and(|id| above.contains(&id)) {
        return Err(InvalidField::new("parent", "must not be the category itself or one below it"));
    }
    if above.len().saturating_add(levels) > MAX_LEVELS {
        return Err(InvalidField::new("parent", format!("would make more than {MAX_LEVELS} levels of categories")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(count: i64) -> Vec<CategoryId> {
        (1..=count).map(|number| CategoryId::new(number).unwrap()).collect()
    }

    #[test]
    fn a_category_never_stands_below_itself() {
        for id in ids(3) {
            let refusal = check_place(Some(id), 1, &ids(3)).unwrap_err();
            assert_eq!(refusal.to_string(), "parent must not be the category itself or one below it");
        }
        assert_eq!(check_place(CategoryId::new(4), 1, &ids(3)), Ok(()));
        assert_eq!(check_place(None, 1, &ids(3)), Ok(()));
    }

    #[test]
    fn the_tree_has_ten_levels_at_most() {
        assert_eq!(check_place(None, 1, &ids(9)), Ok(()));
        assert_eq!(check_place(CategoryId::new(20), 4, &ids(6)), Ok(()));
        for (levels, above) in [(1, 10), (2, 9), (10, 1), (usize::MAX, 1)] {
            let refusal = check_place(CategoryId::new(20), levels, &ids(above)).unwrap_err();
            assert_eq!(refusal.to_string(), "parent would make more than 10 levels of categories");
        }
    }
}
