//! Data files that a user may well have and that must end in a stated error or a stated repair, made
//! here. Base: 120 rows of `x` (number), `age` (integer), `color` (3 words) and `target` (yes, no).

use yard_types::rng::Rng;

/// What a product says of a bad file when it is imported with its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An error whose message holds these words.
    Refused(&'static [&'static str]),
    /// An import with a finding of this code whose message holds these words; rows and columns of it.
    Stated(&'static str, &'static [&'static str], (u64, usize)),
}

/// A bad file.
#[derive(Clone, Debug)]
pub struct BadFile {
    /// File name.
    pub name: &'static str,
    /// Content.
    pub bytes: Vec<u8>,
    /// Outcome of an import with the target "target".
    pub outcome: Outcome,
}

/// What becomes of a line.
type Change = fn(&str) -> String;

const HEADER: &str = "x,age,color,target";

/// Lines of the base table, without the header.
fn lines() -> Vec<String> {
    let mut rng = Rng::new(1, 8);
    let line = |_| {
        let (x, age) = (rng.uniform() * 4.0 - 2.0, 18 + rng.below(60));
        let color = ["red", "blue", "green"][rng.below(3) as usize];
        let yes = x + rng.uniform() > 0.5;
        format!("{x:.3},{age},{color},{}", if yes { "yes" } else { "no" })
    };
    (0..120).map(line).collect()
}

fn table(header: &str, lines: &[String]) -> String {
    let all: Vec<&str> = std::iter::once(header).chain(lines.iter().map(String::as_str)).collect();
    all.join("\n") + "\n"
}

/// The base table with some lines changed: (row from 0, what becomes of its text).
fn changed(changes: &[(usize, Change)]) -> String {
    let mut lines = lines();
    for (row, change) in changes {
        lines[*row] = change(&lines[*row]);
    }
    table(HEADER, &lines)
}

fn with_cell(line: &str, at: usize, cell: &str) -> String {
    let mut cells: Vec<&str> = line.split(',').collect();
    cells[at] = cell;
    cells.join(",")
}

fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| c as u32 as u8).collect()
}

fn wide() -> String {
    let header: Vec<String> = (0..3_000).map(|at| format!("c{at}")).collect();
    let mut rng = Rng::new(2, 8);
    let mut line = |row: u32| {
        let cells: Vec<String> = (0..3_000).map(|_| rng.below(10).to_string()).collect();
        format!("{},{}", cells.join(","), if row.is_multiple_of(2) { "a" } else { "b" })
    };
    let lines: Vec<String> = (0..20).map(&mut line).collect();
    table(&format!("{},target", header.join(",")), &lines)
}

/// Returns the files that are read as CSV.
pub fn bad_files() -> Vec<BadFile> {
    let file = |name, bytes: Vec<u8>, outcome| BadFile { name, bytes, outcome };
    let mut files = unusable();
    let empty_column: Vec<String> = lines().iter().map(|line| format!("{line},")).collect();
    let eight: Change = |line| format!("{line},surplus");
    let ten: Change = |_| "0.5,30".to_owned();
    let nul: Change = |line| with_cell(line, 2, "re\0d");
    let accent: Change = |line| with_cell(line, 2, "ros\u{e9}");
    let infinite = [("Inf"), ("nan"), ("1e999")];
    let inf: Vec<String> = lines()
        .iter()
        .enumerate()
        .map(|(row, line)| infinite.get(row).map_or(line.clone(), |cell| with_cell(line, 0, cell)))
        .collect();
    let open: Change = |line| with_cell(line, 2, "\"red");
    let rare: Change = |line| with_cell(line, 3, "maybe");
    files.extend([
        file(
            "ragged.csv",
            changed(&[(6, eight), (8, ten)]).into_bytes(),
            Outcome::Stated("ragged_rows", &["8"], (120, 5)),
        ),
        file("nul.csv", changed(&[(20, nul)]).into_bytes(), Outcome::Stated("nul_bytes", &["22"], (120, 4))),
        file(
            "latin1.csv",
            latin1(&changed(&[(3, accent), (30, accent), (31, accent)])),
            Outcome::Stated("encoding", &["1252"], (120, 4)),
        ),
        file(
            "utf16.csv",
            utf16(&table(HEADER, &lines())),
            Outcome::Stated("encoding", &["UTF-16"], (120, 4)),
        ),
        file(
            "null_column.csv",
            table(&format!("{HEADER},none"), &empty_column).into_bytes(),
            Outcome::Stated("empty_column", &["none"], (120, 5)),
        ),
        file(
            "rare_class.csv",
            changed(&[(0, rare)]).into_bytes(),
            Outcome::Stated("rare_class", &["maybe"], (120, 4)),
        ),
        file(
            "infinities.csv",
            table(HEADER, &inf).into_bytes(),
            Outcome::Stated("infinities", &["2 cells"], (120, 4)),
        ),
        file(
            "euro.csv",
            b"x;y;target\n1,5;1.234,50;a\n2,25;99,00;b\n-0,5;12.000,10;a\n7,5;5,00;b\n8,5;3,00;a\n".to_vec(),
            Outcome::Stated("number_format", &["comma"], (5, 3)),
        ),
        file(
            "dup_names.csv",
            b"a,a,target\n1,2,no\n3,4,yes\n5,6,no\n7,8,yes\n9,1,no\n".to_vec(),
            Outcome::Stated("renamed", &["a_2"], (5, 3)),
        ),
        file("dates.csv", dates(), Outcome::Stated("mixed_types", &["d"], (36, 3))),
        file(
            "open_quote.csv",
            changed(&[(3, open)]).into_bytes(),
            Outcome::Stated("open_quote", &["line 5"], (120, 4)),
        ),
        file("wide_3000.csv", wide().into_bytes(), Outcome::Stated("wide", &["3,001"], (20, 3_001))),
    ]);
    files
}

/// Four formats of one column, an empty cell and an impossible date, six times.
fn dates() -> Vec<u8> {
    let cells = ["2024-01-05", "05/01/2024", "01/13/2024", "Jan 9 2024", "", "2024-02-30"];
    let line = |at: usize| format!("{},{at},{}", cells[at % 6], if at.is_multiple_of(2) { "a" } else { "b" });
    table("d,x,target", &(0..36).map(line).collect::<Vec<_>>()).into_bytes()
}

/// Files from which nothing can be learnt.
fn unusable() -> Vec<BadFile> {
    let one: Vec<String> = lines().iter().map(|line| with_cell(line, 3, "1")).collect();
    let file = |name, bytes: Vec<u8>, words| BadFile { name, bytes, outcome: Outcome::Refused(words) };
    vec![
        file("zero_bytes.csv", Vec::new(), &["empty"]),
        file("header_no_rows.csv", b"a,b,target".to_vec(), &["no rows"]),
        file("single_column.csv", b"target\nyes\nno\nyes\nno\nno\n".to_vec(), &["no features"]),
        file("one_class.csv", table(HEADER, &one).into_bytes(), &["one class", "\"1\""]),
        file("picture.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01".to_vec(), &["CSV"]),
    ]
}
