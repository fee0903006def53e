//! An Argo workflow.

use transload::Error;

use super::RenderArgs;
use super::k8s::{container, indented, pod};
use crate::cli::exit::PERMANENT;
use crate::cli::source::usage;

pub(super) fn render(args: &RenderArgs) -> Result<String, Error> {
    // Argo replaces these in the whole document, and knows no way to write them.
    if let Some(word) = args.batch.iter().chain([&args.reports]).find(|word| word.contains("{{")) {
        return Err(usage(&format!("{word}: Argo takes {{{{ for a variable")));
    }
    let (name, shards, retries) = (&args.name, args.shards, args.retries);
    let at_a_time = args.at_a_time.map_or(String::new(), |most| format!("  parallelism: {most}\n"));
    let codes = PERMANENT.map(|code| format!("'{code}'")).join(", ");
    let shard = format!("{{{{inputs.parameters.shard}}}}/{shards}");
    let container = container(args, &shard, 0).replacen("- name", "  name", 1);
    let container = indented(6, &container.lines().map(|line| &line[2..]).collect::<Vec<_>>().join("\n"));
    let pod = pod(args, 0);
    // Volumes and the like stand at the workflow; restartPolicy and the grace are the template's own affair in Argo.
    let skip = ["restartPolicy:", "terminationGracePeriodSeconds:"];
    let pod = pod.lines().filter(|line| !skip.iter().any(|word| line.starts_with(word)));
    let pod = indented(2, &pod.collect::<Vec<_>>().join("\n"));
    Ok(format!(
        r#"# argo submit -; one step for each shard, not for each image: a workflow has to stay below 1 MB.
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  generateName: {name}-
spec:
  entrypoint: shards
{at_a_time}{pod}  templates:
  - name: shards
    steps:
    - - name: shard
        template: shard
        continueOn:
          failed: true
        arguments:
          parameters:
          - name: shard
            value: "{{{{item}}}}"
        withSequence:
          count: "{shards}"
  - name: shard
    inputs:
      parameters:
      - name: shard
    # Codes of what failed for good are not tried again.
    retryStrategy:
      limit: "{retries}"
      retryPolicy: Always
      expression: "!(lastRetry.exitCode in [{codes}])"
    container:
{container}"#
    ))
}
