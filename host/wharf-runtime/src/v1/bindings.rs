//! The types of `wharf:provider@1.0.0`, generated from `wit/`. Parameters borrow from the model, so a
//! call copies its message and its webhook into the guest once and nowhere else.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "provider",
    ownership: Borrowing { duplicate_if_necessary: true },
    exports: { default: async },
});
