//! Packages: what can be read must verify without a panic.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = yard_package::verify(bytes);
    let _ = yard_package::parts_from_bytes(bytes);
});
