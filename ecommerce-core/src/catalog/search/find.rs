//! A search from its text to its hits: what it means, and in which order they come.

use std::collections::BTreeSet;

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

/// Where fewer products are called as it is written, slips are forgiven.
const FEW: usize = 10;

/// A search that was given its meaning, and what it found.
pub(super) struct Searched {
    meaning: Meaning,
    whole: Expression,
    beginnings: Expression,
    hidden_too: bool,
    /// Where slips are forgiven: what is called as it is written.
    exact: Option<Hits>,
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
    ) -> Result<(Self, Hits), StoreError> {
        let mut literal = Self::of(tx, Meaning::literal(query), hidden_too).await?;
        let hits = literal.hits(tx, wanted).await?;
        let is_few = hits.ids.len() < FEW && literal.is_few(tx, wanted).await?;
        if !is_few || !correct(tx, &mut literal.meaning).await? {
            return Ok((literal, hits));
        }
        let forgiving = Self { exact: Some(hits), ..Self::of(tx, literal.meaning, hidden_too).await? };
        let hits = forgiving.hits(tx, wanted).await?;
        Ok((forgiving, hits))
    }

    async fn of(tx: &mut Tx, mut meaning: Meaning, hidden_too: bool) -> Result<Self, StoreError> {
        let beginnings: BTreeSet<_> = meaning.beginnings().collect();
        for (category, name) in sql::categories_called(tx, &beginnings).await? {
            meaning.note_category(category, name.trim_start());
        }
        let write = |reach| expression(&meaning.wanted, &meaning.unwanted, reach, hidden_too);
        let (whole, beginnings) = (write(Reach::WholeWords), write(Reach::Beginnings));
        Ok(Self { meaning, whole, beginnings, hidden_too, exact: None })
    }

    /// Are few products called so, when those count too that a filter leaves out, or a word that shall not be there?
    async fn is_few(&self, tx: &mut Tx, wanted: &ProductFilter) -> Result<bool, StoreError> {
        if !wanted.is_narrow() && self.meaning.unwanted.is_empty() {
            return Ok(true);
        }
        let called_so = expression(&self.meaning.wanted, &[], Reach::Beginnings, self.hidden_too);
        let asked = Asked::Words { words: &called_so, behind: 0 };
        let hits = lists::hits(tx, asked, &ProductFilter::default(), self.hidden_too, FEW - 1, 0).await?;
        Ok(hits.ids.len() < FEW)
    }

    /// The words that every hit has.
    pub(super) const fn beginnings(&self) -> &Expression {
        &self.beginnings
    }

    /// What it finds of the products that are wanted, with the cards of those that are ranked.
    pub(super) async fn hits(&self, tx: &mut Tx, wanted: &ProductFilter) -> Result<Hits, StoreError> {
        let asked = Asked::Beginnings { whole: &self.whole, beginnings: &self.beginnings };
        lists::hits(tx, asked, wanted, self.hidden_too, COUNTED, RANKED).await
    }

    /// Every hit with its rank, the best first. Where there are more than are ranked, some more are that are called as it is
    /// written or have its words in their names, and the rest comes behind.
    pub(super) async fn ranked(&self, tx: &mut Tx, hits: &Hits, wanted: &ProductFilter) -> Result<Vec<(i64, i64)>, StoreError> {
        let mut cards = vec![hits.cards.as_str()];
        let named;
        if hits.ids.len() > RANKED {
            cards.extend(self.exact.as_ref().map(|exact| exact.cards.as_str()));
            let Meaning { wanted: terms, unwanted } = &self.meaning;
            let names = expression(terms, unwanted, Reach::Names, self.hidden_too);
            let behind = hits.ids.get(RANKED - 1).copied().unwrap_or(0);
            let asked = Asked::Words { words: &names, behind };
            named = lists::hits(tx, asked, wanted, self.hidden_too, NAMED, NAMED).await?;
            cards.push(&named.cards);
        }
        let is_exact = |product| self.exact.as_ref().is_none_or(|exact| exact.ids.contains(&product));
        let cards = cards.into_iter().flat_map(Card::all_of);
        let mut ranked: Vec<_> = cards.map(|card| (rank(&card, &self.meaning, is_exact(card.product)), card.product)).collect();
        ranked.sort_unstable();
        ranked.dedup();
        if hits.ids.len() > RANKED {
            let known: BTreeSet<_> = ranked.iter().map(|(_, product)| *product).collect();
            let rest = hits.ids.iter().take(COUNTED).skip(RANKED).filter(|id| !known.contains(id));
            ranked.extend(rest.map(|id| (UNRANKED, *id)));
        }
        Ok(ranked)
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
