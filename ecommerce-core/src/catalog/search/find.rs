//! A search from its text to its hits: what it means, and in which order they come.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    COUNTED, NAMED, ProductFilter, RANKED,
    card::Card,
    expression::{Expression, Reach, expression},
    lists::{self, Asked, Hits},
    meaning::Meaning,
    query::Query,
    rank::{UNRANKED, rank},
    sql,
};
use crate::{StoreError, db::Tx};

/// By rank, slips are forgiven where fewer products are called as it is written. In any other order, where what is forgiven would
/// stand among them, only where none is.
const FEW: usize = 10;

/// A search that was given its meaning.
pub(super) struct Searched {
    meaning: Meaning,
    whole: Expression,
    beginnings: Expression,
    hidden_too: bool,
    /// Where slips are forgiven: what is called as it is written.
    exact: Option<Hits>,
}

/// Which hits of very many are ranked: those up to an id, and behind it those with whole words in their names, and with beginnings
/// of words, each up to another id. A later page keeps to the window of the first, whatever was added or removed meanwhile, and
/// forgives slips where that did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::catalog) struct Window {
    pub(in crate::catalog) ranked_to: i64,
    pub(in crate::catalog) names_to: i64,
    pub(in crate::catalog) begun_to: i64,
    pub(in crate::catalog) is_forgiving: bool,
}

/// All hits in their order: ids behind their ranks.
pub(super) struct Ranked {
    pub(super) hits: Vec<(i64, i64)>,
    pub(super) window: Window,
    /// How many of them are ranked.
    pub(super) count: usize,
}

impl Searched {
    /// Looks for what is wanted. Where few products are called as it is written, words that are one slip away count too.
    ///
    /// What a search means does not depend on the filter: a filter is no reason to guess.
    pub(super) async fn find(
        tx: &mut Tx,
        query: Query,
        wanted: &ProductFilter,
        hidden_too: bool,
        looked_at: usize,
        window: Option<Window>,
    ) -> Result<(Self, Hits), StoreError> {
        let few = if wanted.is_by_rank() { FEW } else { 1 };
        let mut literal = Self::of(Meaning::literal(query), hidden_too);
        let hits = literal.hits(tx, wanted, looked_at).await?;
        let forgives = match window {
            Some(window) => window.is_forgiving,
            None => hits.ids.len() < few && literal.is_few(tx, wanted, few).await?,
        };
        if !forgives || !correct(tx, &mut literal.meaning).await? {
            return Ok((literal, hits));
        }
        let forgiving = Self { exact: Some(hits), ..Self::of(literal.meaning, hidden_too) };
        let hits = forgiving.hits(tx, wanted, looked_at).await?;
        Ok((forgiving, hits))
    }

    fn of(meaning: Meaning, hidden_too: bool) -> Self {
        let write = |reach| expression(&meaning.wanted, &meaning.unwanted, reach, hidden_too);
        let (whole, beginnings) = (write(Reach::WholeWords), write(Reach::Beginnings));
        Self { meaning, whole, beginnings, hidden_too, exact: None }
    }

    /// Are few products called so, when those count too that a filter leaves out, or a word that shall not be there?
    async fn is_few(&self, tx: &mut Tx, wanted: &ProductFilter, few: usize) -> Result<bool, StoreError> {
        if !wanted.is_narrow() && self.meaning.unwanted.is_empty() {
            return Ok(true);
        }
        let called_so = expression(&self.meaning.wanted, &[], Reach::Beginnings, self.hidden_too);
        let asked = Asked::Words(&called_so);
        let hits = lists::hits(tx, asked, &ProductFilter::default(), self.hidden_too, few - 1, 0).await?;
        Ok(hits.ids.len() < few)
    }

    /// The words that every hit has.
    pub(super) const fn beginnings(&self) -> &Expression {
        &self.beginnings
    }

