//! A script for GNU parallel.

use super::RenderArgs;
use super::quote::{command, shell};
use crate::cli::exit::TRY_AGAIN;

pub(super) fn render(args: &RenderArgs) -> String {
    let (shards, retries) = (args.shards, args.retries);
    let at_a_time = args.at_a_time.map_or(1, |most| most.get());
    // Which shard it is stands in the environment: it is the one word that differs from call to call.
    let (own, given, reports) = (command(&args.own("auto")), command(&args.batch), shell(&args.reports));
    let last = shards.get() - 1;
    format!(
        r#"#!/bin/bash
# bash FILE; run it again to go on where it ended.
set -u

# parallel gives arguments to a shell; in a function they are read once.
shard() {{
    local try code
    for try in $(seq 0 {retries}); do
        TRANSLOAD_SHARD=$1/{shards} transload {own} {given}
        code=$?
        # Only this code is worth another try.
        [ "$code" -eq {TRY_AGAIN} ] || break
        sleep $((try + 1))
    done
    return "$code"
}}
export -f shard
export PARALLEL_SHELL=/bin/bash
reports={reports}
mkdir -p -- "$reports"
seq 0 {last} | parallel --jobs {at_a_time} --joblog "$reports/$(date +%s).joblog" --termseq TERM,10000,KILL,25 shard
"#
    )
}
