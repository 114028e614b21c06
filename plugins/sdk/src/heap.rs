//! The heap of a component. It begins with what the linker left free in the memory that an instance starts
//! with, and asks for more only after that: growing takes the host two system calls, and most calls of a
//! plugin need a few kilobytes.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

use dlmalloc::{Allocator, Dlmalloc};

const PAGE_BYTES: usize = 64 * 1024;

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(Dlmalloc::new_with_allocator(Pages {
    is_begun: AtomicBool::new(false),
})));

unsafe extern "C" {
    /// The linker's: where stack and data end.
    static __heap_base: u8;
}

struct Heap(UnsafeCell<Dlmalloc<Pages>>);

// SAFETY: a component has one thread.
unsafe impl Sync for Heap {}

// SAFETY: all of it is dlmalloc's, which gives out what `GlobalAlloc` asks for. Nothing enters it a second
// time while it works, since there is one thread and `Pages` allocates nothing.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { (*self.0.get()).malloc(layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        unsafe { (*self.0.get()).calloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { (*self.0.get()).free(memory, layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        unsafe { (*self.0.get()).realloc(memory, layout.size(), layout.align(), size) }
    }
}

/// Where dlmalloc gets its memory from, whose requests are multiples of a page.
struct Pages {
    is_begun: AtomicBool,
}

impl Pages {
    /// What the first memory has left behind stack and data; nothing the second time.
    fn first(&self) -> Option<(*mut u8, usize)> {
        if self.is_begun.swap(true, Ordering::Relaxed) {
            return None;
        }
        let base = (&raw const __heap_base).cast_mut();
        let free = (wasm32::memory_size(0) * PAGE_BYTES).checked_sub(base.addr())?;
        Some((base, free))
    }

    /// New pages at the end; they join what was the end before.
    fn grow(bytes: usize) -> Option<(*mut u8, usize)> {
        let pages = bytes.div_ceil(PAGE_BYTES);
        let before = wasm32::memory_grow(0, pages);
        // A plugin's limit is far below the end of the address space, so no pointer wraps.
        (before != usize::MAX).then(|| {
            let base = core::ptr::with_exposed_provenance_mut(before * PAGE_BYTES);
            (base, pages * PAGE_BYTES)
        })
    }
}

// SAFETY: what it gives out is memory that nobody else has: the linker puts nothing behind `__heap_base`, it is
// given out once, and pages that memory grew by are new.
unsafe impl Allocator for Pages {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        let (base, free) = self.first().unwrap_or((core::ptr::null_mut(), 0));
        if free >= size {
            return (base, free, 0);
        }
        match Self::grow(size - free) {
            None => (core::ptr::null_mut(), 0, 0),
            Some((_, grown)) if free > 0 => (base, free + grown, 0),
            Some((grown_base, grown)) => (grown_base, grown, 0),
        }
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        core::ptr::null_mut()
    }

    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }

    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }

    fn can_release_part(&self, _: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        PAGE_BYTES
    }
}
