//! tests

mod egress;
mod runtime;
