//! Reports as pure functions: Pareto, attainment, payout, load.
