//! The one place where an error becomes a status, a stable word and a body (RFC 9457).

use std::{borrow::Cow, collections::BTreeMap};

use ecommerce_core::{
    AccountError, CartError, CatalogError, CheckoutError, Currency, Forbidden, Invalid, InvalidField, Money, OrderError,
    PaymentError, ProductId, Shortage, StoreError, WebhookError,
};
use serde::Serialize;
use utoipa::ToSchema;
use warp::http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{ACCEPT_ENCODING, ALLOW, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};

/// Why a request was refused.
#[derive(Debug)]
pub(crate) struct Problem(Box<Refusal>);

#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: ProblemBody,
}

/// What every refusal looks like (RFC 9457).
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// Always `about:blank`: `code` tells what happened.
    #[schema(example = "about:blank")]
    r#type: &'static str,
    /// The phrase of the status.
    #[schema(example = "Conflict")]
    title: &'static str,
    /// The status of the answer.
    #[schema(example = 409)]
    status: u16,
    /// What happened, in one stable word.
    #[schema(example = "insufficient_stock")]
    code: &'static str,
    /// What happened, for people.
    #[schema(example = "not enough in stock")]
    detail: Cow<'static, str>,
    /// Names the request in the server's log; also in the header `x-request-id`.
    #[schema(example = "5f0c2a9d31c44b7e-1f")]
    request_id: String,
    /// With `invalid_request`: what is wrong, by field; faults of the whole body under `body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = json!({"quantity": ["must be 1 to 1000000"]}))]
    errors: Option<BTreeMap<String, Vec<String>>>,
    /// With `insufficient_stock` and `product_unavailable`: which products.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    items: Option<Vec<Item>>,
    /// With `insufficient_stock` of one product: how many can be bought.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 1)]
    available: Option<i64>,
    /// With `total_changed`: the total as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    total: Option<Money>,
    /// With `total_changed`: the currency of the total.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    currency: Option<Currency>,
}

/// A product that stands in the way; where there is too little of it, with how much is wanted and to be had.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProblemItem)]
struct Item {
    product: ProductId,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Ceramic mug", nullable = false)]
    name: Option<String>,
    /// How many are wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 3, nullable = false)]
    requested: Option<u32>,
    /// How many can be bought now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1, nullable = false)]
    available: Option<i64>,
}

impl Item {
    fn short(shortage: Shortage) -> Self {
        let Shortage { product, name, requested, available } = shortage;
        Self { product, name: Some(name), requested: Some(requested), available: Some(available) }
    }

