//! Orders that are paid, declined, paid late, paid twice, disputed and paid back, through both providers.

use ecommerce_core::{
    OrderStatus, Outcome, PaymentError, PaymentState, PaymentStatus, ProviderName, RefundReason, RefundRequest, RefundStatus,
};
use ecommerce_warp::sandbox::{Act, ActError, HeldRefundStatus, HeldState};

use super::{Shop, minutes};

const BOTH: [ProviderName; 2] = [ProviderName::Stripe, ProviderName::Paystack];

#[tokio::test]
async fn a_payment_pays_its_order() {
    let shop = Shop::open().await;
    for provider in BOTH {
        let order = shop.order(provider).await;
        shop.act(&order, Act::Pay).await;
        let paid = shop.reload(&order).await;
        assert_eq!((paid.status, paid.payment_status), (OrderStatus::Paid, PaymentStatus::Paid), "{provider}");
        let held = shop.held(&order);
        assert_eq!((held.provider, held.state, held.captured), (provider, HeldState::Paid, 2100));
        assert_eq!((held.payment, held.currency.as_str()), (Some(order.payments[0].id), "USD"));
        assert_eq!(paid.payments[0].reference.as_ref(), Some(&held.id), "the shop shows what the provider calls it");
        assert_eq!(shop.sandbox.act(&held.id, Act::Pay), Err(ActError::NotNow), "nobody pays a page twice");
    }
    shop.healthy().await;
}

#[tokio::test]
async fn a_declined_card_may_be_tried_again() {
    let shop = Shop::open().await;
    for provider in BOTH {
        let order = shop.order(provider).await;
        shop.act(&order, Act::Decline).await;
        // Paystack tells of it only when it is asked.
        shop.wait(minutes(2)).await;
        let declined = shop.reload(&order).await;
        assert_eq!(declined.status, OrderStatus::PendingPayment, "{provider}");
        if provider == ProviderName::Paystack {
            assert_eq!(declined.payments[0].status, PaymentState::Failed);
        }
        shop.act(&order, Act::Pay).await;
        assert_eq!(shop.reload(&order).await.status, OrderStatus::Paid, "{provider}");
    }
}

#[tokio::test]
async fn money_that_takes_its_time_arrives_or_does_not() {
    let shop = Shop::open().await;
    for provider in BOTH {
        let (one, other) = (shop.order(provider).await, shop.order(provider).await);
        shop.act(&one, Act::PayLate).await;
        shop.act(&other, Act::PayLate).await;
        shop.wait(minutes(2)).await;
        let waiting = shop.reload(&one).await;
        assert_eq!(
            (waiting.status, waiting.payments[0].status),
            (OrderStatus::PendingPayment, PaymentState::Processing),
            "{provider}"
        );
        shop.act(&one, Act::FinishLate { ok: true }).await;
        shop.act(&other, Act::FinishLate { ok: false }).await;
        shop.wait(minutes(10)).await;
        assert_eq!(shop.reload(&one).await.status, OrderStatus::Paid, "{provider}");
        let failed = shop.reload(&other).await;
        assert_ne!(failed.status, OrderStatus::Paid, "{provider}");
        assert_eq!(shop.held(&other).captured, 0);
    }
}

#[tokio::test]
async fn who_pays_twice_gets_the_second_payment_back() {
    let shop = Shop::open().await;
    for provider in BOTH {
        let order = shop.order(provider).await;
        shop.act(&order, Act::PayTwice).await;
        shop.wait(minutes(1)).await;
        let paid = shop.reload(&order).await;
        assert_eq!((paid.status, paid.payment_status), (OrderStatus::Paid, PaymentStatus::Paid), "{provider}");
        let outcomes: Vec<_> = paid.payments.iter().map(|payment| payment.outcome).collect();
        assert_eq!(outcomes, [Some(Outcome::Applied), Some(Outcome::Duplicate)]);
        let refunds: Vec<_> = paid.refunds.iter().map(|refund| (refund.reason, refund.status)).collect();
        assert_eq!(refunds, [(RefundReason::Duplicate, RefundStatus::Succeeded)], "{provider}");

        let held = shop.sandbox.payments().into_iter().filter(|held| held.order == Some(order.id));
        let refunded: Vec<_> = held.map(|held| (held.captured, held.refunded)).collect();
        assert_eq!(refunded, [(2100, 0), (2100, 2100)], "{provider}");
    }
    shop.healthy().await;
}

