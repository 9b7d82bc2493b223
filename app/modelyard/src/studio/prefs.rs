//! The user's settings as a file in the user's folder: read at the start, written when they changed. A file
//! that can't be written is no reason to disturb the user.

use yard_engine::Home;
use yard_state::settings::Settings;

const FILE: &str = "settings.json";

/// Reads the settings; a missing or damaged file gives the defaults.
pub(crate) fn load(home: &Home) -> Settings {
    Settings::from_json(&std::fs::read_to_string(home.root().join(FILE)).unwrap_or_default())
}

/// Writes the settings whole or not at all.
pub(crate) fn save(home: &Home, settings: &Settings) {
    if let Ok(text) = serde_json::to_string_pretty(settings) {
        let _ =
            yard_engine::home::make_private(home.root()).map_err(|error| error.to_string()).and_then(|()| {
                let path = home.root().join(FILE);
                yard_engine::home::write_atomic(&path, text.as_bytes(), yard_engine::home::PRIVATE)
                    .map_err(|error| error.to_string())
            });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn settings_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home"));
        assert_eq!(load(&home), Settings::default());
        let own =
            Settings { zoom: 1.4, reduced_motion: true, device: "cpu".to_owned(), ..Settings::default() };
        save(&home, &own);
        assert_eq!(load(&home), own);
        std::fs::write(home.root().join(FILE), b"\xff{").unwrap();
        assert_eq!(load(&home), Settings::default());
    }
}
