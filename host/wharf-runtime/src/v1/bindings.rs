//! The types of `wharf:provider@1.0.0`, generated from `wit/`. Parameters borrow from the model, so a
//! call copies its message and its webhook into the guest once and nowhere else.
//!
//! The world names everything; which of it a component has is found by name (`exports`), and none of
//! the optional interfaces is required.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "provider-full",
    ownership: Borrowing { duplicate_if_necessary: true },
    exports: { default: async },
});
