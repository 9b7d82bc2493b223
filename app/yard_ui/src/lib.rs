//! Design kit: tokens, fonts, icons, widgets, table, plots, palette; knows egui, knows no ML.
