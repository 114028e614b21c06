//! A function of the interface: where it stands in a component, and the types it is called with. They are
//! compared once for each component, not with each call: comparing takes longer than a small call does.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};

use wasmtime::Store;
use wasmtime::component::{
    ComponentExportIndex, ComponentNamedList, Instance, Lift, Lower, TypedFunc,
};

use super::exports::InterfaceIndex;
use crate::call::CallState;
use crate::error::LoadReason;

/// What a function is called and what it is called with.
pub(crate) trait Signature {
    const NAME: &'static str;
    type Params<'a>: ComponentNamedList + Lower + Send + Sync;
    type Answer: Lift + Send + Sync + 'static;
}

/// `signature!(Start, "start", <'a>(Context<'a>,) -> Answer)`
macro_rules! signature {
    ($signature:ident, $name:literal, <$life:lifetime>($($param:ty),* $(,)?) -> $answer:ty) => {
        pub(crate) struct $signature;

        impl $crate::v1::function::Signature for $signature {
            const NAME: &'static str = $name;
            type Params<$life> = ($($param,)*);
            type Answer = $answer;
        }
    };
}
pub(super) use signature;

/// A function that a component exports.
pub(crate) struct Function<S> {
    interface: &'static str,
    index: ComponentExportIndex,
    /// True once this component's function was found to have the types of `S`.
    is_checked: AtomicBool,
    signature: PhantomData<fn() -> S>,
}

impl<S: Signature> Function<S> {
    pub(super) fn find(interface: &InterfaceIndex<'_>) -> Result<Self, LoadReason> {
        let missing = || LoadReason::MissingFunction {
            interface: interface.name,
            function: S::NAME,
        };
        Ok(Self {
            interface: interface.name,
            index: interface.function(S::NAME).ok_or_else(missing)?,
            is_checked: AtomicBool::new(false),
            signature: PhantomData,
        })
    }

    /// Whether the component has it with the interface's types.
    pub(super) fn check(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
    ) -> Result<(), LoadReason> {
        self.typed(store, instance)
            .map(|_| ())
            .map_err(|source| LoadReason::WrongType {
                interface: self.interface,
                function: S::NAME,
                source,
            })
    }

    /// The function of an instance of the component that it was found in.
    #[expect(
        unsafe_code,
        reason = "wasmtime compares the types with each call, which doubles the cost of a small one"
    )]
    pub(crate) fn typed<'p>(
        &self,
        store: &mut Store<CallState>,
        instance: &Instance,
    ) -> wasmtime::Result<TypedFunc<S::Params<'p>, (S::Answer,)>> {
        if !self.is_checked.load(Ordering::Acquire) {
            let typed = instance.get_typed_func(store, self.index)?;
            self.is_checked.store(true, Ordering::Release);
            return Ok(typed);
        }
        let function = instance
            .get_func(store, self.index)
            .ok_or_else(|| wasmtime::Error::msg("the instance is of another component"))?;
        // SAFETY: what must hold is that the function has these types. The safe way found that it does, for
        // this index and these types: they are the type's own, and lifetimes make no difference to it. An
        // index is good for one component only (wasmtime refuses it for another), and all instances of a
        // component have the same functions.
        Ok(unsafe { TypedFunc::new_unchecked(function) })
    }
}
