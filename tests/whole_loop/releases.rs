//! The same model for any number of threads, and from debug and release builds.

use crate::shapes::{new_churn, sha};
use yard_tests::place::{Place, finish};

#[test]
fn hashes_do_not_depend_on_threads_or_build() {
    let place = Place::new();
    new_churn(&place, "churn.modelyard");
    for family in ["boosting --param trees=60", "linear"] {
        let train = format!("train churn.modelyard --family {family} --seed 7 --json");
        let one = place.run(&format!("{train} --threads 1")).exits(0).json();
        let two = place.run(&format!("{train} --threads 2")).exits(0).json();
        assert_eq!(sha(&one["model_sha256"]), sha(&two["model_sha256"]), "{family}");
        assert_eq!(one["metrics"], two["metrics"], "{family}: figures too");
        // MODELYARD_RELEASE_BIN names the program of a release build.
        let Some(release) = std::env::var_os("MODELYARD_RELEASE_BIN") else { continue };
        let mut command = std::process::Command::new(release);
        command
            .args(train.split_whitespace())
            .current_dir(place.path(""))
            .env("MODELYARD_HOME", place.home());
        let released = finish(command).exits(0).json();
        assert_eq!(sha(&one["model_sha256"]), sha(&released["model_sha256"]), "{family}: debug and release");
        assert_eq!(one["metrics"], released["metrics"], "{family}: figures too");
    }
}
