//! `topics/*.yaml` against the cluster.
