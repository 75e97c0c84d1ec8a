//! The rules of each account in the form of the contact stage.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::rulebook::{AccountRules, RuleSet};
use crate::rules::contact::ContactRules;

/// Kept between batches while the rules stay the same; looked up anew in each batch, since rules change between batches.
#[derive(Default)]
pub struct RulesCache {
    /// As of this batch.
    accounts: HashMap<String, usize, FixedState>,
    found: Vec<Option<Arc<ContactRules>>>,
    /// What was made, with what it was made from. Several accounts can share one, that of `*`.
    made: HashMap<usize, (Arc<AccountRules>, Arc<ContactRules>), FixedState>,
}

impl RulesCache {
    pub fn of(&mut self, rules: &RuleSet, account: &str) -> Option<&ContactRules> {
        let place = match self.accounts.get(account) {
            Some(&place) => place,
            None => {
                let found = rules.account(account).map(|found| self.make(found));
                self.accounts.insert(account.to_owned(), self.found.len());
                self.found.push(found);
                self.found.len() - 1
            }
        };
        self.found[place].as_deref()
    }

    fn make(&mut self, from: &Arc<AccountRules>) -> Arc<ContactRules> {
        // the address names the rules for as long as the entry holds them
        let made = self.made.entry(Arc::as_ptr(from) as usize).or_insert_with(|| {
            let made = Arc::new(ContactRules::new(from));
            (from.clone(), made)
        });
        made.1.clone()
    }

    /// Forgets which account has which rules, and forms that nobody but this cache holds any more.
    pub fn batch_over(&mut self) {
        self.accounts.clear();
        self.found.clear();
        self.made.retain(|_, (from, _)| Arc::strong_count(from) > 1);
    }
}
