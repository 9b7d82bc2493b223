//! Fields to features in C: the steps of the recipe, one statement for each feature.

use super::text::{array, c_double, c_float, c_string, identifier};
use crate::subject::{Subject, add};
use yard_score::encode::DENSE_LIMIT;
use yard_types::{
    recipe::{DatePart, Encoding, Feature, FeatureOp, FittedInput, Scale},
    schema::FieldType,
};

/// Returns the member of the row struct that holds a field.
pub(super) fn field_name(index: usize, name: &str) -> String {
    format!("f{index}_{}", identifier(name))
}

const CODE: &str = "\
static int compare(const char *a, const char *b) {
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return (int)(unsigned char)*a - (int)(unsigned char)*b;
}

/* Position in the sorted list, `count` when it is not there, NAN when missing. */
static float code(const char *text, const char *const *words, int count, const char *const *nulls, int null_count) {
    int low = 0, high = count, i;
    if (text == 0 || *text == 0) return NAN;
    for (i = 0; i < null_count; i++)
        if (compare(text, nulls[i]) == 0) return NAN;
    while (low < high) {
        int middle = low + (high - low) / 2;
        int order = compare(words[middle], text);
        if (order == 0) return (float)middle;
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return (float)count;
}

";

const FILL: &str = "static double fill(double value, double replacement) { return value != value ? replacement : value; }\n\n";

const CLAMP: &str =
    "static float clamp(float value) { return value > LIMIT ? LIMIT : value < -LIMIT ? -LIMIT : value; }\n\n";

const DATES: &str = "\
static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }
static int64_t floor_mod(int64_t a, int64_t b) { return a % b + (a % b < 0 ? b : 0); }

static int64_t first_of_year(int64_t year) {
    int64_t y = year - 1;
    return 365 * y + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) - 719162;
}

/* year, month, day, weekday (Monday 0), hour, day of the year; NAN when missing */
static void date_parts(int64_t micros, double part[6]) {
    const int64_t day_micros = INT64_C(86400000000);
    int64_t days, z, era, doe, yoe, doy, mp, year;
    int i;
    if (micros == INT64_MIN) {
        for (i = 0; i < 6; i++) part[i] = NAN;
        return;
    }
    days = floor_div(micros, day_micros);
    z = days + 719468;
    era = floor_div(z, 146097);
    doe = floor_mod(z, 146097);
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    mp = (5 * doy + 2) / 153;
    year = yoe + era * 400 + (mp >= 10);
    part[0] = (double)year;
    part[1] = (double)(mp < 10 ? mp + 3 : mp - 9);
    part[2] = (double)(doy - (153 * mp + 2) / 5 + 1);
    part[3] = (double)floor_mod(days + 3, 7);
    part[4] = (double)(floor_mod(micros, day_micros) / INT64_C(3600000000));
    part[5] = (double)(days - first_of_year(year) + 1);
}

";

