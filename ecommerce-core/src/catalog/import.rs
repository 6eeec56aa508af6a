//! What a bulk import does to the catalog: decided as a whole, before anything is written.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{
    Attributes, CatalogError, CategoryRef, ChangedProduct, NewProduct, Product, ProductChange, check_stock, search::key,
};
use crate::{CategoryId, Description, Invalid, Money, Name, ProductId, Sku};

/// One product of a bulk import. A known SKU, or without one a known name, updates that product.
///
/// A product that has no SKU yet is known by its name, and gains the SKU of its row.
#[derive(Debug, Clone)]
pub struct ImportRow {
    /// Where it stands in the file, for messages.
    pub line: u64,
    /// What it is called.
    pub name: Name,
    /// The price of one piece.
    pub price: Money,
    /// How many are on hand.
    pub stock: i64,
    /// The name of its category, which is made when it is new; `None` leaves a known product where it is.
    pub category: Option<Name>,
    /// What it is like; `None` leaves a known product's as it is.
    pub description: Option<Description>,
    /// Whether customers see it; `None` leaves a known product's as it is, and shows a new one.
    pub is_available: Option<bool>,
    /// The shop's own name for it.
    pub sku: Option<Sku>,
    /// What it is like, by name; `None` leaves a known product's as they are.
    pub attributes: Option<Attributes>,
}

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct ImportReport {
    /// Products that are new.
    pub created: u64,
    /// Products that changed.
    pub updated: u64,
    /// Products that were already just so.
    pub unchanged: u64,
    /// Categories that are new.
    pub categories_created: u64,
}

impl ImportReport {
    /// Did the import change anything? A category is only made for a product that is new, or that moves into it.
    pub(super) const fn is_news(&self) -> bool {
        self.created > 0 || self.updated > 0
    }
}

/// The products that an import makes and changes.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) new: Vec<NewProduct>,
    pub(super) changed: Vec<ChangedProduct>,
    unchanged: u64,
}

impl Plan {
    pub(super) fn report(&self, categories_created: u64) -> ImportReport {
        let (created, updated) = (self.new.len() as u64, self.changed.len() as u64);
        ImportReport { created, updated, unchanged: self.unchanged, categories_created }
    }
}

/// Checks what can be told without the catalog: no row may have the SKU of an earlier one, and each stock must be possible.
///
/// Names may repeat: of several rows with one name, the first means the first product of that name, and so on.
pub(super) fn check(rows: &[ImportRow]) -> Result<(), CatalogError> {
    let mut skus = HashSet::new();
    for row in rows {
        let refuse = |column, reason| Err(CatalogError::Import { line: row.line, column, reason });
        if row.sku.as_ref().is_some_and(|sku| !skus.insert(sku.as_str())) {
            return refuse("sku", Invalid::new("is that of an earlier line"));
        }
        if let Err(reason) = check_stock(row.stock) {
            return refuse("stock", reason);
        }
    }
    Ok(())
}

/// Decides what becomes of each row. `known` are all products by id, `categories` all that the rows name, by the key of their name.
pub(super) fn plan(
    rows: &[ImportRow],
    known: &[Product],
    reserved: &HashMap<ProductId, i64>,
    categories: &HashMap<String, CategoryRef>,
) -> Result<Plan, CatalogError> {
    let mut plan = Plan::default();
    let meant = known_products(rows, known);
    check_names(rows, known, &meant)?;
    for (row, known) in rows.iter().zip(meant) {
        let category = row.category.as_ref().and_then(|name| categories.get(&key(name.as_str())));
        let Some(product) = known else {
            plan.new.push(row.as_new(category.map(|category| category.id)));
            continue;
        };
        let reserved = reserved.get(&product.id).copied().unwrap_or(0);
        if row.stock < reserved {
            let reason = Invalid::new(format!("is below the {reserved} pieces that open orders have reserved"));
            return Err(CatalogError::Import { line: row.line, column: "stock", reason });
        }
        let changed = row.as_change(category.map(|category| category.id)).apply(product, category);
        if changed == *product {
            plan.unchanged += 1;
        } else {
            plan.changed.push(ChangedProduct::new(product, changed));
        }
    }
    Ok(plan)
}

impl ImportRow {
    fn as_new(&self, category: Option<CategoryId>) -> NewProduct {
        NewProduct {
            name: self.name.clone(),
            description: self.description.clone().unwrap_or_default(),
            price: self.price,
            stock: self.stock,
            is_available: self.is_available.unwrap_or(true),
            sku: self.sku.clone(),
            attributes: self.attributes.clone().unwrap_or_default(),
            category,
        }
    }

