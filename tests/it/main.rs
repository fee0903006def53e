//! What a user sees, one module per behaviour. Inputs come from `support`, which can build any archive.

mod cli;
mod compression;
mod corpus;
mod damage;
mod determinism;
mod engine_archives;
mod engines;
mod faults;
mod fixtures;
mod fuzzed;
mod loadability;
mod memory;
mod names;
mod properties;
mod reading;
mod regressions;
mod roundtrip;
mod selection;
mod support;
mod tidy;
