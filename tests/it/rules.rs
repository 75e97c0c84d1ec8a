//! `rules publish` and `rules list` on the local log, as a user runs them.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

/// A folder with rule files, and the program on a local log in it.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new(files: &[(&str, &str)]) -> Desk {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Desk(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scorekeeper"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env("SCOREKEEPER__LOG__BACKEND", "local")
            .env("SCOREKEEPER__LOCAL__DIR", self.path().join("log"))
            .env("SCOREKEEPER__LOCAL__PARTITIONS", "2")
            .env("SCOREKEEPER__STATE__DIR", self.path().join("state"))
            .env("SCOREKEEPER__HTTP__ADMIN", "127.0.0.1:0")
            .env("SCOREKEEPER__TELEMETRY__LOG_LEVEL", "error")
            .env("SCOREKEEPER__RULES__TOPIC", "true");
        command.output().unwrap()
    }

    /// The exit code, and what was printed: JSON on success, else what went wrong.
    fn json(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let output = self.run(&[&["--output-format", "json"], arguments].concat());
        let text = if output.status.success() { output.stdout } else { output.stderr };
        let text = String::from_utf8_lossy(&text).into_owned();
        (output.status.code(), serde_json::from_str(&text).unwrap_or(json!(text)))
    }
}

#[test]
fn versions_are_published_listed_and_refused() {
    let desk = Desk::new(&[
        ("acme.yaml", "account: acme\nreps: [{id: r1}]\n"),
        ("any.yaml", "account: '*'\ncatalog: [{key: deal.won, points: 1}]\n"),
        ("zone.yaml", "account: acme\ntimezone: America/Sao_Paulo\n"),
        ("wrong.yaml", "account: acme\npoints: 5\ncatalog: [{key: x, points: many}]\n"),
        ("old.yaml", "account: acme\neffective_from: 2020-01-01T00:00:00Z\n"),
    ]);
    assert_eq!(desk.json(&["rules", "list"]), (Some(0), json!([])));
    let publish = |file: &str, more: &[&str]| desk.json(&[&["rules", "publish", file, "--account", "acme"], more].concat());

    let (code, errors) = publish("wrong.yaml", &[]);
    let errors = errors.as_str().unwrap();
    assert!(code == Some(78) && errors.contains("wrong.yaml:2:1") && errors.contains("2 errors in the rules"), "{errors}");
    assert_eq!(publish("nowhere.yaml", &[]).0, Some(65));
    assert_eq!(publish("acme.yaml", &["--effective-from", "tomorrow"]).0, Some(64));
    assert_eq!(desk.json(&["rules", "publish", "acme.yaml", "--account", "other"]).0, Some(64));
    assert_eq!(desk.json(&["rules", "publish", "acme.yaml"]).0, Some(64));
    assert_eq!(desk.json(&["rules", "list"]), (Some(0), json!([])), "nothing of it was written");

    let first = publish("acme.yaml", &["--effective-from", "2026-01-01T00:00:00Z"]);
    assert_eq!(first, (Some(0), json!({"account": "acme", "version": 1, "effective_from": "2026-01-01T00:00:00.000Z"})));
    for (file, from, why) in [
        ("old.yaml", None, "only the first version of acme may start in the past"),
        ("acme.yaml", Some("2026-02-01T00:00:00Z"), "only the first version of acme may start in the past"),
        ("zone.yaml", None, "`timezone` never changes"),
    ] {
        let more: Vec<&str> = from.into_iter().flat_map(|from| ["--effective-from", from]).collect();
        let (code, error) = publish(file, &more);
        assert!(code == Some(65) && error.as_str().unwrap().contains(why), "{file}: {error}");
    }
    assert_eq!(publish("any.yaml", &[]).1["version"], 2, "the rules of all as those of one");
    assert_eq!(publish("acme.yaml", &["--effective-from", "2999-01-01T00:00:00Z"]).1["version"], 3);
    assert_eq!(desk.json(&["rules", "publish", "any.yaml", "--account", "*"]).1["effective_from"], json!(null));

    let (_, all) = desk.json(&["rules", "list"]);
    let shown: Vec<String> = all.as_array().unwrap().iter().map(|row| format!("{} {}", row["account"], row["version"])).collect();
    assert_eq!(shown, ["\"*\" 1", "\"acme\" 1", "\"acme\" 2", "\"acme\" 3"]);
    let (_, acme) = desk.json(&["rules", "list", "--account", "acme"]);
    assert_eq!(acme[2]["status"], "scheduled");
    assert!(acme.as_array().unwrap().iter().any(|row| row["status"] == "in_force"), "{acme}");
    let text = String::from_utf8(desk.run(&["rules", "list", "--account", "acme"]).stdout).unwrap();
    assert!(text.contains("acme: version 3, scheduled, from 2999-01-01T00:00:00.000Z, published 20"), "{text}");
}

#[test]
fn a_local_log_in_use_is_unavailable_and_published_rules_are_followed() {
    let desk = Desk::new(&[("acme.yaml", "account: acme\n")]);
    let (code, version) = desk.json(&["rules", "publish", "acme.yaml", "--account", "acme"]);
    assert_eq!((code, &version["version"]), (Some(0), &json!(1)));
    let summary = desk.json(&["run", "--stop-at-end"]);
    assert_eq!((summary.0, &summary.1["events"]), (Some(0), &json!(0)), "{}", summary.1);

    let lock = std::fs::File::create(desk.path().join("log/lock")).unwrap();
    lock.try_lock().unwrap();
    let (code, error) = desk.json(&["rules", "list"]);
    assert!(code == Some(69) && error.as_str().unwrap().contains("in use by another process"), "{error}");
}

#[test]
fn the_help_of_each_has_an_example() {
    let desk = Desk::new(&[]);
    for action in ["publish", "list"] {
        let help = String::from_utf8(desk.run(&["rules", action, "--help"]).stdout).unwrap();
        assert!(help.contains(&format!("Example:\n  scorekeeper rules {action}")), "{help}");
    }
}
