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

/// A search that was given its meaning, and what it found.
pub(super) struct Searched {
    meaning: Meaning,
    whole: Expression,
    beginnings: Expression,
    hidden_too: bool,
}

impl Searched {
    /// Looks for what is wanted. Only where nothing at all is called as it is written, words that are one slip away count too.
    pub(super) async fn find(
        tx: &mut Tx,
        query: Query,
        wanted: &ProductFilter,
        hidden_too: bool,
    ) -> Result<(Self, Hits), StoreError> {
        let mut searched = Self::of(tx, Meaning::literal(query), hidden_too).await?;
        let hits = searched.hits(tx, wanted).await?;
        if !hits.ids.is_empty() {
            return Ok((searched, hits));
        }
        if searched.is_there(tx, wanted).await? || !correct(tx, &mut searched.meaning).await? {
            return Ok((searched, hits));
        }
        let searched = Self::of(tx, searched.meaning, hidden_too).await?;
        let hits = searched.hits(tx, wanted).await?;
        Ok((searched, hits))
    }

    async fn of(tx: &mut Tx, mut meaning: Meaning, hidden_too: bool) -> Result<Self, StoreError> {
        let beginnings: BTreeSet<_> = meaning.beginnings().collect();
        for (category, name) in sql::categories_called(tx, &beginnings).await? {
            meaning.note_category(category, name.trim_start());
        }
        let write = |reach| expression(&meaning.wanted, &meaning.unwanted, reach, hidden_too);
        let (whole, beginnings) = (write(Reach::WholeWords), write(Reach::Beginnings));
        Ok(Self { meaning, whole, beginnings, hidden_too })
    }

    /// Is there anything that is called so, though it is left out by a filter, or by a word that shall not be there?
    async fn is_there(&self, tx: &mut Tx, wanted: &ProductFilter) -> Result<bool, StoreError> {
        if !wanted.is_narrow() && self.meaning.unwanted.is_empty() {
            return Ok(false);
        }
        let called_so = expression(&self.meaning.wanted, &[], Reach::Beginnings, self.hidden_too);
        let asked = Asked::Words { words: &called_so, behind: 0 };
        let hits = lists::hits(tx, asked, &ProductFilter::default(), self.hidden_too, 0, 0).await?;
        Ok(!hits.ids.is_empty())
    }

    /// What it finds of the products that are wanted, with the cards of those that are ranked.
    pub(super) async fn hits(&self, tx: &mut Tx, wanted: &ProductFilter) -> Result<Hits, StoreError> {
        let asked = Asked::Beginnings { whole: &self.whole, beginnings: &self.beginnings };
        lists::hits(tx, asked, wanted, self.hidden_too, COUNTED, RANKED).await
    }

    /// Every hit with its rank, the best first. Where there are more than are ranked, some more are that have its words in their
    /// names, and the rest comes behind.
    pub(super) async fn ranked(&self, tx: &mut Tx, hits: &Hits, wanted: &ProductFilter) -> Result<Vec<(i64, i64)>, StoreError> {
        let mut cards = vec![hits.cards.as_str()];
        let named;
        if hits.ids.len() > RANKED {
            let Meaning { wanted: terms, unwanted } = &self.meaning;
            let names = expression(terms, unwanted, Reach::Names, self.hidden_too);
            let behind = hits.ids.get(RANKED - 1).copied().unwrap_or(0);
            let asked = Asked::Words { words: &names, behind };
            named = lists::hits(tx, asked, wanted, self.hidden_too, NAMED, NAMED).await?;
            cards.push(&named.cards);
        }
        let cards = cards.into_iter().flat_map(Card::all_of);
        let mut ranked: Vec<_> = cards.map(|card| (rank(&card, &self.meaning), card.product)).collect();
        ranked.sort_unstable();
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
