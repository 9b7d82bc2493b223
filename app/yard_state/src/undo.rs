//! Undo as snapshots: one entry per gesture, 100 deep.

/// A stack of snapshots with a way back and forth.
#[derive(Clone, Debug, PartialEq)]
pub struct Undo<T> {
    past: Vec<(String, T)>,
    future: Vec<(String, T)>,
    typing: bool,
}

const DEPTH: usize = 100;

impl<T> Default for Undo<T> {
    fn default() -> Self {
        Self { past: Vec::new(), future: Vec::new(), typing: false }
    }
}

impl<T: Clone + PartialEq> Undo<T> {
    /// Records the state before a gesture, named for the toast. The same state twice is one entry.
    pub fn record(&mut self, name: &str, before: T) {
        if self.past.last().is_some_and(|(_, last)| *last == before) {
            return;
        }
        if self.past.len() == DEPTH {
            self.past.remove(0);
        }
        self.past.push((name.to_owned(), before));
        self.future.clear();
        self.typing = false;
    }

    /// Records the state before a change that may be one letter of many: letters typed into one field
    /// are one gesture, until [`Undo::seal`] ends it.
    pub fn record_typing(&mut self, name: &str, before: T) {
        if self.typing && self.past.last().is_some_and(|(last, _)| last == name) {
            self.future.clear();
            return;
        }
        self.record(name, before);
        self.typing = true;
    }

    /// Ends a gesture: the field was left.
    pub fn seal(&mut self) {
        self.typing = false;
    }

    /// Goes back: returns the name of the gesture undone and the state to restore.
    pub fn undo(&mut self, now: T) -> Option<(String, T)> {
        self.typing = false;
        let (name, before) = self.past.pop()?;
        self.future.push((name.clone(), now));
        Some((name, before))
    }

    /// Goes forth.
    pub fn redo(&mut self, now: T) -> Option<(String, T)> {
        let (name, after) = self.future.pop()?;
        self.past.push((name.clone(), now));
        Some((name, after))
    }

    /// Returns whether there is a way back.
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Returns whether there is a way forth.
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_and_forth() {
        let mut undo = Undo::default();
        undo.record("a", 1);
        undo.record("b", 2);
        assert_eq!(undo.undo(3), Some(("b".to_owned(), 2)));
        assert_eq!(undo.undo(2), Some(("a".to_owned(), 1)));
        assert_eq!(undo.undo(1), None);
        assert_eq!(undo.redo(1), Some(("a".to_owned(), 2)));
        undo.record("c", 7);
        assert!(!undo.can_redo());
    }

    #[test]
    fn letters_of_one_field_are_one_gesture() {
        let mut undo = Undo::default();
        undo.record_typing("unit", "");
        undo.record_typing("unit", "c");
        undo.record_typing("unit", "cu");
        assert_eq!(undo.undo("cus"), Some(("unit".to_owned(), "")));
        undo.record_typing("unit", "");
        undo.seal();
        undo.record_typing("unit", "day");
        assert_eq!(undo.undo("days"), Some(("unit".to_owned(), "day")));
        assert_eq!(undo.undo("day"), Some(("unit".to_owned(), "")));
    }

    #[test]
    fn depth_is_bounded() {
        let mut undo = Undo::default();
        for value in 0..500 {
            undo.record("x", value);
        }
        let mut steps = 0;
        while undo.undo(0).is_some() {
            steps += 1;
        }
        assert_eq!(steps, DEPTH);
    }
}
