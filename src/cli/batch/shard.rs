//! `--shard`: which of several processes this one is, as it was typed or as an engine says in the environment.

use std::str::FromStr;

use clap::{Args, ValueEnum};
use transload::batch::Shard;
use transload::{Error, ErrorKind};

#[derive(Args, Debug)]
pub(super) struct ShardArgs {
    /// Do only what falls to process K, counted from 0, of N; auto: K and N are what the engine says that runs this
    #[arg(long, value_name = "K/N|auto", value_parser = Wanted::parse, long_help = LONG)]
    shard: Option<Wanted>,
    /// How items are divided among shards
    #[arg(long, value_enum, default_value_t, value_name = "HOW", requires = "shard")]
    shard_by: By,
}

const LONG: &str = "\
Do only what falls to process K, counted from 0, of N. Processes agree without talking to each other, as long as they \
are given the same. auto: K and N are what the first of these says that is all there:
  TRANSLOAD_SHARD=K/N
  JOB_COMPLETION_INDEX       of TRANSLOAD_SHARDS (Kubernetes passes no count)
  SLURM_ARRAY_TASK_ID        less SLURM_ARRAY_TASK_MIN, of SLURM_ARRAY_TASK_COUNT
  AWS_BATCH_JOB_ARRAY_INDEX  of AWS_BATCH_JOB_ARRAY_SIZE
  CLOUD_RUN_TASK_INDEX       of CLOUD_RUN_TASK_COUNT
  CI_NODE_INDEX              less 1, of CI_NODE_TOTAL (GitLab)";

/// What `--shard` says.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    Auto,
    This(Shard),
}

impl Wanted {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "auto" { Ok(Self::Auto) } else { crate::cli::args::parse(text).map(Self::This) }
    }
}

/// How items are divided.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum By {
    /// By a hash of the item's name: it stays in its shard when the list changes
    #[default]
    Hash,
    /// The largest first, each to the shard that has least: shards take equally long
    Size,
}

impl ShardArgs {
    /// Returns which shard this process is; `None`: it does everything.
    pub(super) fn shard(&self) -> Result<Option<Shard>, Error> {
        match self.shard {
            None => Ok(None),
            Some(Wanted::This(shard)) => Ok(Some(shard)),
            Some(Wanted::Auto) => found(|name| std::env::var(name).ok()).map(Some),
        }
    }

    /// Tells whether items are divided by their size.
    pub(super) fn by_size(&self) -> bool {
        matches!(self.shard_by, By::Size)
    }
}

/// Where an engine says which of how many a process is.
struct Engine {
    index: &'static str,
    first: First,
    count: &'static str,
}

