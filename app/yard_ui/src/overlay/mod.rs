//! What lies over the view: toasts, dialogs, the command palette, menus. They alone have a shadow.

mod dialog;
mod fuzzy;
mod menu;
mod palette;
mod toast;

pub use dialog::{Answer, Dialog, dialog_with};
pub use fuzzy::{Match, fuzzy};
pub use menu::{menu, menu_item};
pub use palette::{Entry, Palette};
pub use toast::{Toast, ToastEvent, Toasts};
