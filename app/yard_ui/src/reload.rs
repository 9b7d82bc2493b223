//! In debug builds, changed theme files are taken over while the window is open.
//!
//! Looks at the files of `assets/theme` in the source folder once a second, while frames are drawn. A
//! file that does not parse changes nothing. A release has the files of its build.

use std::{
    path::PathBuf,
    sync::{PoisonError, RwLock},
    time::SystemTime,
};

use egui::{Context, Id};

use crate::tokens::Tokens;

/// Names of the theme files, in the order of [`index`].
const FILES: [&str; 4] = ["light", "dark", "light-contrast", "dark-contrast"];

static LOADED: RwLock<[Option<&'static Tokens>; 4]> = RwLock::new([None; 4]);

/// Place of a theme among the files.
pub(crate) fn index(dark: bool, contrast: bool) -> usize {
    usize::from(dark) + 2 * usize::from(contrast)
}

/// The tokens that were loaded after the start, if there are some.
pub(crate) fn loaded(index: usize) -> Option<&'static Tokens> {
    *LOADED.read().unwrap_or_else(PoisonError::into_inner).get(index)?
}

/// Takes over a theme. The old one stays in memory: widgets may hold it in this frame.
pub(crate) fn take(index: usize, json: &str) -> Result<(), String> {
    let tokens: Tokens = serde_json::from_str(json)
        .map_err(|error| format!("theme file \"{}.json\": {error}", FILES[index % FILES.len()]))?;
    let kept: &'static Tokens = Box::leak(Box::new(tokens));
    if let Some(slot) = LOADED.write().unwrap_or_else(PoisonError::into_inner).get_mut(index) {
        *slot = Some(kept);
    }
    Ok(())
}

#[derive(Clone, Copy, Default)]
struct Seen {
    at: f64,
    changed: [Option<SystemTime>; 4],
}

/// Looks for changed files; true if one was taken over.
pub(crate) fn poll(ctx: &Context) -> bool {
    let key = Id::unique("yard_ui.reload");
    let now = ctx.input(|input| input.time);
    let known: Option<Seen> = ctx.data(|data| data.get_temp(key));
    if known.is_some_and(|seen| (now - seen.at).abs() < 1.0) {
        return false;
    }
    let mut seen = known.unwrap_or_default();
    seen.at = now;
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/theme"));
    let mut any = false;
    for (at, name) in FILES.iter().enumerate() {
        let path = folder.join(format!("{name}.json"));
        let changed = std::fs::metadata(&path).and_then(|file| file.modified()).ok();
        // The first look only remembers: the build has these files already.
        if known.is_some() && changed.is_some() && changed != seen.changed[at] {
            let taken = std::fs::read_to_string(&path).is_ok_and(|json| take(at, &json).is_ok());
            any |= taken;
        }
        seen.changed[at] = changed;
    }
    ctx.data_mut(|data| data.insert_temp(key, seen));
    any
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_broken_file_changes_nothing_and_is_named() {
        let before = loaded(3);
        let error = take(3, "{\"bg\": 7}").unwrap_err();
        assert!(error.starts_with("theme file \"dark-contrast.json\""), "{error}");
        assert_eq!(loaded(3), before);
        let json = include_str!("../../../assets/theme/dark-contrast.json");
        assert_eq!(take(3, json), Ok(()));
        assert_eq!(loaded(3), serde_json::from_str(json).ok().as_ref());
    }
}
