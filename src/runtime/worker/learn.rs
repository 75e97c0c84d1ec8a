//! Rules that come while the loop works: the topic is followed, and a record that needs a version which is not known here yet
//! waits for it.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::{Context, Worker};
use crate::engine::UnknownVersion;
use crate::rulebook::RuleSet;
use crate::runtime::log::LogError;

/// How long a record waits for its version. Whoever stamped it had read it from the topic, so it is there at the first look.
const PATIENCE: Duration = Duration::from_secs(5);

impl Context {
    pub(super) fn rules(&self) -> Arc<RuleSet> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads what is new on the rules topic, if rules come from there.
    pub fn follow_rules(&self) -> Result<(), LogError> {
        if !self.settings.rules.topic {
            return Ok(());
        }
        let mut topic = self.rules_topic.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rules) = topic.refresh(&*self.log)? {
            tracing::info!(accounts = rules.accounts().count(), "new rules");
            *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
        }
        Ok(())
    }
}

impl Worker<'_> {
    /// Waits until a version is known. False if it does not come: its record stays a dead letter, and no other waits for it.
    pub(super) fn learn(&mut self, version: UnknownVersion) -> bool {
        if !self.context.settings.rules.topic || self.given_up.contains(&version) {
            return false;
        }
        let started = self.context.clock.elapsed();
        loop {
            self.context.control.beat(self.thread);
            if let Err(error) = self.context.follow_rules() {
                tracing::warn!(%error, "the rules topic cannot be read");
            }
            self.rules = self.context.rules();
            if version.is_in(&self.rules) {
                return true;
            }
            if self.since(started) >= PATIENCE {
                self.given_up.insert(version);
                return false;
            }
            self.context.clock.sleep(Duration::from_millis(100));
        }
    }
}
