//! The model server: library and the stand-alone binary yard-serve.
