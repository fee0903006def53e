//! What a user sees, one module per behaviour. Inputs come from `support`, which can build any archive.

mod cli;
mod compression;
mod corpus;
mod counts;
mod damage;
mod determinism;
mod diff;
mod engine_archives;
mod engines;
mod events;
mod faults;
mod fixtures;
mod fuzzed;
mod inspect;
mod loadability;
mod memory;
mod names;
mod properties;
mod reading;
mod regressions;
mod report;
mod roundtrip;
mod selection;
mod support;
mod tidy;
mod verify;
