//! Every operation of the shop, once: this list makes the OpenAPI document as well as the table of handlers.

use utoipa::OpenApi;

use crate::{
    openapi::{Answers, Bearer, Refusals},
    routes::{
        accounts, audit, cart,
        catalog::{categories, products, suggestions},
        checkout, operations, orders, payments,
    },
    table::Handler,
};

macro_rules! endpoints {
    ($($room:ident::$handler:ident),+ $(,)?) => {
        /// The OpenAPI 3.1 document.
        pub(crate) fn document() -> utoipa::openapi::OpenApi {
            Document::openapi()
        }

        /// What does the work of the operation with this id. Two handlers of one name would not compile.
        pub(crate) fn handler(operation_id: &str) -> Option<Handler> {
            match operation_id {
                $(stringify!($handler) => Some(|call| Box::pin($room::$handler(call))),)+
                _ => None,
            }
        }

        #[derive(OpenApi)]
        #[openapi(
            info(
                title = "Shop",
                description = "A shop: accounts, catalog, cart, checkout, orders and payments.\n\n\
                    Every address answers with and without its last slash. Bodies are JSON of at most 1 MiB. \
                    Amounts are decimal strings in the digits of the currency beside them, times are RFC 3339 in UTC. \
                    Every refusal is an `application/problem+json` with a stable `code`.",
            ),
            tags(
                (name = "accounts", description = "Who somebody is"),
                (name = "catalog", description = "What is sold"),
                (name = "cart", description = "What a customer means to buy"),
                (name = "orders", description = "What was bought"),
                (name = "payments", description = "Money that comes and goes"),
                (name = "audit", description = "Who did what"),
                (name = "operations", description = "How the server does"),
            ),
            paths($($room::$handler),+),
            // Found nowhere but in a query, where utoipa does not look.
            components(schemas(ecommerce_core::Ordering)),
            modifiers(&Bearer, &Answers, &Refusals),
        )]
        struct Document;

        #[cfg(test)]
        const HANDLERS: &[&str] = &[$(stringify!($handler)),+];
    };
}

endpoints![
    accounts::register,
    accounts::login,
    accounts::logout,
    accounts::me,
    categories::category_list,
    categories::category_create,
    categories::category,
    categories::category_replace,
    categories::category_update,
    categories::category_delete,
    products::product_list,
    products::product_create,
    products::product,
    products::product_replace,
    products::product_update,
    products::product_delete,
    suggestions::search_suggest,
    cart::cart,
    cart::cart_clear,
    cart::cart_add,
    cart::cart_reduce,
    cart::cart_remove,
    cart::cart_set,
    checkout::checkout,
    orders::order_list,
    orders::order,
    orders::order_cancel,
    orders::order_fulfill,
    payments::order_pay,
    payments::order_confirm_payment,
    payments::order_refund,
    payments::refund_done,
    payments::webhook_stripe,
    payments::webhook_paystack,
    payments::webhook_other,
    audit::audit_log,
    operations::openapi_json,
    operations::docs,
    operations::docs_file,
    operations::healthz,
    operations::readyz,
    operations::metrics,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::operations;

    #[test]
    fn every_operation_has_its_handler_and_every_handler_its_operation() {
        let document = document();
        let mut documented = document
            .paths
            .paths
            .values()
            .flat_map(operations)
            .map(|(_, operation)| operation.operation_id.clone().unwrap_or_default())
            .collect::<Vec<_>>();
        let mut handled = HANDLERS.to_vec();
        documented.sort();
        handled.sort_unstable();
        assert_eq!(documented, handled);
        assert!(documented.iter().all(|id| handler(id).is_some()));
    }
}
