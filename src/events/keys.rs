//! Keys: components joined with `/`, with `/` and `%` inside a component percent-encoded.

use std::borrow::Cow;

/// Appends a component to a key, percent-encoding `/` and `%`.
pub fn push_component(key: &mut String, component: &str) {
    for c in component.chars() {
        match c {
            '/' => key.push_str("%2F"),
            '%' => key.push_str("%25"),
            c => key.push(c),
        }
    }
}

/// Joins components into a key: `["acme", "/crm"]` gives `acme/%2Fcrm`.
pub fn join(components: &[&str]) -> String {
    let mut key = String::with_capacity(components.iter().map(|c| c.len() + 1).sum());
    for (i, component) in components.iter().enumerate() {
        if i > 0 {
            key.push('/');
        }
        if is_plain(component) {
            key.push_str(component);
        } else {
            push_component(&mut key, component);
        }
    }
    key
}

/// Whether nothing in a component needs encoding. It looks at every byte, many at once, rather than stop at the first.
fn is_plain(component: &str) -> bool {
    component.bytes().fold(true, |plain, byte| plain & (byte != b'/') & (byte != b'%'))
}

/// As [`join`], appending to bytes.
pub fn join_into(key: &mut Vec<u8>, components: &[&str]) {
    for (i, component) in components.iter().enumerate() {
        if i > 0 {
            key.push(b'/');
        }
        if is_plain(component) {
            key.extend_from_slice(component.as_bytes());
            continue;
        }
        for byte in component.bytes() {
            match byte {
                b'/' => key.extend_from_slice(b"%2F"),
                b'%' => key.extend_from_slice(b"%25"),
                byte => key.push(byte),
            }
        }
    }
}

/// Splits a key into its decoded components; the inverse of [`join`].
pub fn split(key: &str) -> Vec<String> {
    parts(key).map(Cow::into_owned).collect()
}

/// As [`split`], one by one; what was not encoded is borrowed.
pub fn parts(key: &str) -> impl Iterator<Item = Cow<'_, str>> {
    key.split('/').map(|component| match is_plain(component) {
        true => Cow::Borrowed(component),
        false => Cow::Owned(component.replace("%2F", "/").replace("%2f", "/").replace("%25", "%")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_and_splits() {
        assert_eq!(join(&["acme", "/crm", "50%"]), "acme/%2Fcrm/50%25");
        for parts in [vec!["a", "b"], vec!["a/b", "%2F", ""], vec!["%25"]] {
            assert_eq!(split(&join(&parts)), parts);
            let mut bytes = Vec::new();
            join_into(&mut bytes, &parts);
            assert_eq!(bytes, join(&parts).into_bytes());
        }
    }
}
