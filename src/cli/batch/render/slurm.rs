//! A Slurm job array.

use super::RenderArgs;
use super::quote::command;
use crate::cli::exit::PERMANENT;

pub(super) fn render(args: &RenderArgs) -> String {
    let last = args.shards.get() - 1;
    let at_a_time = args.at_a_time.map_or(String::new(), |most| format!("%{most}"));
    let (name, cpus, mem, retries) = (&args.name, args.cpus, args.mem, args.retries);
    let (own, given) = (command(&args.own("auto")), command(&args.batch));
    let codes = PERMANENT.map(|code| code.to_string()).join(" | ");
    format!(
        r#"#!/bin/bash
# sbatch FILE; more than 1001 shards need a larger MaxArraySize.
#SBATCH --job-name={name}
#SBATCH --array=0-{last}{at_a_time}
#SBATCH --cpus-per-task={cpus}
#SBATCH --mem={mem}M
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output={name}-%A_%a.out
# Before the time limit, and when the task is preempted: what is begun is given up, what is done stays done.
#SBATCH --signal=B:TERM@60
set -u

transload {own} {given} &
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
0 | {codes}) exit "$code" ;;
esac
if [ "${{SLURM_RESTART_COUNT:-0}}" -ge {retries} ]; then
    exit "$code"
fi
trap - TERM
# This task alone; the job's number would mean the whole array.
scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID" || exit "$code"
# Slurm ends this script; should it be slow, it must not look done.
sleep 60
exit "$code"
"#
    )
}
