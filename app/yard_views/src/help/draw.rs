//! Draws the markdown of a help page by the kit, and reads of it what the search and the tests need.

/// Draws blocks of at most 680 points; the target of a clicked link is put into `link`.
pub(super) fn blocks(ui: &mut egui::Ui, source: &str, link: &mut Option<String>) {
    let width = ui.available_width().min(680.0);
    ui.scope(|ui| {
        ui.set_max_width(width);
        yard_ui::markdown::show(ui, source, |target| *link = Some(target.to_owned()));
    });
}

/// Targets of the links `[word](page#section)` in a text.
#[cfg(test)]
pub(super) fn links(source: &str) -> Vec<String> {
    let ends = source.match_indices("](").map(|(at, _)| &source[at + 2..]);
    ends.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()).collect()
}

/// The text without marks: links by their words, no stars, no backticks.
pub(super) fn plain(source: &str) -> String {
    let mut out = String::new();
    let mut rest = source;
    while let Some(at) = rest.find("](") {
        let (before, after) = rest.split_at(at);
        out.push_str(&before.replacen('[', "", 1));
        rest = after.split_once(')').map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    out.replace("**", "").replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_links() {
        let source = "see **both** `a` and [PSI](terms#PSI) or [Data](data).";
        assert_eq!(plain(source), "see both a and PSI or Data.");
        assert_eq!(links(source), ["terms#PSI", "data"]);
    }
}
