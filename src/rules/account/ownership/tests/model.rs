//! Whatever happens in whatever order, against a plain model.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::super::testing::Stage;
use super::super::load;

const REPS: [&str; 4] = ["r1", "r2", "r3", "r4"];
const CONTACTS: [&str; 5] = ["a", "b", "c", "d", "e"];
const ITEMS: [&str; 8] = ["i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7"];

const RULES: &str = "
reps: [{id: r1}, {id: r2}, {id: r3}, {id: r4}]
ownership:
  portfolios: [{key: p, reps: [r1, r2]}, {key: q, reps: [r3]}]
  new_contacts: {strategy: round_robin}
  conversations: {strategy: workload, only_online: true}
  comments: {strategy: portfolio, backup: {rep: r4}}
  transfers: [{when: rep.deactivated, to: round_robin}]
  unassigned: {alert_after: 10m}
";

/// Something that happens: an event or a command, with what it names.
fn happening() -> impl Strategy<Value = Value> {
    let contact = || prop::sample::select(&CONTACTS[..]);
    let rep = || prop::sample::select(&REPS[..]);
    let item = || prop::sample::select(&ITEMS[..]);
    let words = |words: &'static [&'static str]| prop::sample::select(words);
    prop_oneof![
        4 => (words(&["opened", "closed", "archived", "deleted", "opened"]), contact(), item())
            .prop_map(|(what, c, i)| json!({"t": format!("conversation.{what}"), "c": c, "d": {"conversation": i}})),
        3 => (words(&["created", "closed", "deleted", "created"]), contact(), item(), words(&["instagram", "email"])).prop_map(
            |(what, c, i, channel)| json!({"t": format!("comment.{what}"), "c": c, "d": {"comment": i, "channel": channel}})
        ),
        2 => (contact(), rep()).prop_map(|(c, r)| json!({"t": "contact.assign", "d": {"contact": c, "rep": r}})),
        1 => contact().prop_map(|c| json!({"t": "contact.unassign", "d": {"contact": c}})),
        1 => (rep(), rep()).prop_map(|(from, to)| json!({"t": "contacts.transfer", "d": {"from": from, "to": to}})),
        1 => rep().prop_map(|from| json!({"t": "contacts.transfer", "d": {"from": from, "to": "round_robin"}})),
        2 => (words(&["p", "q"]), contact(), contact(), words(&["report", "move", "keep"])).prop_map(
            |(p, c, d, how)| json!({"t": "portfolio.assign", "d": {"portfolio": p, "contacts": [c, d], "on_conflict": how}})
        ),
        1 => contact().prop_map(|c| json!({"t": "portfolio.remove", "d": {"contacts": [c]}})),
        1 => (words(&["p", "q"]), any::<bool>())
            .prop_map(|(p, active)| json!({"t": "portfolio.update", "d": {"portfolio": p, "active": active}})),
        2 => (words(&["rep.online", "rep.offline"]), rep()).prop_map(|(what, r)| json!({"t": what, "a": r})),
        1 => (words(&["rep.activate", "rep.deactivate"]), rep()).prop_map(|(what, r)| json!({"t": what, "d": {"rep": r}})),
        1 => (rep(), words(&["conversation", "comment"]), item())
            .prop_map(|(r, kind, i)| json!({"t": "item.claim", "a": r, "d": {"kind": kind, "id": i}})),
        1 => (item(), rep()).prop_map(|(i, r)| json!({"t": "conversation.reassign", "d": {"conversation": i, "rep": r}})),
        1 => (rep(), rep(), contact(), contact())
            .prop_map(|(from, to, c, d)| json!({"t": "contacts.transfer", "d": {"from": from, "to": to, "contacts": [c, d]}})),
        1 => (item(), rep())
            .prop_map(|(i, r)| json!({"t": "record.assign", "d": {"kind": "conversation", "id": i, "rep": r}})),
        1 => prop_oneof![
            Just(json!({"t": "portfolio.delete", "d": {"portfolio": "q"}})),
            rep().prop_map(|r| json!({"t": "portfolio.create", "d": {"portfolio": "q", "reps": [r]}})),
        ],
        1 => contact().prop_map(|c| json!({"t": "contact.created", "c": c})),
        1 => contact().prop_map(|c| json!({"t": "contact.erased", "c": c})),
        1 => (contact(), contact()).prop_map(|(c, into)| json!({"t": "contact.merged", "c": c, "d": {"into": into}})),
    ]
}