enum First {
    Number(u32),
    Variable(&'static str),
}

const ENGINES: [Engine; 5] = [
    Engine { index: "JOB_COMPLETION_INDEX", first: First::Number(0), count: "TRANSLOAD_SHARDS" },
    Engine {
        index: "SLURM_ARRAY_TASK_ID",
        first: First::Variable("SLURM_ARRAY_TASK_MIN"),
        count: "SLURM_ARRAY_TASK_COUNT",
    },
    Engine { index: "AWS_BATCH_JOB_ARRAY_INDEX", first: First::Number(0), count: "AWS_BATCH_JOB_ARRAY_SIZE" },
    Engine { index: "CLOUD_RUN_TASK_INDEX", first: First::Number(0), count: "CLOUD_RUN_TASK_COUNT" },
    Engine { index: "CI_NODE_INDEX", first: First::Number(1), count: "CI_NODE_TOTAL" },
];

/// Finds out which shard this is from variables of the environment.
fn found(lookup: impl Fn(&str) -> Option<String>) -> Result<Shard, Error> {
    let lookup = |name: &str| lookup(name).filter(|value| !value.is_empty());
    if let Some(text) = lookup("TRANSLOAD_SHARD") {
        return text.parse().map_err(|error: Error| error.within("TRANSLOAD_SHARD"));
    }
    let mut alone = None;
    for Engine { index, first, count } in &ENGINES {
        let Some(index_text) = lookup(index) else { continue };
        let first_text = match first {
            First::Number(number) => Some(number.to_string()),
            First::Variable(name) => lookup(name),
        };
        let (Some(first_text), Some(count_text)) = (first_text, lookup(count)) else {
            alone.get_or_insert(format!("{index} is set, but what says of how many is not: {count}"));
            continue;
        };
        if *index == "SLURM_ARRAY_TASK_ID" {
            check_slurm(&lookup)?;
        }
        let number = |name: &str, text: &str| {
            u32::from_str(text).map_err(|_| usage(format!("{name}={text}: not a whole number")))
        };
        let (at, first, of) = (number(index, &index_text)?, number(index, &first_text)?, number(count, &count_text)?);
        let shard = at.checked_sub(first).and_then(|at| Shard::new(at, of));
        return shard.ok_or_else(|| usage(format!("{index}={at} with {count}={of}: there is no such shard")));
    }
    let error = usage("shard auto: the environment says of no engine which of how many processes this is".to_owned());
    Err(error.hint(alone.unwrap_or("set TRANSLOAD_SHARD=K/N, or say --shard K/N".to_owned())))
}

/// Refuses arrays with holes: shards would be missing, and nobody would notice.
fn check_slurm(lookup: &impl Fn(&str) -> Option<String>) -> Result<(), Error> {
    let number = |name: &str| lookup(&format!("SLURM_ARRAY_TASK_{name}")).and_then(|text| text.parse::<u64>().ok());
    let holes = match (number("MIN"), number("MAX"), number("COUNT")) {
        (Some(min), Some(max), Some(count)) => max.checked_sub(min).is_none_or(|span| span + 1 != count),
        _ => false,
    };
    if holes || number("STEP").is_some_and(|step| step != 1) {
        let error = usage("the Slurm array has holes: its tasks are no shards".to_owned());
        return Err(error.hint("submit it with --array=0-N, without a step and without single numbers"));
    }
    Ok(())
}

fn usage(message: String) -> Error {
    Error::new(ErrorKind::Usage, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(environment: &str) -> Result<Shard, Error> {
        let variables: Vec<(&str, &str)> = environment.split(' ').filter_map(|pair| pair.split_once('=')).collect();
        found(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn engines_say_which_shard_it_is() {
        const SLURM: &str =
            "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_MIN=5 SLURM_ARRAY_TASK_MAX=12 SLURM_ARRAY_TASK_COUNT=8";
        for (environment, want) in [
            ("TRANSLOAD_SHARD=3/8", "3/8"),
            ("TRANSLOAD_SHARD=3/8 JOB_COMPLETION_INDEX=0 TRANSLOAD_SHARDS=2", "3/8"),
            ("JOB_COMPLETION_INDEX=0 TRANSLOAD_SHARDS=1", "0/1"),
            ("JOB_COMPLETION_INDEX=63 TRANSLOAD_SHARDS=64", "63/64"),
            (SLURM, "2/8"),
            (&format!("{SLURM} SLURM_ARRAY_TASK_STEP=1 CI_NODE_INDEX=1 CI_NODE_TOTAL=2"), "2/8"),
            ("AWS_BATCH_JOB_ARRAY_INDEX=0 AWS_BATCH_JOB_ARRAY_SIZE=10000", "0/10000"),
            ("CLOUD_RUN_TASK_INDEX=9 CLOUD_RUN_TASK_COUNT=10", "9/10"),
            ("CI_NODE_INDEX=1 CI_NODE_TOTAL=4", "0/4"),
            ("CI_NODE_INDEX=4 CI_NODE_TOTAL=4", "3/4"),
            // A set that is not complete does not count.
            ("JOB_COMPLETION_INDEX=5 CI_NODE_INDEX=1 CI_NODE_TOTAL=4", "0/4"),
            ("TRANSLOAD_SHARD= CI_NODE_INDEX=2 CI_NODE_TOTAL=4", "1/4"),
        ] {
            assert_eq!(look(environment).unwrap().to_string(), want, "{environment}");
        }
    }

    #[test]
    fn what_no_engine_says_is_never_guessed() {
        for (environment, want) in [
            ("", "says of no engine"),
            ("PATH=/bin", "says of no engine"),
            ("CI_NODE_TOTAL=1", "says of no engine"),
            ("JOB_COMPLETION_INDEX=5", "TRANSLOAD_SHARDS"),
            ("SLURM_ARRAY_TASK_ID=5 SLURM_ARRAY_TASK_COUNT=8", "SLURM_ARRAY_TASK_COUNT"),
            ("TRANSLOAD_SHARD=8/8", "TRANSLOAD_SHARD"),
            ("JOB_COMPLETION_INDEX=8 TRANSLOAD_SHARDS=8", "no such shard"),
            ("JOB_COMPLETION_INDEX=x TRANSLOAD_SHARDS=8", "JOB_COMPLETION_INDEX=x"),
            ("CI_NODE_INDEX=0 CI_NODE_TOTAL=4", "no such shard"),
            ("SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_STEP=2", "holes"),
            ("SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=3", "holes"),
        ] {
            let error = look(environment).unwrap_err();
            let text = format!("{error} {}", error.advice().unwrap_or_default());
            assert!(text.contains(want), "{environment}: {text}");
            assert_eq!(error.kind(), ErrorKind::Usage, "{environment}");
        }
    }
}