    fn as_change(&self, category: Option<CategoryId>) -> ProductChange {
        ProductChange {
            name: Some(self.name.clone()),
            description: self.description.clone(),
            price: Some(self.price),
            stock: Some(self.stock),
            is_available: self.is_available,
            sku: self.sku.clone().map(Some),
            attributes: self.attributes.clone(),
            category: category.map(Some),
        }
    }
}

/// The product that each row means, where there is one; no two rows mean the same.
///
/// So that the same file means the same products the second time, rows with a known SKU choose first, then those whose SKU
/// is new, and last those without one.
fn known_products<'a>(rows: &[ImportRow], known: &'a [Product]) -> Vec<Option<&'a Product>> {
    let by_sku: HashMap<_, _> = known.iter().filter_map(|product| Some((product.sku.as_ref()?.as_str(), product))).collect();
    let mut meant: Vec<_> = rows.iter().map(|row| by_sku.get(row.sku.as_ref()?.as_str()).copied()).collect();

    let taken: HashSet<_> = meant.iter().flatten().map(|product| product.id).collect();
    let mut by_name = HashMap::<_, VecDeque<_>>::new();
    let free = || known.iter().filter(|product| !taken.contains(&product.id));
    // Of several products with one name, those without a SKU come first, and of them the oldest.
    for product in free().filter(|product| product.sku.is_none()).chain(free().filter(|product| product.sku.is_some())) {
        by_name.entry(key(&product.name)).or_default().push_back(product);
    }
    for has_sku in [true, false] {
        for (row, meant) in rows.iter().zip(&mut meant) {
            if meant.is_none()
                && row.sku.is_some() == has_sku
                && let Some(named) = by_name.get_mut(&key(row.name.as_str()))
            {
                // A new SKU does not take the place of another.
                *meant = named.pop_front_if(|product| !has_sku || product.sku.is_none());
            }
        }
    }
    meant
}

