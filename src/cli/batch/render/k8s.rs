//! A Kubernetes Indexed Job.

use transload::Error;

use super::RenderArgs;
use super::quote::{kubernetes, yaml};
use crate::cli::exit::PERMANENT;
use crate::cli::source::usage;

/// More completions than this are validated more strictly (pkg/apis/batch/validation).
const MOST: u32 = 100_000;

pub(super) fn render(args: &RenderArgs) -> Result<String, Error> {
    let shards = args.shards;
    if shards.get() > MOST {
        return Err(usage(&format!("{shards} shards: a Job takes {MOST} at most")));
    }
    let at_a_time = args.at_a_time.map_or(shards, |most| most.min(shards));
    let (name, retries) = (&args.name, args.retries);
    let codes = PERMANENT.map(|code| code.to_string()).join(", ");
    let container = container(args, "auto", 6);
    let pod = pod(args, 6);
    Ok(format!(
        r#"# kubectl create -f -; Kubernetes 1.29 or newer.
apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
spec:
  completionMode: Indexed
  completions: {shards}
  parallelism: {at_a_time}
  # Every shard is run, whatever becomes of the others.
  backoffLimitPerIndex: {retries}
  maxFailedIndexes: {shards}
  podReplacementPolicy: Failed
  podFailurePolicy:
    rules:
    # Drained or preempted: costs no retry.
    - action: Ignore
      onPodConditions:
      - type: DisruptionTarget
        status: "True"
    # Final. All other codes are retried: 75, and what an OOM kill or a lost node leaves behind.
    - action: FailIndex
      onExitCodes:
        containerName: transload
        operator: In
        values: [{codes}]
  template:
    metadata:
      labels:
        app.kubernetes.io/name: transload
    spec:
{pod}      containers:
{container}"#
    ))
}

/// What pods are made of, beside the container.
pub(super) fn pod(args: &RenderArgs, indent: usize) -> String {
    let claim = &args.claim;
    indented(
        indent,
        &format!(
            r"restartPolicy: Never
terminationGracePeriodSeconds: 60
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
volumes:
- name: data
  persistentVolumeClaim:
    claimName: {claim}
- name: tmp
  emptyDir: {{}}
"
        ),
    )
}

/// The container, as an element of a list.
pub(super) fn container(args: &RenderArgs, shard: &str, indent: usize) -> String {
    let image = yaml(args.container_image.as_deref().unwrap_or_default());
    let given = args.batch.iter().map(|word| kubernetes(word));
    let words: Vec<String> = args.own(shard).iter().map(|word| kubernetes(word)).chain(given).collect();
    let lines: String = words.iter().map(|word| format!("  - {}\n", yaml(word))).collect();
    let (shards, cpus, mem) = (args.shards, args.cpus, args.mem);
    indented(
        indent,
        &format!(
            r#"- name: transload
  image: {image}
  workingDir: /data
  args:
{lines}  env:
  - name: TRANSLOAD_SHARDS
    value: "{shards}"
  resources:
    requests:
      cpu: "{cpus}"
      memory: {mem}Mi
    limits:
      memory: {mem}Mi
  securityContext:
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities:
      drop: [ALL]
  volumeMounts:
  - name: data
    mountPath: /data
  - name: tmp
    mountPath: /tmp
"#
        ),
    )
}

pub(super) fn indented(by: usize, text: &str) -> String {
    text.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect()
}