/// What the outputs have told so far.
#[derive(Default)]
struct Model {
    /// Version, owner, portfolio.
    contacts: BTreeMap<String, (u64, Value, Value)>,
    /// Who has each item, while it is open.
    open: BTreeMap<String, Option<String>>,
    closed: BTreeMap<String, Option<String>>,
    contact_of: BTreeMap<String, String>,
    online: BTreeSet<String>,
    inactive: BTreeSet<String>,
}

impl Model {
    fn eligible(&self, rep: &str, only_online: bool) -> bool {
        !self.inactive.contains(rep) && (!only_online || self.online.contains(rep))
    }

    fn load(&self, rep: &str) -> usize {
        self.open.values().filter(|holder| holder.as_deref() == Some(rep)).count()
    }

    /// What an event or accepted command says by itself.
    fn before(&mut self, line: &Value) {
        let (kind, data) = (line["t"].as_str().unwrap(), &line["d"]);
        let named = |family: &str| format!("{family}/{}", data[family].as_str().unwrap_or_default());
        match kind {
            "rep.online" => drop(self.online.insert(line["a"].as_str().unwrap().to_owned())),
            "rep.offline" => drop(self.online.remove(line["a"].as_str().unwrap())),
            "rep.deactivate" => drop(self.inactive.insert(data["rep"].as_str().unwrap().to_owned())),
            "rep.activate" => drop(self.inactive.remove(data["rep"].as_str().unwrap())),
            "conversation.opened" | "comment.created" => {
                let item = named(kind.split('.').next().unwrap());
                if !self.open.contains_key(&item) {
                    // a closed one comes back to its rep, if that one is still active
                    let back = self.closed.remove(&item).flatten().filter(|rep| !self.inactive.contains(rep));
                    self.open.insert(item.clone(), back);
                    self.contact_of.insert(item, line["c"].as_str().unwrap().to_owned());
                }
            }
            "conversation.closed" | "conversation.archived" | "comment.closed" => {
                let item = named(kind.split('.').next().unwrap());
                if let Some(holder) = self.open.remove(&item) {
                    self.closed.insert(item, holder);
                }
            }
            "conversation.deleted" | "comment.deleted" => {
                let item = named(kind.split('.').next().unwrap());
                self.open.remove(&item);
                self.closed.remove(&item);
            }
            _ => {}
        }
    }

