#!/bin/bash
# sbatch FILE; more than 1001 shards need a larger MaxArraySize.
#SBATCH --job-name=x-1
#SBATCH --array=0-0
#SBATCH --cpus-per-task=3
#SBATCH --mem=512M
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=x-1-%A_%a.out
# Before the time limit, and when the task is preempted: what is begun is given up, what is done stays done.
#SBATCH --signal=B:TERM@60
set -u

transload batch --threads 3 --report 'the '\''reports'\''/' --shard auto --to oci-archive --out 'a b' 'it'\''s' '$(rm -rf .)' '$(POD_NAME)$$' '`id`' '"x": {y: #z}' '\ *~!&;|<>' $'line\012break\011and\033[2J\342\200\256' 'größe 日本 😀' &
worker=$!
# Slurm tells the script only; a shell hears of signals only while it waits.
trap 'kill -TERM "$worker" 2>/dev/null' TERM
while :; do
    wait "$worker"
    code=$?
    kill -0 "$worker" 2>/dev/null || break
done

case $code in
# What failed for good fails again.
0 | 1 | 2 | 3 | 4 | 5) exit "$code" ;;
esac
if [ "${SLURM_RESTART_COUNT:-0}" -ge 5 ]; then
    exit "$code"
fi
trap - TERM
# This task alone; the job's number would mean the whole array.
scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID" || exit "$code"
# Slurm ends this script; should it be slow, it must not look done.
sleep 60
exit "$code"
