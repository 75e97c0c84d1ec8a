use super::*;

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("s.toml");
    std::fs::write(&file, text).unwrap();
    let variables = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Settings::from_sources(Some(&file), variables).map_err(|error| error.to_string())
}

#[test]
fn the_shipped_file_shows_every_key_with_its_default() {
    let text = include_str!("../../../config/scorekeeper.toml");
    assert_eq!(load(text, &[]).unwrap(), Settings::default());
    // optional keys are shown as comments
    let shown: String = text
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|l| l.contains(" = ")).unwrap_or(line).to_owned() + "\n")
        .collect();
    let shown: serde_json::Value = toml::from_str(&shown).unwrap();
    let all = serde_json::to_value(Settings::default()).unwrap();
    for (section, keys) in all.as_object().unwrap() {
        for key in keys.as_object().unwrap().keys() {
            assert!(shown[section].get(key).is_some(), "{section}.{key} is not in config/scorekeeper.toml");
        }
    }
}

#[test]
fn the_environment_wins() {
    let variables = [
        ("SCOREKEEPER__LOG__BACKEND", "local"),
        ("SCOREKEEPER__WORKER__THREADS", "3"),
        ("SCOREKEEPER__WORKER__COMMIT_INTERVAL", "20ms"),
        ("SCOREKEEPER__KAFKA__SECURITY__PROTOCOL", "sasl_ssl"),
        ("SCOREKEEPER__KAFKA__PROPERTIES__FETCH_MIN_BYTES", "5"),
        ("UNRELATED", "x"),
    ];
    let settings = load("[worker]\nthreads = 1\n[kafka]\nproperties = { \"session.timeout.ms\" = 9000 }", &variables).unwrap();
    assert_eq!(
        (settings.log.backend, settings.worker.threads, settings.worker.commit_interval),
        (Backend::Local, 3, Duration(20))
    );
    assert_eq!(settings.kafka.security["security.protocol"], "sasl_ssl");
    assert_eq!(settings.kafka.properties["fetch.min.bytes"], "5");
    assert_eq!(settings.kafka.properties["session.timeout.ms"], "9000");
}

#[test]
fn the_transactional_id_is_of_the_state_directory() {
    let id = |text: &str| load(text, &[]).unwrap().cluster().transactional_id_prefix.unwrap();
    let (a, b) = (id("[state]\ndir = '/var/a'"), id("[state]\ndir = '/var/b'"));
    assert_ne!(a, b, "two processes of one host do not fence each other");
    assert_eq!(a, id("[state]\ndir = '/var/a'"), "a process that comes back ends its own transaction");
    assert_ne!(a, id("[kafka]\ngroup_id = 'other'\n[state]\ndir = '/var/a'"));
    assert_eq!(id("[kafka]\ntransactional_id_prefix = 'mine'"), "mine");
}

#[test]
fn secrets_come_from_files() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("password");
    std::fs::write(&secret, "s3cret\n").unwrap();
    let settings = load("", &[("SCOREKEEPER__KAFKA__SECURITY__SASL_PASSWORD_FILE", secret.to_str().unwrap())]).unwrap();
    assert_eq!(settings.kafka.security["sasl.password"], "s3cret");
}

#[test]
fn errors_name_the_place() {
    for (text, variables, part) in [
        ("[worker]\nthread = 1\n", &[][..], "line 2, column 1"),
        ("[worker]\ncommit_interval = \"soon\"\n", &[][..], "no duration"),
        ("[kafka]\nbootstrap_server = 'x'\n", &[][..], "bootstrap_servers"),
        ("[rules]\ndir = 'x'\ntopic = true\n", &[][..], "not from both"),
        ("", &[("SCOREKEEPER__WORKER__THREAD", "1")][..], "thread"),
        ("[worker]\ncommit_max_events = 0\n", &[][..], "at least 1"),
    ] {
        let error = load(text, variables).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
    }
    assert!(Settings::load(Some(Path::new("/does/not/exist.toml"))).is_err());
}
