//! The mark of a store that was closed: a digest of its files.
//!
//! sled passes over parts of a file that are damaged, so that rows would be missing without a word; their own checksums only
//! tell of rows that are there. So the files are digested as a whole when the store is closed, and before it is opened.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

const MARK: &str = "closed";

/// Marks the database of a directory as closed as it is now.
pub fn mark(dir: &Path) -> io::Result<()> {
    let digest = digest(dir)?;
    let mut file = File::create(dir.join(MARK))?;
    file.write_all(format!("{digest:08x}").as_bytes())?;
    file.sync_all()?;
    File::open(dir)?.sync_all()
}

/// Takes the mark away, and says whether the database is as it was when it was marked.
pub fn take_mark(dir: &Path) -> io::Result<bool> {
    let mark = match std::fs::read_to_string(dir.join(MARK)) {
        Ok(mark) => mark,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => return Ok(false),
        Err(error) => return Err(error),
    };
    std::fs::remove_file(dir.join(MARK))?;
    Ok(digest(dir).is_ok_and(|digest| mark == format!("{digest:08x}")))
}

/// Of the names and contents of all files, in the order of their names.
fn digest(dir: &Path) -> io::Result<u32> {
    let mut digest = crc32fast::Hasher::new();
    add(&dir.join(super::SLED), &mut digest)?;
    Ok(digest.finalize())
}

fn add(path: &Path, digest: &mut crc32fast::Hasher) -> io::Result<()> {
    if path.is_dir() {
        let mut names = std::fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
        names.sort_unstable();
        for name in names {
            digest.update(name.as_encoded_bytes());
            digest.update(&[0]);
            add(&path.join(name), digest)?;
        }
        return Ok(());
    }
    let (mut file, mut buffer, mut size) = (File::open(path)?, vec![0; 1 << 20], 0u64);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => {
                digest.update(&buffer[..read]);
                size += read as u64;
            }
        }
    }
    digest.update(&size.to_le_bytes());
    Ok(())
}