    /// What it finds of the products that are wanted, with the cards of the first.
    pub(super) async fn hits(&self, tx: &mut Tx, wanted: &ProductFilter, looked_at: usize) -> Result<Hits, StoreError> {
        let asked = Asked::Beginnings { whole: &self.whole, beginnings: &self.beginnings };
        lists::hits(tx, asked, wanted, self.hidden_too, COUNTED, looked_at).await
    }

    /// Every hit with its rank, the best first. Where there are more than are ranked, some more are that are called as it is
    /// written or have its words in their names, and the rest comes behind.
    pub(super) async fn ranked(
        &self,
        tx: &mut Tx,
        hits: &Hits,
        wanted: &ProductFilter,
        window: Option<Window>,
    ) -> Result<Ranked, StoreError> {
        let mut window = window.unwrap_or_else(|| Window {
            ranked_to: hits.ids.get(RANKED).map_or(i64::MAX, |id| id - 1),
            names_to: i64::MAX,
            begun_to: i64::MAX,
            is_forgiving: self.exact.is_some(),
        });
        let is_exact = |product| self.exact.as_ref().is_none_or(|exact| exact.ids.contains(&product));
        let rank = |card: Card<'_>| (rank(&card, &self.meaning, is_exact(card.product)), card.product);
        let first = Card::all_of(&hits.cards).filter(|card| card.product <= window.ranked_to);
        let mut ranked: Vec<_> = first.map(rank).collect();
        if window.ranked_to < i64::MAX {
            ranked.extend(self.exact.iter().flat_map(|exact| Card::all_of(&exact.cards)).map(rank));
            let are_many = hits.ids.len() > COUNTED;
            let behind = window.ranked_to;
            let words = self.called(Reach::Names);
            let asked = Asked::Named { words: &words, behind, are_many };
            let (named, names_to) = self.named(tx, wanted, asked, window.names_to).await?;
            ranked.extend(Card::all_of(&named.cards).filter(|card| card.product <= names_to).map(rank));
            if names_to < i64::MAX {
                window.begun_to = 0;
            }
            let words = self.called(Reach::NameBeginnings);
            let asked = Asked::Named { words: &words, behind, are_many };
            let (begun, begun_to) = self.named(tx, wanted, asked, window.begun_to).await?;
            ranked.extend(Card::all_of(&begun.cards).filter(|card| card.product <= begun_to).map(rank));
            window = Window { names_to, begun_to, ..window };
        }
        ranked.sort_unstable();
        ranked.dedup();
        let count = ranked.len();
        let known: BTreeSet<_> = ranked.iter().map(|(_, product)| *product).collect();
        let rest = hits.ids.iter().take(COUNTED).filter(|id| !known.contains(id));
        ranked.extend(rest.map(|id| (UNRANKED, *id)));
        Ok(Ranked { hits: ranked, window, count })
    }

    fn called(&self, reach: Reach) -> Expression {
        expression(&self.meaning.wanted, &self.meaning.unwanted, reach, self.hidden_too)
    }

    /// The hits behind the ranked ones, up to an id, that have the words in their names; and the id of the last where there are more.
    async fn named(&self, tx: &mut Tx, wanted: &ProductFilter, asked: Asked<'_>, to: i64) -> Result<(Hits, i64), StoreError> {
        if to == 0 {
            return Ok((Hits::default(), to));
        }
        // A few more than a new window has, for what came into an old one.
        let most = if to < i64::MAX { 2 * NAMED } else { NAMED };
        let named = lists::hits(tx, asked, wanted, self.hidden_too, most, most).await?;
        let to = named.ids.get(most).map_or(to, |id| to.min(id - 1));
        Ok((named, to))
    }
}

/// Takes up the known words that may be meant; says whether there are any.
async fn correct(tx: &mut Tx, meaning: &mut Meaning) -> Result<bool, StoreError> {
    let forms = meaning.forms();
    if forms.is_empty() {
        return Ok(false);
    }
    let known = sql::known_words(tx, &forms).await?;
    Ok(known.iter().filter(|word| meaning.note_known(word)).count() > 0)
}