    fn unavailable(product: ProductId) -> Self {
        Self { product, name: None, requested: None, available: None }
    }
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        let body = ProblemBody {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            ..ProblemBody::default()
        };
        Self(Box::new(Refusal { status, headers: Vec::new(), body }))
    }

    pub(crate) fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    pub(crate) fn method_not_allowed(allow: HeaderValue) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this address does not take this method")
            .with(ALLOW, allow)
    }

    pub(crate) fn unauthenticated(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::unauthorized("unauthenticated", detail)
    }

    /// The body cannot be read at all.
    pub(crate) fn unreadable(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", format!("a body may have {limit} bytes at most")).closing()
    }

    pub(crate) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", "the body took too long to arrive").closing()
    }

    pub(crate) fn unsupported_media_type() -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "the Content-Type must be application/json")
    }

    /// A few bytes could stand for many, so nothing is unpacked.
    pub(crate) fn unsupported_encoding() -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "the body must not be compressed")
            .with(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
    }

    pub(crate) fn invalid_host(detail: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_host", detail).closing()
    }

    /// The request is for a host that is not served here (RFC 9110, section 15.5.20).
    pub(crate) fn misdirected() -> Self {
        Self::new(StatusCode::MISDIRECTED_REQUEST, "misdirected_request", "this host is not served here").closing()
    }

    /// What could not be read as a request at all, by the status that fits.
    pub(crate) fn not_http(status: StatusCode) -> Self {
        match status {
            StatusCode::URI_TOO_LONG => Self::new(status, "uri_too_long", "the address is too long"),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Self::new(status, "header_too_large", "the header is too long"),
            _ => Self::new(status, "invalid_http", "this is no request of HTTP/1.1"),
        }
    }

    /// Well-formed, but these fields cannot be taken.
    pub(crate) fn invalid(errors: BTreeMap<String, Vec<String>>) -> Self {
        let mut problem =
            Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", "some values cannot be taken, see errors");
        problem.0.body.errors = Some(errors);
        problem
    }

    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on the server")
    }

    /// The answer that tells it.
    pub(crate) fn into_response(self, request_id: &str) -> Response<Vec<u8>> {
        let Refusal { status, headers, mut body } = *self.0;
        request_id.clone_into(&mut body.request_id);
        let mut response = Response::new(serde_json::to_vec(&body).unwrap_or_default());
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.headers_mut().extend(headers);
        response
    }

    fn conflict(code: &'static str, detail: String) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    fn unauthorized(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
            .with(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Token realm="shop", Bearer realm="shop""#))
    }

    fn shortage(detail: String, items: Vec<Shortage>) -> Self {
        let mut problem = Self::conflict("insufficient_stock", detail);
        problem.0.body.available = if let [only] = items.as_slice() { Some(only.available) } else { None };
        problem.0.body.items = Some(items.into_iter().map(Item::short).collect());
        problem
    }

    fn unavailable(detail: String, products: Vec<ProductId>) -> Self {
        let mut problem = Self::conflict("product_unavailable", detail);
        problem.0.body.items = Some(products.into_iter().map(Item::unavailable).collect());
        problem
    }

    fn total_changed(detail: String, total: Money) -> Self {
        let mut problem = Self::conflict("total_changed", detail);
        problem.0.body.total = Some(total);
        problem.0.body.currency = Some(total.currency());
        problem
    }

    /// The provider refuses the order as it is: the fault lies in no field, but in the provider that was chosen.
    fn not_accepted(code: &'static str, detail: String) -> Self {
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail.clone());
        problem.0.body.errors = Some(BTreeMap::from([("provider".to_owned(), vec![detail])]));
        problem
    }

    fn retry_after(self, seconds: u64) -> Self {
        self.with(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The client may still be sending, so nothing that follows on the connection could be told apart.
    fn closing(self) -> Self {
        self.with(CONNECTION, HeaderValue::from_static("close"))
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.is_unavailable() || error.is_retryable() {
            tracing::warn!(%error, "the database is out of reach");
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "try again in a moment").retry_after(1);
        }
        tracing::error!(%error, "the database failed");
        Self::internal()
    }
}

impl From<Forbidden> for Problem {
    fn from(error: Forbidden) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", error.to_string())
    }
}

impl From<InvalidField> for Problem {
    fn from(error: InvalidField) -> Self {
        Self::invalid(BTreeMap::from([(error.field.to_owned(), vec![error.reason.to_string()])]))
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        let detail = error.to_string();
        match error {
            AccountError::EmailTaken => Self::conflict("email_taken", detail),
            AccountError::PasswordIsEmail => {
                InvalidField { field: "password", reason: Invalid::new("must not be the e-mail") }.into()
            }
            AccountError::InvalidCredentials => Self::unauthorized("invalid_credentials", detail),
            AccountError::TooManyFailures { retry_after } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", detail).retry_after(retry_after.as_secs())
            }
            AccountError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(5),
            AccountError::Unauthenticated => Self::unauthenticated(detail),
            AccountError::UnknownUser(_) => Self::not_found(detail),
            AccountError::Store(error) => error.into(),
            other => unforeseen(&other),
        }
    }
}

