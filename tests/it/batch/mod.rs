//! Many archives as one job.

mod merge;
