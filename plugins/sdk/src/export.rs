//! Exporting a plugin: exactly the interfaces it names, and nothing on native targets.

/// Sections that tell the component's encoder what a module exports. Written by `build.rs`.
#[doc(hidden)]
pub mod sections {
    macro_rules! section {
        ($name:ident, $file:literal) => {
            pub const $name: [u8; include_bytes!(concat!(
                env!("OUT_DIR"),
                "/",
                $file,
                ".section"
            ))
            .len()] = *include_bytes!(concat!(env!("OUT_DIR"), "/", $file, ".section"));
        };
    }
    section!(PROVIDER, "provider");
    section!(MEDIA, "media");
    section!(ONBOARDING, "onboarding");
    section!(TEMPLATES, "templates");
    section!(HEALTH, "health");
    section!(RECONCILE, "reconcile");
    section!(PROFILE, "profile");
}

/// Export a [`Provider`](crate::Provider) from this component, with the optional interfaces it implements:
///
/// ```ignore
/// wharf_plugin::export_provider!(Acme);
/// wharf_plugin::export_provider!(Acme, media, templates);
/// ```
///
/// The names are `media`, `onboarding`, `templates`, `health`, `reconcile` and `profile`. An interface that
/// is not named is not exported, and the host offers nothing of it. Natively only the types are checked, so
/// that a plugin's tests need no wasm toolchain.
#[macro_export]
macro_rules! export_provider {
    ($provider:ty $(, $interface:ident)* $(,)?) => {
        $crate::__export_interface!($provider, provider);
        $($crate::__export_interface!($provider, $interface);)*
    };
}

/// One interface of [`export_provider!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __export_interface {
    ($provider:ty, provider) => {
        const _: fn() = $crate::implements::provider::<$provider>;
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Component = $crate::Adapter<$provider>;
            $crate::bindings::exports::wharf::provider::manifest::__export_wharf_provider_manifest_1_0_0_cabi!(
                Component with_types_in $crate::bindings::exports::wharf::provider::manifest);
            $crate::bindings::exports::wharf::provider::outbound::__export_wharf_provider_outbound_1_0_0_cabi!(
                Component with_types_in $crate::bindings::exports::wharf::provider::outbound);
            $crate::bindings::exports::wharf::provider::inbound::__export_wharf_provider_inbound_1_0_0_cabi!(
                Component with_types_in $crate::bindings::exports::wharf::provider::inbound);
        };
        $crate::__export_section!(__wharf_provider, PROVIDER, "provider");
    };
    ($provider:ty, media) => {
        const _: fn() = $crate::implements::media::<$provider>;
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Component = $crate::Adapter<$provider>;
            $crate::bindings::exports::wharf::provider::media::__export_wharf_provider_media_1_0_0_cabi!(
                Component with_types_in $crate::bindings::exports::wharf::provider::media);
        };
        $crate::__export_section!(__wharf_media, MEDIA, "media");
    };
    ($provider:ty, onboarding) => {
        const _: fn() = $crate::implements::onboarding::<$provider>;
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Component = $crate::Adapter<$provider>;
            $crate::bindings::exports::wharf::provider::onboarding::__export_wharf_provider_onboarding_1_0_0_cabi!(
                Component with_types_in $crate::bindings::exports::wharf::provider::onboarding);
        };
        $crate::__export_section!(__wharf_onboarding, ONBOARDING, "onboarding");
    };
    ($provider:ty, templates) => {
        const _: fn() = $crate::implements::templates::<$provider>;
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Component = $crate::Adapter<$provider>;
            $crate::bindings::exports::wharf::provider::templates::__export_wharf_provider_templates_1_0_0_cabi!(
                Component with_types_in $crate::bindings::exports::wharf::provider::templates);
        };
        $crate::__export_section!(__wharf_templates, TEMPLATES, "templates");
    };
    ($provider:ty, health) => {
        const _: fn() = $crate::implements::health::<$provider>;
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Component = $crate::Adapter<$provider>;
            $crate::bindings::exports::wharf::provider::health::__export_wharf_provider_health_1_0_0_cabi!(
                Component with_types_in $crate::bindings::exports::wharf::provider::health);
        };
        $crate::__export_section!(__wharf_health, HEALTH, "health");
    };
    ($provider:ty, reconcile) => {
        const _: fn() = $crate::implements::reconcile::<$provider>;
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Component = $crate::Adapter<$provider>;
            $crate::bindings::exports::wharf::provider::reconcile::__export_wharf_provider_reconcile_1_0_0_cabi!(
                Component with_types_in $crate::bindings::exports::wharf::provider::reconcile);
        };
        $crate::__export_section!(__wharf_reconcile, RECONCILE, "reconcile");
    };
    ($provider:ty, profile) => {
        const _: fn() = $crate::implements::profile::<$provider>;
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Component = $crate::Adapter<$provider>;
            $crate::bindings::exports::wharf::provider::profile::__export_wharf_provider_profile_1_0_0_cabi!(
                Component with_types_in $crate::bindings::exports::wharf::provider::profile);
        };
        $crate::__export_section!(__wharf_profile, PROFILE, "profile");
    };
    ($provider:ty, $unknown:ident) => {
        compile_error!(concat!(
            "there is no optional interface `", stringify!($unknown),
            "`; there are media, onboarding, templates, health, reconcile and profile"
        ));
    };
}

/// The section of one interface. A public static in a module of the plugin, as nothing else keeps it until the
/// linker has made a section of it: `#[used]` would leave a copy in the memory that each call starts with.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_section {
    ($module:ident, $section:ident, $name:literal) => {
        #[cfg(target_arch = "wasm32")]
        #[doc(hidden)]
        pub mod $module {
            // The name must begin so for the encoder to find it; the rest keeps the linker from joining two.
            #[unsafe(link_section = concat!("component-type:wharf-plugin:", $name))]
            pub static SECTION: [u8; $crate::sections::$section.len()] = $crate::sections::$section;
        }
    };
}
