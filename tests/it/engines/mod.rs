//! Other people's engines take what transload writes and find the same image in it.

mod chromium;
mod diff;
mod identity;
mod judges;
mod legacy;
mod loadability;
mod loads;
mod several;
mod slurm;
mod story;
