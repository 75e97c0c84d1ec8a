//! Sales from a file: CSV with a header, or JSONL.

use std::path::Path;

use serde_json::{Map, Value};

use crate::cli::{Exit, Failure};
use crate::events::Timestamp;
use crate::rules::account::commissions::simulate::Sale;

/// Reads a file of sales; `.jsonl`, `.ndjson` and `.json` are JSONL, everything else is CSV.
pub fn read(path: &Path) -> Result<Vec<Sale>, Failure> {
    let wrong = |why: String| Failure::new(Exit::Data, format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let is_json = path.extension().is_some_and(|ending| ["jsonl", "ndjson", "json"].iter().any(|json| ending == *json));
    let rows = if is_json { from_jsonl(&text) } else { from_csv(&text) };
    rows.map_err(wrong)?.into_iter().map(|(line, row)| sale(row).map_err(|why| wrong(format!("line {line}: {why}")))).collect()
}

type Rows = Result<Vec<(u64, Map<String, Value>)>, String>;

/// Every cell that is not empty, by the name of its column.
fn from_csv(text: &str) -> Rows {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        let cells = header.iter().zip(record.iter()).filter(|(_, cell)| !cell.is_empty());
        rows.push((line, cells.map(|(name, cell)| (name.to_owned(), Value::from(cell))).collect()));
    }
    Ok(rows)
}

fn from_jsonl(text: &str) -> Rows {
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    lines.map(|(line, number)| Ok((number, serde_json::from_str(line).map_err(|e| format!("line {number}: {e}"))?))).collect()
}

fn sale(mut row: Map<String, Value>) -> Result<Sale, String> {
    let time = row.remove("time").ok_or("no time")?;
    let time = Timestamp::parse(time.as_str().unwrap_or_default()).map_err(|error| error.to_string())?;
    let kind = match row.remove("type") {
        None | Some(Value::Null) => None,
        Some(Value::String(kind)) => Some(kind),
        Some(other) => return Err(format!("type {other} is no text")),
    };
    Ok(Sale { time, kind, data: row })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_and_jsonl_say_the_same() {
        let csv = "time,amount,type,payment\n2026-03-01T12:00:00Z, 10.50 ,,p1\n2026-03-02T12:00:00Z,,payment.refunded,p1\n";
        let jsonl = concat!(
            r#"{"time":"2026-03-01T12:00:00Z","amount":"10.50","payment":"p1"}"#,
            "\n\n",
            r#"{"time":"2026-03-02T12:00:00Z","type":"payment.refunded","payment":"p1"}"#
        );
        let sales = |rows: Rows| -> Vec<Sale> { rows.unwrap().into_iter().map(|(_, row)| sale(row).unwrap()).collect() };
        assert_eq!(sales(from_csv(csv)), sales(from_jsonl(jsonl)));
        assert_eq!(sales(from_csv(csv))[1].kind.as_deref(), Some("payment.refunded"));
        assert!(sale(Map::new()).is_err() && from_jsonl("[]").is_err());
    }
}
