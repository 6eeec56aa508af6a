//! The pure rule by which news of a refund finds the refund that it is about.

use super::settle::RefundFact;
use crate::RefundNews;

/// Which of the known refunds the news is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meant<'a> {
    /// One that nobody told of before.
    New,
    /// This one.
    Known(&'a RefundFact),
    /// One of ours, and the news that came before was taken for a refund of the dashboard's.
    TakenForAnother { ours: &'a RefundFact, other: &'a RefundFact },
}

/// Finds the refund: by the provider's name for it, else by our id, else by its amount where one of them has no name.
///
/// Paystack tells of a refund without a name first and with one later; it is the same refund all the same. It never tells
/// that we ordered it, so one of that amount that we did order is the one that is meant.
pub(super) fn meant<'a>(facts: &'a [RefundFact], news: &RefundNews) -> Meant<'a> {
    let ours = facts.iter().find(|fact| !fact.is_external() && news.id == Some(fact.id));
    let named = facts.iter().find(|fact| fact.reference.is_some() && fact.reference == news.reference);
    match (ours, named) {
        (Some(ours), Some(other)) if other.is_external() && !other.done => Meant::TakenForAnother { ours, other },
        (_, Some(fact)) | (Some(fact), None) => Meant::Known(fact),
        (None, None) => {
            let may_be = |fact: &&RefundFact| {
                if fact.is_external() { !fact.is_remainder() } else { news.may_be_ours && fact.was_ordered() }
            };
            let unnamed = |fact: &&RefundFact| news.reference.is_none() || fact.reference.is_none();
            let alike = facts.iter().filter(may_be).filter(unnamed).filter(|fact| fact.asked == news.amount.minor());
            alike.min_by_key(|fact| (fact.is_external(), &fact.reference, fact.id)).map_or(Meant::New, Meant::Known)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Money, RefundId, RefundProgress, RefundReason};

    fn fact(id: i64, reason: RefundReason, reference: Option<&str>) -> RefundFact {
        RefundFact {
            id: RefundId::new(id).unwrap(),
            reason,
            asked: 100,
            sent: false,
            reported: (reason == RefundReason::External).then_some(RefundProgress::Pending),
            reference: reference.map(str::to_owned),
            done: false,
        }
    }

    fn news(id: Option<i64>, reference: Option<&str>, amount: i64) -> RefundNews {
        RefundNews {
            id: id.and_then(RefundId::new),
            reference: reference.map(str::to_owned),
            amount: Money::new(amount, "NGN".parse().unwrap()).unwrap(),
            status: RefundProgress::Succeeded,
            may_be_ours: false,
        }
    }

    #[test]
    fn a_name_that_comes_late_or_is_left_out_is_the_same_refund() {
        let nameless = [fact(1, RefundReason::External, None)];
        assert_eq!(meant(&nameless, &news(None, Some("R1"), 100)), Meant::Known(&nameless[0]));
        let named = [fact(1, RefundReason::External, Some("R1"))];
        assert_eq!(meant(&named, &news(None, None, 100)), Meant::Known(&named[0]));
        assert_eq!(meant(&named, &news(None, Some("R2"), 100)), Meant::New);
        assert_eq!(meant(&named, &news(None, None, 99)), Meant::New);
    }

    #[test]
    fn ours_is_known_again_even_when_it_was_taken_for_another() {
        let facts = [fact(1, RefundReason::Requested, None), fact(2, RefundReason::External, Some("re_1"))];
        assert_eq!(meant(&facts, &news(Some(1), Some("re_2"), 100)), Meant::Known(&facts[0]));
        let taken = Meant::TakenForAnother { ours: &facts[0], other: &facts[1] };
        assert_eq!(meant(&facts, &news(Some(1), Some("re_1"), 100)), taken);
        let both_ours = [fact(1, RefundReason::Requested, Some("re_1")), fact(2, RefundReason::Requested, None)];
        assert_eq!(meant(&both_ours, &news(Some(2), Some("re_1"), 100)), Meant::Known(&both_ours[0]), "a name has one owner");
    }

    #[test]
    fn one_that_we_ordered_is_meant_where_the_provider_cannot_say_so() {
        let anonymous = |reference: Option<&str>| RefundNews { may_be_ours: true, ..news(None, reference, 100) };
        let queued = [fact(1, RefundReason::Requested, None)];
        assert_eq!(meant(&queued, &anonymous(Some("R1"))), Meant::New, "nobody was asked for it yet");
        let sent = [
            RefundFact { sent: true, ..fact(1, RefundReason::Requested, None) },
            RefundFact { sent: true, ..fact(2, RefundReason::Requested, None) },
        ];
        assert_eq!(meant(&sent, &anonymous(Some("R1"))), Meant::Known(&sent[0]));
        let first = [RefundFact { reference: Some("R1".to_owned()), ..sent[0].clone() }, sent[1].clone()];
        assert_eq!(meant(&first, &anonymous(Some("R2"))), Meant::Known(&first[1]));
        assert_eq!(meant(&first, &anonymous(Some("R1"))), Meant::Known(&first[0]));
        assert_eq!(meant(&sent, &news(None, Some("re_1"), 100)), Meant::New, "another provider would have said so");
    }
}
