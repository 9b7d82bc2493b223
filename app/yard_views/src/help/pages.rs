//! The pages of help as data: read once from the markdown files, found by name, by words, or by the
//! label of what has the focus.

use std::sync::LazyLock;

/// A section of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// Name of the page.
    pub(crate) page: &'static str,
    /// Title of the page.
    pub(crate) page_title: String,
    /// Title.
    pub(crate) title: String,
    /// Markdown below the title.
    pub(crate) body: String,
}

impl Section {
    /// Address as `page#title`.
    pub(crate) fn address(&self) -> String {
        format!("{}#{}", self.page, self.title)
    }

    /// First line of the text.
    pub(crate) fn first_line(&self) -> String {
        let line = self.body.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        super::draw::plain(line)
    }
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// Name: that of its file.
    pub(crate) name: &'static str,
    /// Title.
    pub(crate) title: String,
    /// Markdown before the first section.
    pub(crate) intro: String,
    /// Sections.
    pub(crate) sections: Vec<Section>,
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../../assets/help/", $name, ".md")))),*]
    };
}

const FILES: [(&str, &str); 15] = files![
    "tour",
    "start",
    "frame",
    "data",
    "train",
    "evaluate",
    "package",
    "deploy",
    "monitor",
    "registry",
    "settings",
    "metrics",
    "terms",
    "shortcuts",
    "command-line",
];

static PAGES: LazyLock<Vec<Page>> =
    LazyLock::new(|| FILES.iter().map(|(name, text)| read(name, text)).collect());

/// All pages in the order of the contents.
pub(crate) fn pages() -> &'static [Page] {
    &PAGES
}

/// All sections of all pages.
pub(crate) fn sections() -> impl Iterator<Item = &'static Section> {
    pages().iter().flat_map(|page| &page.sections)
}

fn read(name: &'static str, text: &str) -> Page {
    let mut page = Page { name, title: name.to_owned(), intro: String::new(), sections: Vec::new() };
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("# ") {
            title.trim().clone_into(&mut page.title);
        } else if let Some(title) = line.strip_prefix("## ") {
            let (page_title, title) = (page.title.clone(), title.trim().to_owned());
            page.sections.push(Section { page: name, page_title, title, body: String::new() });
        } else {
            let body = page.sections.last_mut().map_or(&mut page.intro, |own| &mut own.body);
            body.push_str(line);
            body.push('\n');
        }
    }
    page
}

/// Finds a page, and the index of its section, by an address `page#section`; the first page when there
/// is none of that name.
pub(crate) fn find(address: &str) -> (&'static Page, Option<usize>) {
    let (name, section) = address.split_once('#').unwrap_or((address, ""));
    let page = pages().iter().find(|page| page.name == name).unwrap_or(&pages()[0]);
    // A link in a page has hyphens where a title has spaces.
    let same =
        |title: &str| title.to_lowercase().replace(' ', "-") == section.to_lowercase().replace(' ', "-");
    let at = page.sections.iter().position(|own| same(&own.title));
    (page, at)
}

/// Sections that hold all words of a query, those with more of them in their title first.
pub(crate) fn search(query: &str) -> Vec<&'static Section> {
    let words: Vec<String> = query.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let rank = |own: &Section| {
        let title = format!("{} {}", own.page_title, own.title).to_lowercase();
        let body = own.body.to_lowercase();
        let all = words.iter().all(|word| title.contains(word) || body.contains(word));
        let titled = words.iter().filter(|word| title.contains(*word)).count();
        (all && !words.is_empty()).then_some(titled)
    };
    let mut hits: Vec<(usize, &Section)> = sections().filter_map(|own| Some((rank(own)?, own))).collect();
    hits.sort_by_key(|(titled, _)| std::cmp::Reverse(*titled));
    hits.into_iter().map(|(_, own)| own).collect()
}

/// The section about a thing on screen, by its label: the longest title of metrics and terms that the
/// label holds as whole words.
pub(crate) fn topic(label: &str) -> Option<&'static Section> {
    let label = label.to_lowercase();
    let held = |own: &&Section| {
        let title = own.title.to_lowercase();
        label.match_indices(&title).any(|(at, found)| {
            let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            edge(label[..at].chars().next_back()) && edge(label[at + found.len()..].chars().next())
        })
    };
    sections()
        .filter(|own| matches!(own.page, "metrics" | "terms"))
        .filter(held)
        .max_by_key(|own| own.title.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use yard_state::{command::UiCommand, route::Place};
    use yard_types::metric::all_metrics;

    #[test]
    fn every_place_has_a_page_of_sections() {
        for place in Place::EVERY.into_iter().filter(|place| *place != Place::Help) {
            let (page, _) = find(&place.label().to_lowercase());
            assert_eq!(page.name, place.label().to_lowercase());
            assert!(page.sections.len() >= 2, "{}", page.name);
        }
    }

    #[test]
    fn every_metric_has_a_section_with_a_source() {
        for info in all_metrics() {
            let own = sections().find(|own| own.page == "metrics" && own.title == info.label);
            let own = own.unwrap_or_else(|| panic!("no section for {}", info.label));
            assert!(own.body.contains("Source:"), "{} names no source", info.label);
            assert_eq!(topic(info.label), Some(own));
        }
    }

    #[test]
    fn every_link_leads_somewhere() {
        for page in pages() {
            let bodies = page.sections.iter().map(|own| &own.body).chain([&page.intro]);
            for target in bodies.flat_map(|body| super::super::draw::links(body)) {
                let (found, at) = find(&target);
                let (name, section) = target.split_once('#').unwrap_or((&target, ""));
                assert_eq!(found.name, name, "{target} on {}", page.name);
                assert!(section.is_empty() || at.is_some(), "{target} on {}", page.name);
            }
        }
    }

    #[test]
    fn search_needs_all_words_and_prefers_titles() {
        assert_eq!(search("brier").first().unwrap().title, "Brier score");
        assert!(search("").is_empty() && search("brier zzzz").is_empty());
        assert!(search("population stability").iter().any(|own| own.title == "PSI"));
    }

    #[test]
    fn topics_are_whole_words() {
        assert_eq!(topic("Floor of ROC AUC, at least").unwrap().title, "ROC AUC");
        assert_eq!(topic("F1, higher is better").unwrap().title, "F1");
        assert!(topic("F12").is_none());
    }

    #[test]
    fn shortcuts_named_in_the_pages_exist() {
        let known: Vec<String> =
            UiCommand::all().into_iter().filter_map(UiCommand::shortcut).map(|own| own.text()).collect();
        for own in sections() {
            for word in own.body.split(|c: char| c.is_whitespace() || "(),;`".contains(c)) {
                let word = word.trim_end_matches('.');
                if word.starts_with("Ctrl+")
                    && word.len() > 5
                    && !word.ends_with("plus")
                    && !word.ends_with("minus")
                {
                    assert!(known.iter().any(|key| key == word), "{word} in {}", own.address());
                }
            }
        }
    }
}