/// Writes the function `encode(row, x)` and what it needs.
pub(super) fn encode(out: &mut String, subject: &Subject<'_>) {
    let recipe = &subject.parts.recipe;
    let used = |index: usize| recipe.features.iter().any(|feature| feature.input as usize == index);
    let words = |input: &FittedInput| matches!(input.field_type, FieldType::Category | FieldType::Text);
    let inputs = || recipe.inputs.iter().enumerate().filter(|(index, _)| used(*index));
    if inputs().any(|(_, input)| words(input)) {
        out.push_str(CODE);
    }
    if inputs().any(|(_, input)| input.field_type == FieldType::Datetime) {
        out.push_str(DATES);
    }
    let fills = recipe.features.iter().any(|f| {
        matches!(f.op, FeatureOp::Number { fill: Some(_), .. } | FeatureOp::Date { fill: Some(_), .. })
    });
    if fills {
        out.push_str(FILL);
    }
    if recipe.encoding == Encoding::Dense {
        out.push_str(&CLAMP.replace("LIMIT", &c_float(DENSE_LIMIT)));
    }
    for (index, input) in inputs().filter(|(_, input)| words(input)) {
        lists(out, index, input);
    }
    add(out, format_args!("static void encode(const {}_row *row, float *x) {{\n", super::prefix(subject)));
    for (index, input) in inputs() {
        let name = field_name(index, &input.name);
        if words(input) {
            let (count, nulls) = (input.categories.len(), input.rules.null_words.len());
            let call = format!("code(row->{name}, words_{index}, {count}, nulls_{index}, {nulls})");
            add(out, format_args!("    float code_{index} = {call};\n"));
        } else if input.field_type == FieldType::Datetime {
            add(out, format_args!("    double part_{index}[6];\n"));
        }
    }
    for (index, input) in inputs().filter(|(_, input)| input.field_type == FieldType::Datetime) {
        let name = field_name(index, &input.name);
        add(out, format_args!("    date_parts(row->{name}, part_{index});\n"));
    }
    for (at, feature) in recipe.features.iter().enumerate() {
        let value = expression(feature, &recipe.inputs);
        let value = if recipe.encoding == Encoding::Dense { format!("clamp({value})") } else { value };
        add(out, format_args!("    x[{at}] = {value};\n"));
    }
    out.push_str("}\n\n");
}

/// Writes the categories and null words of a field.
fn lists(out: &mut String, index: usize, input: &FittedInput) {
    let words: Vec<String> = input.categories.iter().map(|word| c_string(word)).collect();
    let nulls: Vec<String> = input.rules.null_words.iter().map(|word| c_string(word)).collect();
    array(out, "char *const", &format!("words_{index}"), &words, "0");
    array(out, "char *const", &format!("nulls_{index}"), &nulls, "0");
}

fn expression(feature: &Feature, inputs: &[FittedInput]) -> String {
    let index = feature.input as usize;
    let input = inputs.get(index);
    let name = field_name(index, input.map_or("", |input| &input.name));
    let kind = input.map_or(FieldType::Number, |input| input.field_type);
    match &feature.op {
        FeatureOp::Number { fill, scale } => {
            format!("(float){}", scaled(&format!("row->{name}"), *fill, *scale))
        }
        FeatureOp::Date { part, fill, scale } => {
            let part = match part {
                DatePart::Year => 0,
                DatePart::Month => 1,
                DatePart::Day => 2,
                DatePart::Weekday => 3,
                DatePart::Hour => 4,
                DatePart::DayOfYear => 5,
            };
            format!("(float){}", scaled(&format!("part_{index}[{part}]"), *fill, *scale))
        }
        FeatureOp::Code => format!("code_{index}"),
        // Never here: `export` refuses vocabularies and images, and makes numbers of ranks.
        FeatureOp::Term { .. }
        | FeatureOp::Pixel { .. }
        | FeatureOp::Piece { .. }
        | FeatureOp::Rank { .. } => "0.0f".to_owned(),
        FeatureOp::OneHot { code } => format!("code_{index} == {code}.0f ? 1.0f : 0.0f"),
        FeatureOp::MissingFlag => {
            let missing = match kind {
                FieldType::Category | FieldType::Text => format!("code_{index} != code_{index}"),
                FieldType::Datetime => format!("row->{name} == INT64_MIN"),
                _ => format!("row->{name} != row->{name}"),
            };
            format!("{missing} ? 1.0f : 0.0f")
        }
    }
}

fn scaled(value: &str, fill: Option<f64>, scale: Option<Scale>) -> String {
    if scale.is_some_and(|scale| scale.inverse_sd == 0.0) {
        return "0.0".to_owned();
    }
    let filled = fill.map_or_else(|| value.to_owned(), |fill| format!("fill({value}, {})", c_double(fill)));
    match scale {
        None => filled,
        Some(scale) => format!("(({filled} - {}) * {})", c_double(scale.mean), c_double(scale.inverse_sd)),
    }
}