/// Refuses a row whose name alone could mean another product: one that no row means, or, where another row of that name
/// makes a new product, that one the next time.
fn check_names(rows: &[ImportRow], known: &[Product], meant: &[Option<&Product>]) -> Result<(), CatalogError> {
    let taken: HashSet<_> = meant.iter().flatten().map(|product| product.id).collect();
    let alike = |product: &Product| (key(&product.name), product.sku.is_some());
    let left_over: HashSet<_> = known.iter().filter(|product| !taken.contains(&product.id)).map(alike).collect();
    let by_name = || rows.iter().zip(meant).filter(|(row, _)| row.sku.is_none());
    let new: HashSet<_> = by_name().filter(|(_, product)| product.is_none()).map(|(row, _)| key(row.name.as_str())).collect();
    for (row, product) in by_name().filter_map(|(row, product)| Some((row, (*product)?))) {
        let reason = if left_over.contains(&alike(product)) {
            "is that of several products, and not all of them are in the file"
        } else if product.sku.is_some() && new.contains(&key(row.name.as_str())) {
            "is that of a product with a SKU and of a new one: say the SKU"
        } else {
            continue;
        };
        return Err(CatalogError::Import { line: row.line, column: "name", reason: Invalid::new(reason) });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Timestamp, catalog::Revision};

    fn row(line: u64, sku: &str, name: &str) -> ImportRow {
        ImportRow {
            line,
            name: name.parse().unwrap(),
            price: Money::new(500, "USD".parse().unwrap()).unwrap(),
            stock: 5,
            category: None,
            description: None,
            is_available: None,
            sku: sku.parse().ok(),
            attributes: None,
        }
    }

    /// The product that an earlier import of the row has made.
    fn product(id: i64, row: &ImportRow) -> Product {
        let now = Timestamp::from_micros(0);
        Product {
            id: ProductId::new(id).unwrap(),
            name: row.name.to_string(),
            description: String::new(),
            price: row.price,
            currency: row.price.currency(),
            stock: row.stock,
            is_available: true,
            sku: row.sku.clone(),
            attributes: row.attributes.clone().unwrap_or_default(),
            category: None,
            created_at: now,
            updated_at: now,
            revision: Revision::of_product(1, None),
        }
    }

    fn meant(rows: &[ImportRow], known: &[Product]) -> Vec<Option<i64>> {
        known_products(rows, known).into_iter().map(|product| product.map(|product| product.id.get())).collect()
    }

    fn refused(rows: &[ImportRow]) -> Option<(u64, &'static str)> {
        match check(rows) {
            Err(CatalogError::Import { line, column, .. }) => Some((line, column)),
            _ => None,
        }
    }

    #[test]
    fn a_row_means_the_product_with_its_sku_else_with_its_name() {
        let known = [product(1, &row(2, "A", "Mug")), product(2, &row(3, "", "Vase")), product(3, &row(4, "", "vase"))];
        assert_eq!(meant(&[row(2, "A", "Cup"), row(3, "", "VASE"), row(4, "", "Cup")], &known), [Some(1), Some(2), None]);
        assert_eq!(meant(&[row(2, "B", "Vase")], &known), [Some(2)], "a product without a SKU gains it");
        assert_eq!(meant(&[row(2, "B", "Mug")], &known), [None], "a SKU is not replaced");
        assert_eq!(meant(&[row(2, "", "mug")], &known), [Some(1)], "a file without SKUs goes by names");
        assert_eq!(meant(&[row(2, "", "Vase"), row(3, "B", "Vase"), row(4, "C", "Vase")], &known), [None, Some(2), Some(3)]);
        assert_eq!(meant(&[row(2, "", "Mug"), row(3, "A", "Mug")], &known), [None, Some(1)]);
    }

    #[test]
    fn a_name_of_several_products_is_not_guessed_at() {
        let known = [product(1, &row(2, "", "Twin")), product(2, &row(3, "", "twin")), product(3, &row(4, "A", "Twin"))];
        let planned = |rows: &[ImportRow]| plan(rows, &known, &HashMap::new(), &HashMap::new()).map(|plan| plan.report(0));
        assert!(matches!(planned(&[row(2, "", "Twin")]), Err(CatalogError::Import { line: 2, column: "name", .. })));
        let both = [row(2, "", "Twin"), row(3, "", "twin")];
        assert_eq!(planned(&both).unwrap(), ImportReport { unchanged: 2, ..ImportReport::default() });
        assert_eq!(planned(&[row(2, "A", "Twin")]).unwrap().unchanged, 1);
        // The second time, which is the new one and which has the SKU would be told apart by nothing.
        let three = [row(2, "", "Twin"), row(3, "", "twin"), row(4, "", "TWIN")];
        assert_eq!(planned(&three).unwrap().unchanged, 2);
        let four = [&three[..], &[row(5, "", "Twin")]].concat();
        assert!(matches!(planned(&four), Err(CatalogError::Import { line: 4, column: "name", .. })));
    }

    #[test]
    fn the_second_time_nothing_changes() {
        let rows = [row(2, "", "Mug"), row(3, "A", "Mug"), row(4, "", "mug"), row(5, "C", "Vase")];
        let known: Vec<_> = (1..).zip(&rows).map(|(id, row)| product(id, row)).collect();
        assert_eq!(meant(&rows, &known), [Some(1), Some(2), Some(3), Some(4)]);
        let plan = plan(&rows, &known, &HashMap::new(), &HashMap::new()).unwrap();
        assert_eq!(plan.report(0), ImportReport { unchanged: 4, ..ImportReport::default() });
    }

    #[test]
    fn what_is_not_said_stays() {
        let mut known = product(1, &row(2, "A", "Mug"));
        known.description = "Blue".to_owned();
        known.category = Some(CategoryRef { id: CategoryId::new(7).unwrap(), name: "Kitchen".to_owned() });
        let rows = [ImportRow { stock: 9, ..row(2, "A", "Mug") }];
        let plan = plan(&rows, &[known.clone()], &HashMap::new(), &HashMap::new()).unwrap();
        let product = Product { stock: 9, ..known };
        assert_eq!(plan.changed, [ChangedProduct { product, moved: 4, news: None, for_sale: 0 }]);
    }

    #[test]
    fn a_bad_line_is_named() {
        assert_eq!(refused(&[row(2, "A", "Mug"), row(3, "B", "Mug"), row(4, "", "Mug")]), None);
        assert_eq!(refused(&[row(2, "A", "Mug"), row(3, "A", "Vase")]), Some((3, "sku")));
        assert_eq!(refused(&[row(2, "A", "Mug"), ImportRow { stock: -1, ..row(3, "B", "Mug") }]), Some((3, "stock")));

        let (known, rows) = (product(1, &row(2, "A", "Mug")), [row(2, "A", "Mug")]);
        let reserving = |pieces| plan(&rows, std::slice::from_ref(&known), &HashMap::from([(known.id, pieces)]), &HashMap::new());
        assert!(matches!(reserving(6), Err(CatalogError::Import { line: 2, column: "stock", .. })));
        assert_eq!(reserving(5).unwrap().report(0).unchanged, 1, "all that is there may be reserved");
    }
}
