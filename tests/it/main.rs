//! tests

mod egress;
