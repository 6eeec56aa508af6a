//! The attacks: what each does, and what must come of it.

use std::{fmt, str::FromStr};

use crate::Invalid;

/// One list of attacks, told once: for readers of the page, and for programs that print it.
macro_rules! attacks {
    ($($(#[doc = $doc:literal])+ $attack:ident = $name:literal,)+) => {
        /// A race that a customer, an admin, a provider or bad luck can start. Each is explained here.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Attack {
            $($(#[doc = $doc])+ $attack,)+
        }

        impl Attack {
            /// All of them, in the order of this page.
            pub const ALL: &[Self] = &[$(Self::$attack),+];

            /// Its name, in one stable word.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$attack => $name,)+ }
            }

            /// What stands on this page about it, as Markdown.
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$attack => concat!($($doc, "\n"),+),)+ }
            }
        }

        impl FromStr for Attack {
            type Err = Invalid;

            fn from_str(name: &str) -> Result<Self, Invalid> {
                match name {
                    $($name => Ok(Self::$attack),)+
                    _ => Err(Invalid::new(concat!("must be one of" $(, " ", $name)+))),
                }
            }
        }
    };
}

attacks! {
    /// **Fifty buyers, ten units.** Each has one in the cart; all check out at once, and whoever gets an order pays it.
    ///
    /// *The mistake it finds:* the stock is read, compared and written in steps between which others read the same number:
    /// outside a transaction, in two transactions, or in one that does not lock what it read. Two buyers see one unit left,
    /// and both get it. This is the paper's *inventory* hole.
    ///
    /// *What must come of it:* exactly ten buyers have a paid order, forty are told that there is too little, and the stock
    /// stands at nothing with nothing reserved. Fewer than ten sold is a failure as well.
    ///
    /// *The wall:* `checkout` locks the products of the cart, in the order of their ids, before it reads how many there are,
    /// and reserves in the same transaction. Behind it stands a check of the database: `0 <= reserved <= stock`.
    Oversell = "oversell",

    /// **Stock is edited while payments arrive.** Eight orders of a product are paid while admins find four pieces more and
    /// change its price.
    ///
    /// *The mistake it finds:* an edit that reads the product, changes a field and writes the whole row back, so that the
    /// units which were sold in between return; or a payment that does the same to the edit.
    ///
    /// *What must come of it:* eight are sold, and the stock is what it was, less eight, plus four.
    ///
    /// *The wall:* both lock the product's row and change the number where it stands (`stock = stock - quantity`); an edit
    /// over HTTP carries `If-Match`, and the version counts every change of the stock. Each change leaves a movement, and the
    /// doctor adds them up.
    StockEdited = "stock_edited",

    /// **The same products in another order.** Eight customers have the same three products in their carts, put in in
    /// different order. All check out at once; every second one pays, the others cancel.
    ///
    /// *The mistake it finds:* a shop that cured the oversell with locks, and takes them in the order of the cart. Two
    /// customers each wait for what the other holds, the database ends one of them, and somebody sees an error.
    ///
    /// *What must come of it:* nobody is turned away; twelve units are sold and twelve are free again.
    ///
    /// *The wall:* products are always locked in the order of their ids, and a transaction that loses a race all the same is
    /// done again: nothing of it was done.
    CrossedCarts = "crossed_carts",

    /// **Added while the checkout runs.** A customer adds a piece eight times and submits the cart eight times, all at once.
    ///
    /// *The mistake it finds:* the lines are read more than once on the way to the order: once to add up what must be
    /// paid, once to say what will be sent. What was added between the two is sent and not paid for; or it is emptied with
    /// the cart, and is in no order at all. This is the paper's *cart* hole.
    ///
    /// *What must come of it:* every piece that was added is in exactly one order, and every order costs what its lines come
    /// to. What came too late for all checkouts is still in the cart, and the next one sells it.
    ///
    /// *The wall:* whoever adds and whoever checks out lock the cart first. The lines are read once; the order's lines and
    /// its total are made of the same rows.
    AddDuringCheckout = "add_during_checkout",

    /// **One cart, submitted eight times.** The button is pressed again and again, in several windows, without a key.
    ///
    /// *The mistake it finds:* the cart is read in one transaction and emptied in another, so that two checkouts find it
    /// full: one cart becomes two orders, and the customer pays twice or the units are held twice.
    ///
    /// *What must come of it:* one order of three pieces; the other seven are told that the cart is empty.
    ///
    /// *The wall:* a checkout locks the cart from before it reads it until it has emptied it. Behind it stands a unique
    /// index: one order a customer and generation of their cart.
    DoubleCheckout = "double_checkout",

    /// **One key, eight checkouts at once.** A client that heard no answer asks again with the same `Idempotency-Key`, before
    /// the first is through.
    ///
    /// It stands in the place of the paper's third hole, the *voucher* that many checkouts use at once. This shop has no
    /// vouchers; what may be used only once here is a key, and the money of a payment (see [`Attack::RefundedTwice`]).
    ///
    /// *The mistake it finds:* look up whether it was used, act, then note that it is used: whoever looks in between acts, too.
    ///
    /// *What must come of it:* all eight are answered with the same order, one of them as the first. Three pieces are sold.
    ///
    /// *The wall:* the key is looked up after the cart is locked, and written in the transaction of its order; it is a
    /// primary key. A refusal does not use it up.
    OneKey = "one_key",

    /// **Sixteen adds at once.** One customer puts the same two products into the cart in sixteen windows.
    ///
    /// *The mistake it finds:* a lost update: the quantity is read, raised in the program and written back, and the last one
    /// to write wins. It looks harmless, and is the same mistake that loses money elsewhere.
    ///
    /// *What must come of it:* the cart, checked out, has 16 of the one and 32 of the other.
    ///
    /// *The wall:* whoever changes a cart locks it first, also where it has no line yet that could be locked.
    LostAdd = "lost_add",

    /// **The price is raised during the checkout.** Four customers, who were shown a total of 20, check out while an admin
    /// makes it 30.
    ///
    /// *The mistake it finds:* the price is read twice: the customer agrees to one and is charged the other, or a line says
    /// one and the total the other.
    ///
    /// *What must come of it:* every order costs what its customer agreed to. Whoever came too late is told that the total
    /// has changed, and buys at the new one. All eight pieces are sold.
    ///
    /// *The wall:* the products are locked before their prices are read, once; `expected_total` is compared with what the
    /// order will cost in the same transaction; the order's lines are a snapshot.
    PriceChanged = "price_changed",

    /// **One payment is told of twelve times at once.** The provider delivers the same event nine times, and three times
    /// another event about the same payment: it promises *at least once*, and two kinds of events tell of one success.
    ///
    /// *The mistake it finds:* "have I seen this event?" and "now I have" are two transactions, so that an order is paid, its
    /// units deducted and its customer written to twice; or only the event's id is looked at, and the other kind of event
    /// does everything again.
    ///
    /// *What must come of it:* one payment, applied once. Three units leave the stock, and nothing goes back.
    ///
    /// *The wall:* two that hold alone: an event's id is unique in the inbox and is written with all that follows from it,
    /// and a payment only moves forward, under the lock of its order.
    DoubleWebhook = "double_webhook",

    /// **Six payments for one order at once.** The customer paid in six windows; each payment is told of by two events.
    ///
    /// *The mistake it finds:* "is the order still open?" is asked before the lock. Two payments are taken for one sale and
    /// the units leave twice, or the second payment is quietly dropped and the shop keeps the money.
    ///
    /// *What must come of it:* one is applied, the other five go back in full, to the last unit. One piece is sold.
    ///
    /// *The wall:* an order's row is locked before anything is decided about its money; captured money that is not applied
    /// is put into the refunds in the same transaction; one applied payment an order is a unique index.
    TwoPayments = "two_payments",

    /// **Confirmed by hand six times at once.** Several admins see the bank transfer and say so.
    ///
    /// *The mistake it finds:* the same as [`Attack::TwoPayments`], in the part of a shop that is tested least: what only
    /// admins do has no provider whose event ids would save it.
    ///
    /// *What must come of it:* one payment, nothing to give back, one piece sold. Saying it twice is saying it once.
    ///
    /// *The wall:* the lock of the order, and the question under it whether it is paid by hand already.
    DoubleConfirmation = "double_confirmation",

    /// **More goes back than came.** Eight refunds of 3 are ordered at once of an order of 10.
    ///
    /// It is the gift card that is spent twice, in the other direction: an amount that each of many may use a part of.
    ///
    /// *The mistake it finds:* what is left is read before the lock, so that each refund sees all ten.
    ///
    /// *What must come of it:* three are taken, five are told that so much is not left.
    ///
    /// *The wall:* what is left is computed anew under the order's lock from all that was ever queued; that no more goes
    /// back than was captured is a check of the database as well.
    RefundedTwice = "refunded_twice",

    /// **Cancelled while it is being paid.** The customer cancels in the moment in which the provider's event arrives.
    ///
    /// *The mistake it finds:* both see an order that waits. It ends as paid with its units given away, or as cancelled with
    /// the money kept.
    ///
    /// *What must come of it:* one of two, and never a mixture. Cancelled: no unit left, and the money goes back in full.
    /// Paid: one unit left, the money stays, and the customer is told that it is too late.
    ///
    /// *The wall:* both lock the order first, and decide by its status of that moment.
    CancelledWhilePaid = "cancelled_while_paid",

    /// **Expired while it is being paid.** The order's time runs out in the moment in which the event arrives.
    ///
    /// *The mistake it finds:* a clean-up that lists what is due and ends it without looking again; or one that frees the
    /// units, after which a payment deducts them a second time.
    ///
    /// *What must come of it:* the order is paid, in time or late: there are enough units. One is sold.
    ///
    /// *The wall:* expiry looks again under the order's lock, and a late payment takes its units from what is free then. It
    /// needs [`Frontend::let_expire`](super::Frontend::let_expire).
    ExpiredWhilePaid = "expired_while_paid",

    /// **Eight late payments, one unit.** Eight orders have expired, seven of the units are gone since, and all eight are
    /// paid at once.
    ///
    /// *The mistake it finds:* a shop that guards its checkout and forgets this door: money that comes late is taken on
    /// trust, and the stock goes below nothing.
    ///
    /// *What must come of it:* one order is paid; the money of the other seven goes back in full.
    ///
    /// *The wall:* a late payment takes every line or none, with the products locked as a checkout locks them. It needs
    /// [`Frontend::let_expire`](super::Frontend::let_expire).
    LateMoney = "late_money",
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
