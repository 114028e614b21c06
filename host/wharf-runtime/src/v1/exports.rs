//! Which functions a component has: found by name once, at load, without running anything of it; and
//! whether they have the interface's types, before any is needed.

use wasmtime::Store;
use wasmtime::component::{Component, ComponentExportIndex, Instance};

use super::function::{Function, Signature};
use super::{
    health, inbound, manifest, media, onboarding, outbound, profile, reconcile, templates,
};
use crate::call::CallState;
use crate::error::LoadReason;
use crate::interface::Interface;

/// Where the functions stand in a component. An optional interface is there with all its functions or
/// not at all.
pub(crate) struct Exports {
    pub(super) describe: Function<manifest::Describe>,
    pub(super) parse: Function<inbound::Parse>,
    pub(super) outbound: outbound::Functions,
    pub(super) media: Option<media::Functions>,
    pub(super) templates: Option<templates::Functions>,
    pub(super) health: Option<health::Functions>,
    pub(super) profile: Option<profile::Functions>,
    pub(super) reconcile: Option<reconcile::Functions>,
    pub(super) onboarding: Option<onboarding::Functions>,
}

impl Exports {
    pub(crate) fn find(component: &Component) -> Result<Self, LoadReason> {
        let required = |interface| {
            InterfaceIndex::find(component, interface)
                .ok_or(LoadReason::MissingExport { export: interface })
        };
        Ok(Self {
            describe: Function::find(&required(manifest::NAME)?)?,
            parse: Function::find(&required(inbound::NAME)?)?,
            outbound: Pair::of(&required(outbound::NAME)?)?,
            media: optional(component, media::NAME, Pair::of)?,
            templates: optional(component, templates::NAME, Pair::of)?,
            health: optional(component, health::NAME, Pair::of)?,
            profile: optional(component, profile::NAME, Pair::of)?,
            reconcile: optional(component, reconcile::NAME, reconcile::Functions::of)?,
            onboarding: optional(component, onboarding::NAME, onboarding::Functions::of)?,
        })
    }

    /// The optional interfaces that are there.
    pub(crate) fn interfaces(&self) -> Vec<Interface> {
        let has = |interface: &Interface| match interface {
            Interface::Media => self.media.is_some(),
            Interface::Onboarding => self.onboarding.is_some(),
            Interface::Templates => self.templates.is_some(),
            Interface::Health => self.health.is_some(),
            Interface::Reconcile => self.reconcile.is_some(),
            Interface::Profile => self.profile.is_some(),
        };
        Interface::ALL.into_iter().filter(has).collect()
    }

    /// `Err` names the first function whose type is another than the interface's.
    pub(super) fn check(&self, types: &mut TypeCheck<'_>) -> Result<(), LoadReason> {
        types.check(&self.describe)?;
        types.check(&self.parse)?;
        self.outbound.check(types)?;
        check_optional(self.media.as_ref(), types, Pair::check)?;
        check_optional(self.templates.as_ref(), types, Pair::check)?;
        check_optional(self.health.as_ref(), types, Pair::check)?;
        check_optional(self.profile.as_ref(), types, Pair::check)?;
        check_optional(self.reconcile.as_ref(), types, reconcile::check)?;
        check_optional(self.onboarding.as_ref(), types, onboarding::check)
    }
}

fn optional<T>(
    component: &Component,
    interface: &'static str,
    of: impl FnOnce(&InterfaceIndex<'_>) -> Result<T, LoadReason>,
) -> Result<Option<T>, LoadReason> {
    InterfaceIndex::find(component, interface)
        .map(|index| of(&index))
        .transpose()
}

fn check_optional<T>(
    functions: Option<&T>,
    types: &mut TypeCheck<'_>,
    check: impl FnOnce(&T, &mut TypeCheck<'_>) -> Result<(), LoadReason>,
) -> Result<(), LoadReason> {
    functions.map_or(Ok(()), |functions| check(functions, types))
}

/// An interface that a component exports.
pub(super) struct InterfaceIndex<'a> {
    component: &'a Component,
    pub(super) name: &'static str,
    index: ComponentExportIndex,
}

impl<'a> InterfaceIndex<'a> {
    fn find(component: &'a Component, name: &'static str) -> Option<Self> {
        let index = component.get_export_index(None, name)?;
        Some(Self {
            component,
            name,
            index,
        })
    }

    pub(super) fn function(&self, name: &'static str) -> Option<ComponentExportIndex> {
        self.component.get_export_index(Some(&self.index), name)
    }
}

/// `start` and `resume`, which most interfaces consist of.
pub(crate) struct Pair<S, R> {
    pub(super) start: Function<S>,
    pub(super) resume: Function<R>,
}

impl<S: Signature, R: Signature> Pair<S, R> {
    fn of(interface: &InterfaceIndex<'_>) -> Result<Self, LoadReason> {
        Ok(Self {
            start: Function::find(interface)?,
            resume: Function::find(interface)?,
        })
    }

    fn check(&self, types: &mut TypeCheck<'_>) -> Result<(), LoadReason> {
        types.check(&self.start)?;
        types.check(&self.resume)
    }
}

/// An instance whose functions are compared with the types they are called by.
pub(super) struct TypeCheck<'a> {
    pub(super) instance: &'a Instance,
    pub(super) store: &'a mut Store<CallState>,
}

impl TypeCheck<'_> {
    pub(super) fn check<S: Signature>(&mut self, function: &Function<S>) -> Result<(), LoadReason> {
        function.check(self.store, self.instance)
    }
}