impl From<CatalogError> for Problem {
    fn from(error: CatalogError) -> Self {
        let detail = error.to_string();
        match error {
            CatalogError::UnknownProduct(_) | CatalogError::UnknownCategory(_) => Self::not_found(detail),
            CatalogError::NameTaken => Self::conflict("name_taken", detail),
            CatalogError::SkuTaken => Self::conflict("sku_taken", detail),
            CatalogError::CategoryInUse => Self::conflict("category_in_use", detail),
            CatalogError::StockReserved { .. } => Self::conflict("stock_reserved", detail),
            CatalogError::Changed => Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", detail),
            CatalogError::Invalid(error) => error.into(),
            CatalogError::Store(error) => error.into(),
            other => unforeseen(&other),
        }
    }
}

impl From<CartError> for Problem {
    fn from(error: CartError) -> Self {
        let detail = error.to_string();
        match error {
            CartError::UnknownProduct(_) => Self::not_found(detail),
            CartError::NotInCart(_) => Self::new(StatusCode::NOT_FOUND, "not_in_cart", detail),
            CartError::InsufficientStock(items) => Self::shortage(detail, items),
            CartError::Invalid(error) => error.into(),
            CartError::Store(error) => error.into(),
            other => unforeseen(&other),
        }
    }
}

impl From<CheckoutError> for Problem {
    fn from(error: CheckoutError) -> Self {
        let detail = error.to_string();
        match error {
            CheckoutError::CartEmpty => Self::conflict("cart_empty", detail),
            CheckoutError::InsufficientStock(items) => Self::shortage(detail, items),
            CheckoutError::ProductUnavailable(products) => Self::unavailable(detail, products),
            CheckoutError::MixedCurrencies => Self::conflict("mixed_currencies", detail),
            CheckoutError::TotalChanged(total) => Self::total_changed(detail, total),
            CheckoutError::CurrencyNotAccepted(_) => Self::not_accepted("currency_not_accepted", detail),
            CheckoutError::AmountNotAccepted(_) => Self::not_accepted("amount_not_accepted", detail),
            CheckoutError::TooManyOpenOrders(_) => Self::conflict("too_many_open_orders", detail),
            CheckoutError::IdempotencyKeyReused => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail),
            CheckoutError::Invalid(error) => error.into(),
            CheckoutError::Store(error) => error.into(),
            other => unforeseen(&other),
        }
    }
}

impl From<OrderError> for Problem {
    fn from(error: OrderError) -> Self {
        let detail = error.to_string();
        match error {
            OrderError::Unknown(_) => Self::not_found(detail),
            OrderError::InvalidTransition(_) => Self::conflict("invalid_transition", detail),
            OrderError::Store(error) => error.into(),
            other => unforeseen(&other),
        }
    }
}

impl From<PaymentError> for Problem {
    fn from(error: PaymentError) -> Self {
        let detail = error.to_string();
        match error {
            PaymentError::Order(error) => error.into(),
            PaymentError::UnknownRefund(_) => Self::not_found(detail),
            PaymentError::InsufficientStock(_, items) => Self::shortage(detail, items),
            PaymentError::TooManyPayments(_) => Self::conflict("too_many_payments", detail),
            PaymentError::Disputed => Self::conflict("disputed", detail),
            PaymentError::CurrencyNotAccepted(_) => Self::not_accepted("currency_not_accepted", detail),
            PaymentError::AmountNotAccepted(_) => Self::not_accepted("amount_not_accepted", detail),
            PaymentError::Invalid(error) => error.into(),
            PaymentError::Store(error) => error.into(),
            other => unforeseen(&other),
        }
    }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        let detail = error.to_string();
        match error {
            WebhookError::NotConfigured(_) => Self::not_found(detail),
            WebhookError::Signature(_) => Self::unreadable("invalid_signature", detail),
            WebhookError::NotAnEvent(_) => Self::unreadable("invalid_event", detail),
            WebhookError::Store(error) => error.into(),
            other => unforeseen(&other),
        }
    }
}

/// An error that the core has and this crate does not know yet.
fn unforeseen(error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "an error without a status of its own");
    Problem::internal()
}
