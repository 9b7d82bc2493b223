//! Margins to probabilities, label and decision in C, with the scorer's own exponential.

use super::text::{array, c_double, c_string};
use crate::subject::{Subject, add};
use yard_score::model::Link;

/// The same steps as `yard_score::math::exp`, for arguments that are no NaN.
const EXP: &str = "\
static double power_of_two(int64_t k) {
    union { uint64_t bits; double value; } u;
    u.bits = (uint64_t)(k + 1023) << 52;
    return u.value;
}

static double exponential(double x) {
    static const double series[12] = {
        1.0 / 2.0, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5040.0, 1.0 / 40320.0,
        1.0 / 362880.0, 1.0 / 3628800.0, 1.0 / 39916800.0, 1.0 / 479001600.0, 1.0 / 6227020800.0
    };
    double scaled, high, low, r, lost, sum, y;
    int64_t k, half;
    int i;
    if (x > 709.782712893384) return INFINITY;
    if (x < -745.1332191019411) return 0.0;
    scaled = x * 1.44269504088896340735992468100189214;
    k = (int64_t)(scaled < 0.0 ? scaled - 0.5 : scaled + 0.5);
    high = x - (double)k * 0.6931471803691238;
    low = (double)k * 1.9082149292705877e-10;
    r = high - low;
    lost = (high - r) - low;
    sum = series[11];
    for (i = 10; i >= 0; i--) {
        sum = sum * r;
        sum = sum + series[i];
    }
    sum = r * r * sum;
    sum = sum + lost;
    y = 1.0 + (r + sum);
    half = k / 2;
    return y * power_of_two(half) * power_of_two(k - half);
}

";

const SIGMOID: &str = "\
static double sigmoid(double x) {
    double e;
    if (x >= 0.0) return 1.0 / (1.0 + exponential(-x));
    e = exponential(x);
    return e / (1.0 + e);
}

";

/// Writes the classes and the function `finish(answer)`; regression has neither.
pub(super) fn answer(out: &mut String, subject: &Subject<'_>, name: &str) {
    let (slope, intercept) = subject.calibration();
    let (slope, intercept) = (c_double(slope), c_double(intercept));
    if subject.parts.link == Link::Identity {
        return;
    }
    if subject.parts.link == Link::Log {
        out.push_str(EXP);
        add(out, format_args!("static void finish({name}_answer *answer) {{\n"));
        out.push_str("    answer->margin[0] = (float)exponential((double)answer->margin[0]);\n}\n\n");
        return;
    }
    let classes: Vec<String> = subject.parts.classes.iter().map(|class| c_string(class)).collect();
    let mut list = String::new();
    array(&mut list, "char *const", &format!("{name}_classes"), &classes, "0");
    out.push_str(list.strip_prefix("static ").unwrap_or(&list));
    out.push_str(EXP);
    if subject.parts.link == Link::Logistic {
        out.push_str(SIGMOID);
    }
    add(out, format_args!("static void finish({name}_answer *answer) {{\n"));
    if subject.parts.link == Link::Logistic {
        out.push_str("    double margin = (double)answer->margin[0];\n");
        add(
            out,
            format_args!(
                "    double scaled = margin * {slope};\n    double p = sigmoid(scaled + {intercept});\n"
            ),
        );
        out.push_str(
            "    answer->probability[0] = (float)(1.0 - p);\n    answer->probability[1] = (float)p;\n",
        );
        add(out, format_args!("    answer->label = margin >= {};\n", c_double(subject.label_threshold)));
        if let Some(threshold) = subject.margin_threshold {
            add(out, format_args!("    answer->decision = margin >= {};\n", c_double(threshold)));
        }
    } else {
        add(
            out,
            format_args!("{}", SOFTMAX.replace("COUNT", &classes.len().to_string()).replace("SLOPE", &slope)),
        );
    }
    out.push_str("}\n\n");
}

const SOFTMAX: &str = "\
    double score[COUNT], largest, sum = 0.0;
    int i, best = 0;
    for (i = 0; i < COUNT; i++) score[i] = SLOPE * (double)answer->margin[i];
    largest = score[0];
    for (i = 1; i < COUNT; i++) {
        if (score[i] > largest) largest = score[i];
        if (answer->margin[i] > answer->margin[best]) best = i;
    }
    for (i = 0; i < COUNT; i++) {
        score[i] = exponential(score[i] - largest);
        sum += score[i];
    }
    for (i = 0; i < COUNT; i++) answer->probability[i] = (float)(score[i] / sum);
    answer->label = best;
";