    /// A record that came out.
    fn after(&mut self, topic: &str, key: &str, value: &Value) {
        let key = key.strip_prefix("acme/").unwrap();
        match topic {
            "ownership-history" if value.is_null() => drop(self.contacts.remove(key.split('/').next().unwrap())),
            "ownership-history" => {
                let (version, owner, portfolio) =
                    self.contacts.entry(value["contact"].as_str().unwrap().to_owned()).or_insert((0, Value::Null, Value::Null));
                assert_eq!(value["version"], json!(*version + 1), "versions have no gaps");
                assert_eq!(&value["from"], owner, "the history is a chain");
                assert!(value["to"] != *owner || value["portfolio"] != *portfolio, "a version changes something");
                (*version, *owner, *portfolio) = (*version + 1, value["to"].clone(), value["portfolio"].clone());
            }
            "assignments" if value.is_null() => {
                self.open.remove(key);
                self.closed.remove(key);
            }
            "assignments" if value["kind"] != "contact" => {
                let rep = value["rep"].as_str();
                if let Some(rep) = rep.filter(|_| value["strategy"].is_string() && self.open.get(key) == Some(&None)) {
                    let by_workload = value["kind"] == "conversation";
                    assert!(self.eligible(rep, by_workload), "{rep} is not eligible");
                    if by_workload {
                        let fewer = |other: &&str| self.eligible(other, true) && self.load(other) < self.load(rep);
                        assert_eq!(REPS.iter().find(|other| fewer(other)), None, "{rep} has more open items");
                    }
                }
                // one that is closed can be assigned too: it is its rep's when it is opened again
                let (open, closed) = (&mut self.open, &mut self.closed);
                if let Some(holder) = open.get_mut(key).or_else(|| closed.get_mut(key)) {
                    *holder = rep.map(str::to_owned);
                }
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn never_two_owners_nor_portfolios_and_an_item_has_at_most_one_rep(lines in prop::collection::vec(happening(), 1..80)) {
        let (mut stage, mut model) = (Stage::new(RULES), Model::default());
        let mut seen = 0;
        for (minute, mut line) in lines.into_iter().enumerate() {
            line["at"] = json!(format!("2026-03-03T{:02}:{:02}:00Z", 8 + minute / 60, minute % 60));
            model.before(&line);
            stage.send(line.clone());
            for out in &stage.outs[seen..] {
                model.after(out.topic, &out.key, &out.value);
            }
            seen = stage.outs.len();
            for contact in CONTACTS {
                let published = stage.last("ownership", &format!("acme/{contact}"));
                match model.contacts.get(contact) {
                    None => prop_assert_eq!(&published, &Value::Null, "{}", contact),
                    Some((version, owner, portfolio)) => {
                        prop_assert_eq!(&published["version"], &json!(version));
                        prop_assert_eq!(&published["owner"], owner);
                        prop_assert_eq!(&published["portfolio"], portfolio);
                    }
                }
            }
            for rep in REPS {
                let owned = model.contacts.values().filter(|(_, owner, _)| owner == rep).count() as u64;
                let (open, contacts) = stage.with_account(|account| (load::open(account, rep), load::contacts(account, rep)));
                prop_assert_eq!(open, model.load(rep) as u64, "open items of {} after {}", rep, line);
                prop_assert_eq!(contacts, owned, "contacts of {} after {}", rep, line);
            }
        }
        prop_assert_eq!(stage.settle(), 0);
    }

    #[test]
    fn a_transfer_in_rotation_gives_everyone_as_many(reps in 3usize..8, contacts in 1usize..60) {
        let roster: Vec<String> = (0..reps).map(|i| format!("{{id: r{i}}}")).collect();
        let mut stage = Stage::new(&format!("reps: [{}]", roster.join(", ")));
        let at = "2026-03-03T08:00:00Z";
        for i in 0..contacts {
            stage.send(json!({"t": "contact.assign", "at": at, "d": {"contact": format!("c{i}"), "rep": "r1"}}));
        }
        stage.send(json!({"t": "contacts.transfer", "at": at, "d": {"from": "r1", "to": "round_robin"}}));
        let owned = |rep: String| stage.list("ownership-history", "/to").iter().skip(contacts).filter(|to| **to == rep).count();
        prop_assert_eq!(owned("r1".to_owned()), 0, "never back to the giver");
        let counts: Vec<usize> = (0..reps).filter(|i| *i != 1).map(|i| owned(format!("r{i}"))).collect();
        prop_assert_eq!(counts.iter().sum::<usize>(), contacts);
        prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{:?}", counts);
    }

    #[test]
    fn round_robin_starves_nobody(reps in prop::collection::btree_set(0usize..20, 1..8), items in 1usize..60) {
        let ids: Vec<String> = reps.iter().map(|i| format!("r{i}")).collect();
        let roster: Vec<String> = (0..20).map(|i| format!("{{id: r{i}}}")).collect();
        let rules = format!(
            "reps: [{}]\nownership: {{conversations: {{strategy: round_robin, reps: [{}]}}}}", roster.join(", "), ids.join(", ")
        );
        let mut stage = Stage::new(&rules);
        for i in 0..items {
            let item = json!({"conversation": format!("v{i}")});
            stage.send(json!({"t": "conversation.opened", "at": "2026-03-03T08:00:00Z", "c": "c", "d": item}));
        }
        let served = stage.list("assignments", "/rep");
        let counts: Vec<usize> = ids.iter().map(|id| served.iter().filter(|rep| *rep == id).count()).collect();
        prop_assert_eq!(counts.iter().sum::<usize>(), items);
        prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{:?}", counts);
    }

    #[test]
    fn batches_can_be_cut_anywhere(lines in prop::collection::vec(happening(), 1..40), cut in 2usize..20) {
        let run = |commit_every: usize| {
            let mut stage = Stage::new(RULES);
            stage.commit_every = commit_every;
            for (minute, line) in lines.iter().enumerate() {
                let mut line = line.clone();
                line["at"] = json!(format!("2026-03-03T{:02}:{:02}:00Z", 8 + minute / 60, minute % 60));
                stage.send(line);
            }
            stage.commit();
            stage
        };
        let (each, cut) = (run(1), run(cut));
        let history = |stage: &Stage| stage.topic("ownership-history").into_iter().cloned().collect::<Vec<_>>();
        prop_assert_eq!(history(&each), history(&cut));
        prop_assert!(each.store().rows().eq(cut.store().rows()), "the same state");
        for out in &cut.outs {
            prop_assert_eq!(each.last(out.topic, &out.key), cut.last(out.topic, &out.key), "{}", &out.key);
        }
    }
}
