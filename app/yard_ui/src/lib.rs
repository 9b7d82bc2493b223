//! Design kit: tokens, fonts, icons, widgets, table, plots, palette; knows egui, knows no ML.

pub mod button;
pub mod field;
pub mod fmt;
pub mod fonts;
pub mod icon;
pub mod marks;
pub mod overlay;
pub mod paint;
pub mod show;
pub mod space;
pub mod status;
pub mod table;
pub mod text;
pub mod theme;
pub mod tokens;

pub use button::{Button, IconButton, key_cap};
pub use field::{
    Form, NumberField, PathField, Segmented, Select, Slider, TextField, checkbox, form_row, radio,
    select_value,
};
pub use fonts::Type;
pub use icon::{Icon, icon, icon_with};
pub use overlay::{Answer, Dialog, Entry, Palette, Toast, ToastEvent, Toasts};
pub use show::{
    Better, Empty, Figure, code_with_copy, divider, figures, key_text, key_value, key_values, progress,
    section, section_with,
};
pub use status::{Chip, Status, legend, status_line, status_word};
pub use table::{Cell, Column, Sort, Table, TableResponse};
pub use theme::{Theme, apply};
pub use tokens::{Tokens, tokens, tokens_ctx};
