//! A script for GNU parallel.

use super::RenderArgs;
use super::quote::{command, shell};
use crate::cli::exit::TRY_AGAIN;

pub(super) fn render(args: &RenderArgs) -> String {
    let (shards, retries) = (args.shards, args.retries);
    let at_a_time = args.at_a_time.map_or(1, |most| most.get());
    let words: Vec<String> = ["transload".to_owned()].into_iter().chain(args.common()).collect();
    let (own, given, reports) = (command(&words), command(&args.batch), shell(&args.reports));
    let last = shards.get() - 1;
    format!(
        r#"#!/bin/bash
# bash FILE; run it again to go on where it ended.
set -u

# parallel gives arguments to a shell; in a function they are read once.
shard() {{
    local try code
    for try in $(seq 0 {retries}); do
        {own} --shard "$1/{shards}" --report "$reports/$1-of-{shards}.$run-$try.jsonl" {given}
        code=$?
        # Only this code is worth another try.
        [ "$code" -eq {TRY_AGAIN} ] || break
        sleep $((try + 1))
    done
    return "$code"
}}
export -f shard
export PARALLEL_SHELL=/bin/bash
export reports={reports}
run=$(date +%s).$$
export run
mkdir -p -- "$reports"
seq 0 {last} | parallel --jobs {at_a_time} --joblog "$reports/$run.joblog" --termseq TERM,10000,KILL,25 shard
"#
    )
}
