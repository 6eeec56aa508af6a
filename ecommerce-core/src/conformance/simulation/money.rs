//! The money of the model: one payment, what it captured, and what of it went back. Amounts are cents.

use super::deed::Pays;
use crate::{DisputeStatus, Outcome, PaymentState, ProviderName, RefundId};

/// Who takes the money. Each tells of it in a manner of its own, as real providers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum House {
    /// It can be called, and fails as it is told to. It tells of each refund of its dashboard.
    Bank,
    /// It cannot be called, and sends events. Of what went back it tells the total.
    Card,
    /// It cannot be called, and sends events. It tells of each refund of its dashboard, and of no failure.
    Wire,
    /// An admin says when the money is there.
    Hand,
}

impl House {
    pub(super) const PROVIDERS: [Self; 3] = [Self::Bank, Self::Card, Self::Wire];

    pub(super) fn name(self) -> ProviderName {
        let word = match self {
            Self::Bank => "bank",
            Self::Card => "card",
            Self::Wire => "wire",
            Self::Hand => "manual",
        };
        // Each is a good name.
        word.parse().unwrap_or(ProviderName::Manual)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Payment {
    pub(super) house: House,
    pub(super) pays: Pays,
    pub(super) state: PaymentState,
    pub(super) outcome: Option<Outcome>,
    pub(super) captured: i64,
    /// Whether the provider has told anything of it, so that the shop knows what it is called there.
    pub(super) is_named: bool,
    /// What the provider told to have gone back in all; of one that tells of each refund, their sum.
    pub(super) told: i64,
    pub(super) dispute: Option<DisputeStatus>,
    /// What the shop owes or paid back, in the order of its asking.
    pub(super) refunds: Vec<Refund>,
}

/// A refund of the shop's own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refund {
    /// By which it is known again; the store gives it.
    pub(super) id: Option<RefundId>,
    pub(super) asked: i64,
    pub(super) stage: Stage,
    /// Whether admins see it: as long as there is anything left for it.
    pub(super) is_shown: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nobody was asked for it.
    Owed,
    /// The provider was asked, and has not answered.
    Sent,
    /// It is on its way.
    Pending,
    /// The provider said no: a person must look.
    Refused,
    /// Paid back by the provider.
    Back,
    /// Paid back by hand.
    ByHand,
}

/// What the refunds of a payment come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// What is known to have gone back, lost disputes included.
    pub(super) refunded: i64,
    pub(super) owed: i64,
    /// Sent, or on its way.
    pub(super) under_way: i64,
    pub(super) refused: i64,
    /// What could still be asked back.
    pub(super) left: i64,
}

impl Payment {
    pub(super) fn new(house: House, pays: Pays) -> Self {
        // An admin confirms what was asked for, and nothing else. What comes at the bank is known when it comes.
        let pays = if matches!(house, House::Hand | House::Bank) { Pays::Right } else { pays };
        Self {
            house,
            pays,
            state: PaymentState::Created,
            outcome: None,
            captured: 0,
            is_named: false,
            told: 0,
            dispute: None,
            refunds: Vec::new(),
        }
    }

    pub(super) fn is_disputed(&self) -> bool {
        self.dispute == Some(DisputeStatus::Open)
    }

    pub(super) fn is_charged_back(&self) -> bool {
        self.dispute == Some(DisputeStatus::Lost)
    }

    pub(super) fn ask_back(&mut self, amount: i64) {
        if amount > 0 {
            self.refunds.push(Refund { id: None, asked: amount, stage: Stage::Owed, is_shown: false });
        }
    }

    /// Money went back from the provider's dashboard: so much in all, or so much more.
    pub(super) fn tell_of_dashboard(&mut self, amount: i64) {
        let told = if self.house == House::Card { self.told.max(amount) } else { self.told + amount };
        self.told = told.min(self.captured);
    }

    /// First comes what went back, then what is under way, then what is owed, as far as there is anything left.
    pub(super) fn sums(&self) -> Sums {
        let charged_back = if self.is_charged_back() { self.captured } else { 0 };
        let mut room = (self.captured - charged_back - self.told).max(0);
        let mut take = |stages: &[Stage]| {
            let refunds = self.refunds.iter().filter(|refund| stages.contains(&refund.stage));
            let taken: i64 = refunds.map(|refund| refund.asked).sum::<i64>().min(room);
            room -= taken;
            taken
        };
        let back = take(&[Stage::Back, Stage::ByHand]);
        let (under_way, refused) = (take(&[Stage::Sent, Stage::Pending]), take(&[Stage::Refused]));
        let owed = take(&[Stage::Owed]);
        let refunded = (self.told + charged_back + back).min(self.captured);
        Sums { refunded, owed, under_way, refused, left: room }
    }

    /// A refund goes on. Once its provider is asked for it, what was left for it stands; what the provider has in hand is
    /// what it was asked for last.
    pub(super) fn move_refund(&mut self, number: usize, stage: Stage, at_provider: Option<i64>) {
        let owed = self.sums().owed;
        let Some(refund) = self.refunds.get_mut(number) else { return };
        let was_owed = std::mem::replace(&mut refund.stage, stage) == Stage::Owed;
        let taken = owed - self.sums().owed;
        let Some(refund) = self.refunds.get_mut(number) else { return };
        match at_provider {
            Some(amount) if matches!(stage, Stage::Pending | Stage::Back) => refund.asked = amount,
            _ if was_owed && stage != Stage::Owed => refund.asked = taken,
            _ => {}
        }
    }
}
