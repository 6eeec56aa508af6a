//! Any order and any duplication of the same events ends in the same state, up to which of two good payments came first.

use ecommerce_core::{Customer, Order, Outcome, ProductChange, ProductId, ProviderName, RefundId, RefundRequest};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::{
    database::{Database, Engine},
    events::{Attempt, number},
    properties::config,
    shop::{Shop, minutes, runtime},
};

#[test]
fn the_order_of_events_does_not_matter_on_sqlite() {
    permute(Engine::Sqlite, 80);
}

#[test]
fn the_order_of_events_does_not_matter_on_postgres() {
    permute(Engine::Postgres, 25);
}

fn permute(engine: Engine, cases: u32) {
    let runtime = runtime();
    let Some(database) = runtime.block_on(Database::create(engine)) else { return };
    let shop = runtime.block_on(Shop::open(&database.url));
    let ran = TestRunner::new(config(cases)).run(&scenario(), |scenario| {
        runtime.block_on(compare(&shop, &scenario));
        Ok(())
    });
    runtime.block_on(async {
        shop.store.close().await;
        database.remove().await;
    });
    ran.unwrap_or_else(|failure| panic!("{failure}"));
}

/// An order, what is told of its two attempts, and two orders in which that arrives.
#[derive(Debug, Clone)]
struct Scenario {
    begun: Begun,
    providers: [ProviderName; 2],
    /// In hundredths of the order's total.
    amounts: [i64; 2],
    told: Vec<(usize, Tale)>,
    /// Where each tale stands in the one delivery and in the other, and whether it comes twice.
    places: Vec<[(u32, Option<u32>); 2]>,
}

