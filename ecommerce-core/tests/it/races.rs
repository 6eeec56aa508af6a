//! The conformance kit, on two stores that share one database, so that no lock inside a process can help; and on shops that
//! are broken on purpose, so that it is seen to find that.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use ecommerce_core::{
    CheckoutRequest, Currency, Customer, Money, OrderId, ProductId,
    conformance::{
        Attack, BookedOrder, Frontend, PaidNews, Placed, Refusal, Report, Stock, StoreFrontend, StripeWebhooks, Tries, run,
    },
};

use crate::shop::{STRIPE_SECRET, Shop};

/// Each attack is a story of its own, told on both databases.
macro_rules! attacks {
    ($($story:ident = $attack:ident),+ $(,)?) => {
        stories![$($story),+];

        const TOLD: &[Attack] = &[$(Attack::$attack),+];

        $(
            async fn $story(shop: Shop) {
                withstands(&shop, Attack::$attack).await;
            }
        )+
    };
}

attacks! {
    oversell = Oversell,
    stock_edited = StockEdited,
    crossed_carts = CrossedCarts,
    add_during_checkout = AddDuringCheckout,
    double_checkout = DoubleCheckout,
    one_key = OneKey,
    lost_add = LostAdd,
    price_changed = PriceChanged,
    double_webhook = DoubleWebhook,
    two_payments = TwoPayments,
    double_confirmation = DoubleConfirmation,
    refunded_twice = RefundedTwice,
    cancelled_while_paid = CancelledWhilePaid,
    expired_while_paid = ExpiredWhilePaid,
    late_money = LateMoney,
}

#[test]
fn every_attack_is_told_and_explained() {
    assert_eq!(TOLD, Attack::ALL);
    for attack in Attack::ALL {
        assert_eq!(attack.name().parse::<Attack>().unwrap(), *attack);
        for part in ["The mistake it finds", "What must come of it", "The wall"] {
            assert!(attack.explanation().contains(part), "{attack} does not tell: {part}");
        }
    }
    assert!("flood".parse::<Attack>().is_err());
}

async fn withstands(shop: &Shop, attack: Attack) {
    let second = shop.second_process().await;
    // Fifty accounts take most of the time of that one.
    let tries = if attack == Attack::Oversell { 1 } else { 3 };
    let report = run(attack, &[frontend(shop), frontend(&second)], tries).await;
    second.store.close().await;
    assert!(report.holds(), "{report}");
    assert_eq!((report.sold, report.findings.as_deref()), (report.to_sell, Some([].as_slice())), "{report}");
}

fn frontend(shop: &Shop) -> StoreFrontend {
    StoreFrontend::new(shop.store.clone(), StripeWebhooks::new(STRIPE_SECRET)).clock(shop.clock())
}

/// The kit is put to the test here, not the database: one is enough.
macro_rules! flaws {
    ($($story:ident),+ $(,)?) => {
        mod flaws {
            $(
                #[test]
                fn $story() {
                    crate::shop::tell(crate::database::Engine::Sqlite, super::$story);
                }
            )+
        }
    };
}

flaws![
    who_sells_without_looking_is_found,
    who_refuses_everybody_is_found,
    who_takes_money_twice_is_found,
    who_loses_what_is_added_is_found,
    who_sells_behind_an_error_is_found,
    who_is_busy_for_a_while_is_forgiven,
    what_is_not_offered_is_not_attacked,
];

/// What is wrong with a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// It finds another unit whenever there is none left.
    SellsWithoutLooking,
    RefusesEverybody,
    /// It takes every payment a second time.
    TakesMoneyTwice,
    /// It forgets every second thing that is put into a cart.
    LosesWhatIsAdded,
    /// It answers "busy" to every second checkout, and has placed the order.
    SellsBehindAnError,
    /// It answers "busy" to every second checkout, and has done nothing.
    IsBusy,
}

#[derive(Clone)]
struct Flawed {
    shop: StoreFrontend,
    flaw: Flaw,
    product: Arc<Mutex<Option<ProductId>>>,
    deeds: Arc<AtomicU32>,
}

impl Flawed {
    fn is_second(&self) -> bool {
        self.deeds.fetch_add(1, Ordering::Relaxed) % 2 == 1
    }
}

async fn attacked(shop: &Shop, flaw: Flaw, attack: Attack, tries: u32) -> Report {
    let flawed = Flawed { shop: frontend(shop), flaw, product: Arc::default(), deeds: Arc::default() };
    run(attack, &[flawed], Tries::new(tries).at_once(2)).await
}

async fn is_found(shop: &Shop, flaw: Flaw, attack: Attack, sentence: &str) {
    let report = attacked(shop, flaw, attack, 1).await;
    assert!(!report.holds() && report.held == 0 && report.tries == 1, "{flaw:?}: {report}");
    assert!(report.to_string().contains(sentence), "{flaw:?}: {report}");
}

