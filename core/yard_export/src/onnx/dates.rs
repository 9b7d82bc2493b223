//! Parts of a date in integer arithmetic, the same steps as `yard_types::date::parts`; a missing point in
//! time gives NaN. Day arithmetic after Howard Hinnant, "chrono-compatible low-level date algorithms" (2013).

use super::graph::{Graph, Kind, Value};
use yard_types::{recipe::DatePart, table::MISSING_INSTANT};

const DAY_MICROS: i64 = 86_400_000_000;
const ERA_DAYS: i64 = 146_097;

/// The values that several parts share.
pub(super) struct Calendar {
    missing: Value,
    micros: Value,
    days: Value,
    civil: Option<Civil>,
}

/// Year, month and day.
#[derive(Clone)]
struct Civil {
    year: Value,
    month: Value,
    day: Value,
}

/// Integer arithmetic with a constant on the right.
struct Whole<'a>(&'a mut Graph);

impl Whole<'_> {
    fn with(&mut self, operator: &'static str, a: &Value, b: i64) -> Value {
        let b = self.0.whole("number", b);
        self.0.node(operator, &[a, &b], &[])
    }

    fn add(&mut self, a: &Value, b: i64) -> Value {
        self.with("Add", a, b)
    }

    fn mul(&mut self, a: &Value, b: i64) -> Value {
        self.with("Mul", a, b)
    }

    /// Divides numbers that are not negative.
    fn div(&mut self, a: &Value, b: i64) -> Value {
        self.with("Div", a, b)
    }

    /// Remainder with the sign of the divisor.
    fn rem(&mut self, a: &Value, b: i64) -> Value {
        self.with("Mod", a, b)
    }

    fn plus(&mut self, a: &Value, b: &Value) -> Value {
        self.0.node("Add", &[a, b], &[])
    }

    fn minus(&mut self, a: &Value, b: &Value) -> Value {
        self.0.node("Sub", &[a, b], &[])
    }

    /// Divides rounding down, whatever the sign.
    fn floor_div(&mut self, a: &Value, b: i64) -> Value {
        let rest = self.rem(a, b);
        let whole = self.minus(a, &rest);
        self.div(&whole, b)
    }

    /// 1 where `a` is at least `b`, else 0.
    fn at_least(&mut self, a: &Value, b: i64) -> Value {
        let yes = self.with("GreaterOrEqual", a, b);
        self.0.cast(&yes, Kind::Int64)
    }
}

impl Calendar {
    pub(super) fn new(graph: &mut Graph, value: &Value) -> Self {
        let none = graph.whole("missing_instant", MISSING_INSTANT);
        let missing = graph.node("Equal", &[value, &none], &[]);
        let zero = graph.whole("epoch", 0);
        let micros = graph.node("Where", &[&missing, &zero, value], &[]);
        let days = Whole(graph).floor_div(&micros, DAY_MICROS);
        Self { missing, micros, days, civil: None }
    }

    pub(super) fn missing_flag(&self, graph: &mut Graph) -> Value {
        graph.cast(&self.missing, Kind::Float)
    }

    /// Returns a part as f64, NaN where missing.
    pub(super) fn part(&mut self, graph: &mut Graph, part: DatePart) -> Value {
        let value = match part {
            DatePart::Weekday => {
                let mut whole = Whole(graph);
                let days = whole.add(&self.days, 3);
                whole.rem(&days, 7)
            }
            DatePart::Hour => {
                let mut whole = Whole(graph);
                let rest = whole.rem(&self.micros, DAY_MICROS);
                whole.div(&rest, 3_600_000_000)
            }
            DatePart::DayOfYear => {
                let year = self.civil(graph).year;
                let mut whole = Whole(graph);
                let start = first_of_year(&mut whole, &year);
                let days = whole.minus(&self.days, &start);
                whole.add(&days, 1)
            }
            DatePart::Year => self.civil(graph).year,
            DatePart::Month => self.civil(graph).month,
            DatePart::Day => self.civil(graph).day,
        };
        let value = graph.cast(&value, Kind::Double);
        let none = graph.double("nan", f64::NAN);
        graph.node("Where", &[&self.missing, &none, &value], &[])
    }

    fn civil(&mut self, graph: &mut Graph) -> Civil {
        if let Some(civil) = &self.civil {
            return civil.clone();
        }
        let civil = civil(&mut Whole(graph), &self.days);
        self.civil = Some(civil.clone());
        civil
    }
}

/// Year, month and day of days since 1970.
fn civil(whole: &mut Whole<'_>, days: &Value) -> Civil {
    let z = whole.add(days, 719_468);
    let day_of_era = whole.rem(&z, ERA_DAYS);
    let era = whole.floor_div(&z, ERA_DAYS);
    let parts = [1460, 36_524, 146_096].map(|by| whole.div(&day_of_era, by));
    let less = whole.minus(&day_of_era, &parts[0]);
    let more = whole.plus(&less, &parts[1]);
    let sum = whole.minus(&more, &parts[2]);
    let year_of_era = whole.div(&sum, 365);
    let [years, fours, hundreds] =
        [whole.mul(&year_of_era, 365), whole.div(&year_of_era, 4), whole.div(&year_of_era, 100)];
    let before = whole.plus(&years, &fours);
    let before = whole.minus(&before, &hundreds);
    let day_of_year = whole.minus(&day_of_era, &before);
    // Months from March on: 0 is March.
    let five = whole.mul(&day_of_year, 5);
    let five = whole.add(&five, 2);
    let march_month = whole.div(&five, 153);
    let start = whole.mul(&march_month, 153);
    let start = whole.add(&start, 2);
    let start = whole.div(&start, 5);
    let day = whole.minus(&day_of_year, &start);
    let day = whole.add(&day, 1);
    let next_year = whole.at_least(&march_month, 10);
    let twelve = whole.mul(&next_year, -12);
    let month = whole.add(&march_month, 3);
    let month = whole.plus(&month, &twelve);
    let year = whole.mul(&era, 400);
    let year = whole.plus(&year, &year_of_era);
    let year = whole.plus(&year, &next_year);
    Civil { year, month, day }
}

/// Days since 1970 of the first of January: 365 days a year and the leap days before it.
fn first_of_year(whole: &mut Whole<'_>, year: &Value) -> Value {
    let last = whole.add(year, -1);
    let days = whole.mul(&last, 365);
    let fours = whole.floor_div(&last, 4);
    let hundreds = whole.floor_div(&last, 100);
    let four_hundreds = whole.floor_div(&last, 400);
    let days = whole.plus(&days, &fours);
    let days = whole.minus(&days, &hundreds);
    let days = whole.plus(&days, &four_hundreds);
    // 1970-01-01 is day 719162 counted from 0001-01-01.
    whole.add(&days, -719_162)
}