#[tokio::test]
async fn a_dispute_is_won_or_lost() {
    let shop = Shop::open().await;
    for provider in BOTH {
        let (won, lost) = (shop.order(provider).await, shop.order(provider).await);
        for (order, end) in [(&won, Act::WinDispute), (&lost, Act::LoseDispute)] {
            shop.act(order, Act::Pay).await;
            shop.act(order, Act::Dispute).await;
            assert!(shop.reload(order).await.disputed, "{provider}");
            let refused = shop.store.order_refund(shop.admin(), order.id, &RefundRequest::default()).await;
            assert!(matches!(refused, Err(PaymentError::Disputed)), "{refused:?}");
            shop.act(order, end).await;
        }
        let (won, lost) = (shop.reload(&won).await, shop.reload(&lost).await);
        assert_eq!((won.disputed, won.payment_status), (false, PaymentStatus::Paid), "{provider}");
        assert_eq!((lost.disputed, lost.payment_status), (false, PaymentStatus::ChargedBack), "{provider}");
    }
    shop.healthy().await;
}

#[tokio::test]
async fn money_goes_back_from_the_shop_and_from_the_dashboard() {
    let shop = Shop::open().await;
    for provider in BOTH {
        let order = shop.order(provider).await;
        shop.act(&order, Act::Pay).await;
        let request = RefundRequest { amount: Some("5.00".parse().unwrap()), ..RefundRequest::default() };
        shop.store.order_refund(shop.admin(), order.id, &request).await.unwrap();
        shop.wait(minutes(1)).await;
        shop.act(&order, Act::RefundInDashboard(300)).await;
        shop.wait(minutes(1)).await;
        let refunded = shop.reload(&order).await;
        assert_eq!(refunded.refunded_total.to_string(), "8.00", "{provider}: {:#?}", refunded.refunds);
        let refunds: Vec<_> = refunded.refunds.iter().map(|refund| (refund.reason, refund.status)).collect();
        let wanted = [RefundReason::Requested, RefundReason::External].map(|reason| (reason, RefundStatus::Succeeded));
        assert_eq!(refunds, wanted, "{provider}");
        let held = shop.held(&order);
        let ours: Vec<_> = held.refunds.iter().map(|refund| (refund.amount, refund.refund, refund.status)).collect();
        let succeeded = HeldRefundStatus::Succeeded;
        assert_eq!(ours, [(500, Some(refunded.refunds[0].id), succeeded), (300, None, succeeded)]);
        assert_eq!(shop.sandbox.act(&held.id, Act::RefundInDashboard(1301)), Err(ActError::NotNow), "more than is left");
    }
    shop.healthy().await;
}

#[tokio::test]
async fn an_order_that_nobody_pays_closes_its_page() {
    let shop = Shop::open().await;
    let (stripe, paystack) = (shop.order(ProviderName::Stripe).await, shop.order(ProviderName::Paystack).await);
    shop.wait(minutes(36)).await;
    for order in [&stripe, &paystack] {
        assert_eq!(shop.reload(order).await.status, OrderStatus::Expired);
    }
    let held = shop.held(&stripe);
    assert_eq!((held.state, shop.sandbox.act(&held.id, Act::Pay)), (HeldState::Closed, Err(ActError::NotNow)));
    // A transaction of Paystack's can always be paid. There are mugs, so the order is paid after all.
    shop.act(&paystack, Act::Pay).await;
    assert_eq!(shop.reload(&paystack).await.status, OrderStatus::Paid);
    shop.healthy().await;
}
