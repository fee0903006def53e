#!/bin/bash
# bash FILE; run it again to go on where it ended.
set -u

# parallel gives arguments to a shell; in a function they are read once.
shard() {
    local try code
    for try in $(seq 0 5); do
        transload batch --threads 3 --shard "$1/1" --report "$reports/$1-of-1.$run-$try.jsonl" --to oci-archive --out 'a b' 'it'\''s' '$(rm -rf .)' '$(POD_NAME)$$' '`id`' '"x": {y: #z}' '\ *~!&;|<>' $'line\012break\011and\033[2J\342\200\256' 'größe 日本 😀'
        code=$?
        # Only this code is worth another try.
        [ "$code" -eq 75 ] || break
        sleep $((try + 1))
    done
    return "$code"
}
export -f shard
export PARALLEL_SHELL=/bin/bash
export reports='the '\''reports'\'''
run=$(date +%s).$$
export run
mkdir -p -- "$reports"
seq 0 0 | parallel --jobs 1 --joblog "$reports/$run.joblog" --termseq TERM,10000,KILL,25 shard
