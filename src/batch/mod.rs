//! Many archives as one job: the list of them, their division into shards, and the report of what became of each.
//!
//! Everything here is data and decisions. Nothing talks to other processes: shards agree because each computes the same.

mod claim;
mod done;
mod identity;
mod item;
mod journal;
mod lines;
mod list;
mod merge;
mod naming;
mod options;
mod queue;
mod record;
mod run;
mod shard;
mod sources;
mod work;

pub use item::{Item, Items, Naming};
pub use list::{Line, read as read_list, write as write_line};
pub use merge::Reports;
pub use naming::NameTemplate;
pub use options::{BatchOptions, Carrier};
pub use record::{
    Class, Ending, Entry, Failure, Recompressed, Record, RecordedImage, SCHEMA, Status, Summary, parse_line,
};
pub use run::run;
pub use shard::{Shard, by_hash, by_size};
pub use work::Task;

use crate::error::escape_json;

/// Writes a value as one line of JSON that can be shown on a terminal.
fn json_line(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_string(value).expect("strings, numbers and lists of them are JSON");
    escape_json(&json) + "\n"
}
