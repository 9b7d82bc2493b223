//! The chain over the request log: each record's hash is the SHA-256 of the hash before it and of the record, so that
//! a record which was edited, deleted, put in or moved is found and named (as in Schneier and Kelsey, 1999, "Secure
//! audit logs to support computer forensics", DOI 10.1145/317087.317089). Field values enter by a digest of their
//! own: they can be erased, and the chain still verifies. Knows nothing of how records come about.

use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256 as Hasher};
use yard_types::{
    audit::{ChainReply, EraseReply, Erased},
    ids::Sha256,
};

/// Mark of erased field values; their digest follows.
const ERASED: &str = "erased:";
/// Columns that the hash covers, in its order; `fields` comes first.
const COLUMNS: &str = "fields, id, model, route, error, margins, scores, decisions, version, at_us, status, nanos, rows, \
     total, window";

/// The end of the chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain {
    head: [u8; 32],
}

/// What a record's hash covers: texts and bytes, then numbers, in the order of [`COLUMNS`].
pub(crate) struct Record<'a> {
    pub(crate) fields: &'a str,
    pub(crate) parts: [&'a [u8]; 7],
    pub(crate) numbers: [i64; 7],
}

impl Chain {
    /// Goes on from the last record.
    pub(crate) fn resume(connection: &Connection) -> rusqlite::Result<Self> {
        let head = connection
            .query_row("select head from chain where one = 1", [], |row| row.get::<_, Vec<u8>>(0))
            .optional()?;
        Ok(Self { head: head.and_then(|bytes| bytes.try_into().ok()).unwrap_or_default() })
    }

    /// Adds a record and returns its hash.
    pub(crate) fn add(&mut self, record: &Record<'_>) -> [u8; 32] {
        self.head = hash(self.head, record);
        self.head
    }

    /// Writes the end of the chain, so that a log cut off at its end is found.
    pub(crate) fn store(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection
            .prepare_cached(
                "insert into chain(one, anchor, head) values(1, zeroblob(32), ?1)
                 on conflict(one) do update set head = excluded.head",
            )?
            .execute(params![&self.head[..]])
            .map(|_| ())
    }
}

fn hash(before: [u8; 32], record: &Record<'_>) -> [u8; 32] {
    let mut hasher = Hasher::new();
    hasher.update(before);
    hasher.update(fields_digest(record.fields).0);
    for part in record.parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    for number in record.numbers {
        hasher.update(number.to_le_bytes());
    }
    hasher.finalize().into()
}

/// Returns the digest of field values, also of erased ones.
fn fields_digest(fields: &str) -> Sha256 {
    let erased = fields.strip_prefix(ERASED).and_then(Sha256::from_hex);
    erased.unwrap_or_else(|| Sha256(Hasher::digest(fields.as_bytes()).into()))
}

/// Keeps the hash of the newest record that is about to be deleted: the chain then begins after it.
pub(crate) fn move_anchor(connection: &Connection, doomed: &str, bound: (i64, i64)) -> rusqlite::Result<()> {
    let query = format!("select hash from request where seq in ({doomed}) order by seq desc limit 1");
    let last = connection
        .prepare_cached(&query)?
        .query_row(params![bound.0, bound.1], |row| row.get::<_, Option<Vec<u8>>>(0))
        .optional()?
        .flatten();
    let Some(last) = last else { return Ok(()) };
    connection
        .prepare_cached("update chain set anchor = ?1 where one = 1")?
        .execute(params![last])
        .map(|_| ())
}

/// Goes through the whole chain.
pub(crate) fn verify(connection: &Connection) -> rusqlite::Result<ChainReply> {
    let ends = connection
        .query_row("select anchor, head from chain where one = 1", [], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
        })
        .optional()?;
    let mut reply = ChainReply::default();
    let Some((anchor, head)) = ends else { return Ok(reply) };
    let mut before: [u8; 32] = anchor.try_into().unwrap_or_default();
    // Records of a program that kept no chain come before it and have no hash.
    let mut query = connection.prepare(&format!(
        "select {COLUMNS}, hash, seq from request where seq >= (select min(seq) from request where hash is not null)
         order by seq"
    ))?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let own = row_hash(before, row)?;
        let stored: Option<Vec<u8>> = row.get(15)?;
        reply.records += 1;
        if stored.as_deref() != Some(&own[..]) {
            reply.first_bad = Some(row.get::<_, i64>(16)? as u64);
            return Ok(reply);
        }
        before = own;
    }
    reply.head = Sha256(before).to_hex();
    reply.cut_off = before[..] != head[..];
    reply.ok = !reply.cut_off;
    Ok(reply)
}

fn row_hash(before: [u8; 32], row: &rusqlite::Row<'_>) -> rusqlite::Result<[u8; 32]> {
    let fields: String = row.get(0)?;
    let bytes = |at: usize| -> rusqlite::Result<Vec<u8>> {
        Ok(match row.get_ref(at)? {
            rusqlite::types::ValueRef::Text(bytes) | rusqlite::types::ValueRef::Blob(bytes) => bytes.to_vec(),
            _ => Vec::new(),
        })
    };
    let parts = (1..8).map(bytes).collect::<Result<Vec<_>, _>>()?;
    let mut numbers = [0; 7];
    for (at, number) in numbers.iter_mut().enumerate() {
        *number = row.get(8 + at)?;
    }
    let mut record = Record { fields: &fields, parts: [&[]; 7], numbers };
    for (slot, part) in record.parts.iter_mut().zip(&parts) {
        *slot = part;
    }
    Ok(hash(before, &record))
}

/// Erases the field values of requests; their digests stay as the proof of what the chain covers.
pub(crate) fn erase(connection: &Connection, model: &str, ids: &[String]) -> rusqlite::Result<EraseReply> {
    let mut find =
        connection.prepare_cached("select seq, fields from request where id = ?1 and model = ?2")?;
    let mut erase =
        connection.prepare_cached("update request set fields = ?1, error = error where seq = ?2")?;
    let mut reply = EraseReply::default();
    for id in ids {
        let found = find
            .query_map(params![id, model], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?
            .collect::<Result<Vec<_>, _>>()?;
        if found.is_empty() {
            reply.unknown.push(id.clone());
        }
        for (seq, fields) in found {
            let digest = fields_digest(&fields).to_hex();
            erase.execute(params![format!("{ERASED}{digest}"), seq])?;
            reply.erased.push(Erased { request_id: id.clone(), seq: seq as u64, fields_sha256: digest });
        }
    }
    Ok(reply)
}
