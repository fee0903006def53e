//! How much memory there is for this process.

use std::fs::read_to_string;

/// Returns what the control group allows, in bytes; `None` where nothing is said.
pub(super) fn allowed() -> Option<u64> {
    let own = read_to_string("/proc/self/cgroup").unwrap_or_default();
    let second = own.lines().find_map(|line| line.strip_prefix("0::"));
    let first = own.lines().find_map(|line| line.split_once(":memory:").map(|(_, path)| path));
    let second = second.into_iter().flat_map(and_above).chain(["/"]);
    let second = second.map(|path| format!("/sys/fs/cgroup{path}/memory.max"));
    let first = first.into_iter().flat_map(and_above).chain(["/"]);
    let first = first.map(|path| format!("/sys/fs/cgroup/memory{path}/memory.limit_in_bytes"));
    let limits = second.chain(first).filter_map(|path| read_to_string(path).ok()?.trim().parse::<u64>().ok());
    // The first version says "no limit" with a number beyond all memory.
    limits.filter(|limit| *limit < 1 << 60).min()
}

/// Returns a group and those that it is in: a limit of any of them holds, and Slurm, systemd and Kubernetes set some above a
/// process's own. In a container the root is what can be seen.
fn and_above(group: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(group), |group| group.rsplit_once('/').map(|(above, _)| above))
}

/// Reads a size as in 512M, 2G or 1000000; K, M, G and T are powers of 1024, as in `docker run --memory`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text}: not a size such as 512M or 2G");
    let lower = text.to_ascii_lowercase();
    let lower = lower.strip_suffix("ib").or_else(|| lower.strip_suffix('b')).unwrap_or(&lower);
    let (digits, shift) = match lower.as_bytes().last() {
        Some(b'k') => (&lower[..lower.len() - 1], 10),
        Some(b'm') => (&lower[..lower.len() - 1], 20),
        Some(b'g') => (&lower[..lower.len() - 1], 30),
        Some(b't') => (&lower[..lower.len() - 1], 40),
        _ => (lower, 0),
    };
    let number: u64 =
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten().ok_or_else(wrong)?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_in_all_that_are_above_it() {
        assert_eq!(Vec::from_iter(and_above("/job/step/task")), ["/job/step/task", "/job/step", "/job", ""]);
    }

    #[test]
    fn sizes_are_read_as_docker_reads_them() {
        for (text, want) in
            [("0", 0), ("12b", 12), ("1k", 1024), ("512M", 512 << 20), ("2GiB", 2 << 30), ("1T", 1 << 40)]
        {
            assert_eq!(size(text), Ok(want));
        }
        for text in ["", "M", "-1", "1.5G", "1x", "99999999T"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