async fn who_sells_without_looking_is_found(shop: Shop) {
    is_found(&shop, Flaw::SellsWithoutLooking, Attack::Oversell, "50 units were sold, should be 10").await;
}

async fn who_refuses_everybody_is_found(shop: Shop) {
    is_found(&shop, Flaw::RefusesEverybody, Attack::Oversell, "0 units were sold, should be 10").await;
    is_found(&shop, Flaw::RefusesEverybody, Attack::DoubleCheckout, "the shop answered: there is too little in stock").await;
}

async fn who_takes_money_twice_is_found(shop: Shop) {
    let sentence = "came to [applied, duplicate], should be [applied]";
    is_found(&shop, Flaw::TakesMoneyTwice, Attack::DoubleWebhook, sentence).await;
}

async fn who_loses_what_is_added_is_found(shop: Shop) {
    is_found(&shop, Flaw::LosesWhatIsAdded, Attack::LostAdd, "24 units were sold, should be 48").await;
}

async fn who_sells_behind_an_error_is_found(shop: Shop) {
    is_found(&shop, Flaw::SellsBehindAnError, Attack::CrossedCarts, "the shop answered: the cart is empty").await;
}

async fn who_is_busy_for_a_while_is_forgiven(shop: Shop) {
    let report = attacked(&shop, Flaw::IsBusy, Attack::DoubleCheckout, 4).await;
    assert!(report.holds() && report.tries == 4 && report.busy > 0, "{report}");
}

async fn what_is_not_offered_is_not_attacked(shop: Shop) {
    let report = attacked(&shop, Flaw::IsBusy, Attack::DoubleConfirmation, 4).await;
    assert_eq!((report.is_offered, report.holds(), report.tries), (false, false, 0), "{report}");
    assert!(report.to_string().contains("not made"), "{report}");
}

#[async_trait]
impl Frontend for Flawed {
    type Customer = Customer;

    fn currency(&self) -> Currency {
        self.shop.currency()
    }

    async fn product(&self, price: Money, stock: i64) -> Result<ProductId, Refusal> {
        let product = self.shop.product(price, stock).await?;
        *self.product.lock().unwrap() = Some(product);
        Ok(product)
    }

    async fn customer(&self) -> Result<Customer, Refusal> {
        self.shop.customer().await
    }

    async fn cart_clear(&self, customer: &Customer) -> Result<(), Refusal> {
        self.shop.cart_clear(customer).await
    }

    async fn cart_add(&self, customer: &Customer, lines: &[(ProductId, u32)]) -> Result<(), Refusal> {
        if self.flaw == Flaw::LosesWhatIsAdded && self.is_second() {
            return Ok(());
        }
        self.shop.cart_add(customer, lines).await
    }

    async fn checkout(&self, customer: &Customer, request: &CheckoutRequest) -> Result<Placed, Refusal> {
        let busy = Err(Refusal::Busy("so it says".to_owned()));
        match self.flaw {
            Flaw::RefusesEverybody => return Err(Refusal::OutOfStock),
            Flaw::IsBusy if self.is_second() => return busy,
            _ => {}
        }
        let mut placed = self.shop.checkout(customer, request).await;
        while self.flaw == Flaw::SellsWithoutLooking && placed == Err(Refusal::OutOfStock) {
            let product = self.product.lock().unwrap().unwrap();
            self.shop.restock(product, 1).await?;
            placed = self.shop.checkout(customer, request).await;
        }
        if self.flaw == Flaw::SellsBehindAnError && self.is_second() { busy } else { placed }
    }

    async fn pay(&self, placed: &Placed, news: PaidNews) -> Result<(), Refusal> {
        self.shop.pay(placed, news).await?;
        if self.flaw == Flaw::TakesMoneyTwice {
            self.shop.pay(placed, PaidNews { other_payment: Some(2), event: 0 }).await?;
        }
        Ok(())
    }

    async fn cancel(&self, customer: &Customer, order: OrderId) -> Result<(), Refusal> {
        self.shop.cancel(customer, order).await
    }

    async fn orders(&self, customer: &Customer, newest: u32) -> Result<Vec<BookedOrder>, Refusal> {
        self.shop.orders(customer, newest).await
    }

    async fn stock(&self, product: ProductId) -> Result<Stock, Refusal> {
        self.shop.stock(product).await
    }

    async fn restock(&self, product: ProductId, by: i64) -> Result<(), Refusal> {
        self.shop.restock(product, by).await
    }

    async fn set_price(&self, product: ProductId, price: Money) -> Result<(), Refusal> {
        self.shop.set_price(product, price).await
    }
}
