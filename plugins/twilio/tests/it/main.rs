//! The plugin seen from the host: plain values in, plain values out.

mod golden;
