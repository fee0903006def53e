#!/bin/bash
# bash FILE; run it again to go on where it ended.
set -u

# parallel gives arguments to a shell; in a function they are read once.
shard() {
    local try code
    for try in $(seq 0 5); do
        TRANSLOAD_SHARD=$1/64 transload batch --threads 2 --report reports/ --shard auto --to oci-archive --out new --list jobs.jsonl
        code=$?
        # Only this code is worth another try.
        [ "$code" -eq 75 ] || break
        sleep $((try + 1))
    done
    return "$code"
}
export -f shard
export PARALLEL_SHELL=/bin/bash
reports=reports
mkdir -p -- "$reports"
seq 0 63 | parallel --jobs 16 --joblog "$reports/$(date +%s).joblog" --termseq TERM,10000,KILL,25 shard
