#!/bin/bash
# sbatch FILE; more than 1001 shards need a larger MaxArraySize.
#SBATCH --job-name=transload
#SBATCH --array=0-63%16
#SBATCH --cpus-per-task=2
#SBATCH --mem=1024M
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=transload-%A_%a.out
# Before the time limit, and when the task is preempted: what is begun is given up, what is done stays done.
#SBATCH --signal=B:TERM@60
set -u

transload batch --threads 2 --report reports/ --shard auto --to oci-archive --out new --list jobs.jsonl &
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
