#!/bin/bash
# bash FILE; run it again to go on where it ended.
set -u

# parallel gives arguments to a shell; in a function they are read once.
shard() {
    local try code
    for try in $(seq 0 5); do
        TRANSLOAD_SHARD=$1/1 transload batch --threads 3 --report 'the '\''reports'\''/' --shard auto --to oci-archive --out 'a b' 'it'\''s' '$(rm -rf .)' '$(POD_NAME)$$' '`id`' '"x": {y: #z}' '\ *~!&;|<>' $'line\012break\011and\033[2J\342\200\256' 'größe 日本 😀'
        code=$?
        # Only this code is worth another try.
        [ "$code" -eq 75 ] || break
        sleep $((try + 1))
    done
    return "$code"
}
export -f shard
export PARALLEL_SHELL=/bin/bash
reports='the '\''reports'\'''
mkdir -p -- "$reports"
seq 0 0 | parallel --jobs 1 --joblog "$reports/$(date +%s).joblog" --termseq TERM,10000,KILL,25 shard
