//! How each attack is made. What each is about stands at [`Attack`].

mod cart;
mod late;
mod money;
mod stock;

use super::{Attack, Frontend, Refusal, lane::Lane, verdict::Verdict};

impl Attack {
    /// Makes the attack once.
    pub(super) async fn make<F: Frontend>(self, lane: &mut Lane<F>) -> Result<Verdict, Refusal> {
        match self {
            Self::Oversell => stock::oversell(lane).await,
            Self::StockEdited => stock::stock_edited(lane).await,
            Self::CrossedCarts => stock::crossed_carts(lane).await,
            Self::AddDuringCheckout => cart::add_during_checkout(lane).await,
            Self::DoubleCheckout => cart::double_checkout(lane).await,
            Self::OneKey => cart::one_key(lane).await,
            Self::LostAdd => cart::lost_add(lane).await,
            Self::PriceChanged => cart::price_changed(lane).await,
            Self::DoubleWebhook => money::double_webhook(lane).await,
            Self::TwoPayments => money::two_payments(lane).await,
            Self::DoubleConfirmation => money::double_confirmation(lane).await,
            Self::RefundedTwice => money::refunded_twice(lane).await,
            Self::CancelledWhilePaid => late::cancelled_while_paid(lane).await,
            Self::ExpiredWhilePaid => late::expired_while_paid(lane).await,
            Self::LateMoney => late::late_money(lane).await,
        }
    }
}