/// How the order stands when the events begin to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begun {
    Waiting,
    Cancelled,
    Expired,
    SoldOut,
    /// Paid by the first attempt, and three tenths asked back where it was paid rightly.
    Refunding,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tale {
    SessionCompleted,
    IntentSucceeded,
    SessionUnpaid,
    Processing,
    Failed,
    SessionExpired,
    /// In tenths.
    RefundedInAll(i64),
    /// Of one of two refunds from the dashboard, three and four tenths.
    Refund(usize, &'static str),
    /// Of the refund that was asked for.
    OurRefund(&'static str),
    Dispute(&'static str),
}

const STATUSES: &[&str] = &["pending", "succeeded", "failed"];

fn tale() -> impl Strategy<Value = Tale> {
    let status = || prop::sample::select(STATUSES);
    prop_oneof![
        3 => Just(Tale::SessionCompleted),
        3 => Just(Tale::IntentSucceeded),
        1 => Just(Tale::SessionUnpaid),
        1 => Just(Tale::Processing),
        1 => Just(Tale::Failed),
        1 => Just(Tale::SessionExpired),
        2 => (1..=10_i64).prop_map(Tale::RefundedInAll),
        3 => (0..2_usize, status()).prop_map(|(refund, status)| Tale::Refund(refund, status)),
        1 => status().prop_map(Tale::OurRefund),
        2 => prop::sample::select(vec!["needs_response", "won", "lost"]).prop_map(Tale::Dispute),
    ]
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let begun = prop_oneof![
        4 => Just(Begun::Waiting),
        1 => Just(Begun::Cancelled),
        1 => Just(Begun::Expired),
        1 => Just(Begun::SoldOut),
        2 => Just(Begun::Refunding),
    ];
    let provider = || prop_oneof![3 => Just(ProviderName::Stripe), 1 => Just(ProviderName::Paystack)];
    let amount = || prop_oneof![4 => Just(100_i64), 1 => Just(90)];
    let place = || (any::<u32>(), prop::option::of(any::<u32>()));
    let told = prop::collection::vec(((0..2_usize, tale()), [place(), place()]), 1..9);
    (begun, [provider(), provider()], [amount(), amount()], told).prop_map(|(begun, providers, amounts, told)| {
        let (told, places) = told.into_iter().unzip();
        Scenario { begun, providers, amounts, told, places }
    })
}

async fn compare(shop: &Shop, scenario: &Scenario) {
    let one = deliver(shop, scenario, 0, None).await;
    let other = deliver(shop, scenario, 1, one.applied).await;
    if one.applied == other.applied {
        assert_eq!(one.state, other.state);
    } else {
        // Another of two good payments was seen first.
        assert!(one.applied.is_some() && other.applied.is_some(), "{:#} or {:#}", one.state, other.state);
        assert_eq!((&one.state["status"], one.stock), (&other.state["status"], other.stock));
    }
    assert_eq!(one.stock, other.stock);
    shop.healthy().await;
}

/// How the order stands when all has arrived.
struct Ended {
    /// Without what differs between any two orders.
    state: Value,
    stock: (i64, i64),
    /// Which attempt paid it.
    applied: Option<usize>,
}

/// Delivers everything in one of the two orders, beginning with a payment of the first attempt that is to be the first.
async fn deliver(shop: &Shop, scenario: &Scenario, delivery: usize, first: Option<usize>) -> Ended {
    let customer = shop.customer(&format!("buyer-{}", number())).await;
    let mug = shop.product("Mug", "10", 5).await;
    let order = shop.order_by(&customer, &[(mug, 2)], scenario.providers[0]).await;
    let order = shop.store.order_pay(&customer, order.id, Some(scenario.providers[1])).await.unwrap();
    let attempts = [0, 1].map(|at| Attempt {
        payment: Some(order.payments[at].id),
        ..Attempt::another(&order, &format!("{}-{at}", order.id)).amounting_to(order.total.minor() * scenario.amounts[at] / 100)
    });
    let asked = begin(shop, scenario, &customer, &order, &attempts[0], mug).await;

    let mut line: Vec<(u32, usize)> = Vec::new();
    for (tale, places) in scenario.places.iter().enumerate() {
        let (place, again) = places[delivery];
        line.extend([Some(place), again].into_iter().flatten().map(|place| (place, tale)));
    }
    line.sort_unstable();
    let mut line: Vec<usize> = line.into_iter().map(|(_, tale)| tale).collect();
    let proves = |tale: &usize, attempt: usize| scenario.told[*tale].0 == attempt && scenario.told[*tale].1.proves_success();
    if let Some(first) = first
        && let Some(ours) = line.iter().position(|tale| proves(tale, first))
        && let Some(theirs) = line.iter().position(|tale| proves(tale, 1 - first))
        && theirs < ours
    {
        line.swap(ours, theirs);
    }

    let events: Vec<_> = scenario
        .told
        .iter()
        .map(|&(at, tale)| event(scenario.providers[at], &attempts[at], tale, asked.filter(|_| at == 0)))
        .collect();
    for tale in line {
        match (&events[tale], scenario.providers[scenario.told[tale].0]) {
            (Some(event), ProviderName::Paystack) => drop(shop.paystack(event).await),
            (Some(event), _) => drop(shop.stripe(event).await),
            (None, _) => continue,
        }
        shop.healthy().await;
    }
    let order = shop.reload(&order).await;
    let applied = order.payments.iter().position(|payment| payment.outcome == Some(Outcome::Applied));
    Ended { state: state(&order), stock: shop.stock(mug).await, applied }
}

/// Brings the order to where the events find it. Answers the refund that was asked for.
async fn begin(
    shop: &Shop,
    scenario: &Scenario,
    customer: &Customer,
    order: &Order,
    attempt: &Attempt,
    mug: ProductId,
) -> Option<RefundId> {
    match scenario.begun {
        Begun::Waiting => {}
        Begun::Cancelled => drop(shop.store.order_cancel(customer, order.id).await.unwrap()),
        Begun::Expired => shop.wait(minutes(35)).await,
        Begun::SoldOut => {
            shop.wait(minutes(35)).await;
            shop.change(mug, ProductChange { stock: Some(1), ..ProductChange::default() }).await;
        }
        Begun::Refunding => {
            match scenario.providers[0] {
                ProviderName::Paystack => shop.paystack(&attempt.charge_success()).await,
                _ => shop.stripe(&attempt.session_completed()).await,
            };
            let request = RefundRequest { amount: Some("6".parse().unwrap()), ..RefundRequest::default() };
            // Nothing is asked back of a payment of another amount: it is owed already.
            let order = shop.store.order_refund(shop.admin(), order.id, &request).await.ok()?;
            return Some(order.refunds[0].id);
        }
    }
    None
}

impl Tale {
    const fn proves_success(self) -> bool {
        !matches!(self, Self::SessionUnpaid | Self::Processing | Self::Failed | Self::SessionExpired)
    }
}

/// The provider's words for it, where it has any.
fn event(provider: ProviderName, attempt: &Attempt, tale: Tale, asked: Option<RefundId>) -> Option<Value> {
    let part = |tenths: i64| attempt.amount * tenths / 10;
    let from_dashboard = |refund: usize| (format!("{}-{refund}", attempt.name), part(3 + i64::try_from(refund).unwrap()));
    if provider == ProviderName::Paystack {
        return match tale {
            Tale::SessionCompleted | Tale::IntentSucceeded => Some(attempt.charge_success()),
            Tale::Refund(refund, status) => {
                let (id, amount) = from_dashboard(refund);
                let what = if status == "succeeded" { "processed" } else { status };
                Some(attempt.paystack_refund(&id, what, amount))
            }
            // It resolves a dispute once, so a second resolution would be taken for the first.
            Tale::Dispute("won") => None,
            Tale::Dispute("lost") => Some(attempt.paystack_dispute("resolve", "resolved", Some("merchant-accepted"))),
            Tale::Dispute(_) => Some(attempt.paystack_dispute("create", "pending", None)),
            _ => None,
        };
    }
    let what = |status| match status {
        "pending" => "created",
        "failed" => "failed",
        _ => "updated",
    };
    Some(match tale {
        Tale::SessionCompleted => attempt.session_completed(),
        Tale::IntentSucceeded => attempt.intent_succeeded(),
        Tale::SessionUnpaid => attempt.session_completed_unpaid(),
        Tale::Processing => attempt.intent_processing(),
        Tale::Failed => attempt.intent_failed(),
        Tale::SessionExpired => attempt.session_expired(),
        Tale::RefundedInAll(tenths) => attempt.charge_refunded(part(tenths)),
        Tale::Refund(refund, status) => {
            let (id, amount) = from_dashboard(refund);
            attempt.refund(&id, what(status), status, amount, None)
        }
        Tale::OurRefund(status) => attempt.refund(&format!("{}-ours", attempt.name), what(status), status, 600, Some(asked?)),
        Tale::Dispute("needs_response") => attempt.dispute_opened(),
        Tale::Dispute(status) => attempt.dispute("closed", status),
    })
}

/// What can be seen of the order, without ids, times and the order in which things came.
fn state(order: &Order) -> Value {
    let number = |payment| order.payments.iter().position(|other| other.id == payment);
    let mut refunds: Vec<_> = order
        .refunds
        .iter()
        .map(|refund| (number(refund.payment_id), refund.reason.as_str(), refund.status.as_str(), refund.amount.to_string()))
        .collect();
    refunds.sort_unstable();
    let mut shown = serde_json::to_value(order).unwrap();
    let payments: Vec<_> =
        shown["payments"].as_array().unwrap().iter().map(|payment| without(payment, &["id", "created_at"])).collect();
    let text = json!(payments).to_string().replace(&format!("_{}-", order.id), "_").replace(&format!("\"{}-", order.id), "\"");
    shown["payments"] = text.parse().unwrap();
    shown["refunds"] = json!(refunds);
    shown["reserved_until"] = json!(order.reserved_until.map(|until| until.since(order.created_at).as_secs()));
    without(&shown, &["id", "customer", "items", "created_at", "updated_at", "history"])
}

fn without(value: &Value, keys: &[&str]) -> Value {
    value
        .as_object()
        .unwrap()
        .iter()
        .filter(|(key, _)| !keys.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
