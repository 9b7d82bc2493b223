//! What the views ask for. Views never act: they push an [`Action`], the binary carries it out.

use crate::{command::UiCommand, route::Place};
use std::path::PathBuf;

/// A file that the user shall pick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// A project to open.
    Project,
    /// A data file to import.
    Data,
    /// A data file to retrain on.
    RetrainData,
    /// A file of labels.
    Labels,
    /// A file to evaluate on.
    EvaluateData,
    /// Where to write the package.
    PackageOut,
}

/// A request of a view.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Send a command to the engine.
    Engine(Box<yard_types::command::Command>),
    /// Run a command of the window.
    Ui(UiCommand),
    /// Go to a place.
    Go(Place),
    /// Show a native file dialog.
    Pick(Pick),
    /// Open a project file.
    OpenProject(PathBuf),
    /// Make a project from a data file (beside it) and open it.
    ImportData(PathBuf),
    /// Make a project of a bundled sample and open it.
    OpenSample(String),
    /// Put text on the clipboard.
    Copy(String),
    /// Show a folder in the system's file manager.
    OpenFolder(PathBuf),
    /// Open another window, with a project if one is named.
    NewWindow(Option<PathBuf>),
    /// Save a file that was made in the window, where the user says.
    Save {
        /// Suggested name.
        name: String,
        /// Content.
        bytes: Vec<u8>,
    },
    /// Delete the crash report that was offered.
    DiscardCrash,
}
