//! Gives memory that is free, but kept by the allocator, back to the system.
//!
//! glibc keeps what blocks below 32 MiB took when they are given back, in an area for
//! each thread: after a model is gone that is up to a gigabyte, which another program,
//! or the next model in an area of its own, cannot have.

/// Gives back all whole pages that nothing is in. Where the allocator does so by
/// itself, nothing happens.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: it may be called at any time and by any thread, and touches
        // nothing that is in use.
        #[allow(unsafe_code)]
        let _ = unsafe { libc::malloc_trim(0) };
    }
}
