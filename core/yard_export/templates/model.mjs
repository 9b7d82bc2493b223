// Scores records with model.wasm, in a browser or under node: `const model = await load(wasmBytes, facts)`, then
// `model.score({FIELD: value, ..})`. A field that is absent or null is missing. All sums are those of the scorer.

const LN2_HIGH = 0.6931471803691238, LN2_LOW = 1.9082149292705877e-10;
const SERIES = [1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320, 1 / 362880, 1 / 3628800, 1 / 39916800,
  1 / 479001600, 1 / 6227020800];
const bits = new DataView(new ArrayBuffer(8));

function powerOfTwo(k) {
  bits.setBigUint64(0, BigInt(k + 1023) << 52n);
  return bits.getFloat64(0);
}

// The scorer's own exponential, step by step.
export function exp(x) {
  if (Number.isNaN(x)) return x;
  if (x > 709.782712893384) return Infinity;
  if (x < -745.1332191019411) return 0;
  const scaled = x * Math.LOG2E;
  const k = Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
  const high = x - k * LN2_HIGH, low = k * LN2_LOW, r = high - low, lost = high - r - low;
  let series = SERIES[11];
  for (let at = 10; at >= 0; at -= 1) series = series * r + SERIES[at];
  const y = 1 + (r + (r * r * series + lost));
  const half = Math.trunc(k / 2);
  return y * powerOfTwo(half) * powerOfTwo(k - half);
}

function sigmoid(x) {
  if (x >= 0) return 1 / (1 + exp(-x));
  const e = exp(x);
  return e / (1 + e);
}

function missing(field, value) {
  if (value === undefined || value === null || Number.isNaN(value)) return true;
  return typeof value === "string" && (value.trim() === "" || field.null_words.includes(value.trim()));
}

function number(field, value) {
  const out = typeof value === "string" ? Number(value.trim()) : Number(value);
  if (Number.isNaN(out)) throw new Error(`field "${field.name}": ${JSON.stringify(value)} is not a number`);
  return out;
}

function datePart(field, value, part) {
  const time = typeof value === "number" ? Math.floor(value / 1000) : Date.parse(value.trim());
  if (Number.isNaN(time)) throw new Error(`field "${field.name}": ${JSON.stringify(value)} is not a date`);
  const date = new Date(time);
  const start = new Date(0);
  start.setUTCFullYear(date.getUTCFullYear(), 0, 1);
  return {
    year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(),
    hour: date.getUTCHours(), weekday: (date.getUTCDay() + 6) % 7,
    day_of_year: Math.floor((time - start.getTime()) / 86400000) + 1,
  }[part];
}

function filled(op, value) {
  if (Number.isNaN(value)) value = op.fill ?? NaN;
  if (!op.scale) return value;
  return op.scale.inverse_sd === 0 ? 0 : (value - op.scale.mean) * op.scale.inverse_sd;
}

function feature(op, field, value) {
  const none = missing(field, value);
  if (op.op === "missing_flag") return none ? 1 : 0;
  if (op.op === "number") return filled(op, none ? NaN : number(field, value));
  if (op.op === "date") return filled(op, none ? NaN : datePart(field, value, op.part));
  if (none) return op.op === "code" ? NaN : 0;
  const word = field.fold_case ? String(value).trim().toLowerCase() : String(value).trim();
  const code = field.codes.get(word) ?? field.codes.size;
  return op.op === "code" ? code : Number(code === op.code);
}

export async function load(bytes, facts) {
  const { instance } = await WebAssembly.instantiate(bytes, {});
  const { memory, score } = instance.exports;
  const x = new Float32Array(memory.buffer, facts.features_at, facts.features.length);
  const margins = new Float32Array(memory.buffer, facts.margins_at, facts.outputs);
  const fields = facts.fields.map((field) => ({
    ...field, codes: new Map(field.categories.map((word, code) => [word, code])),
  }));
  const limit = facts.dense ? 2 ** 50 : Infinity;
  return {
    facts,
    score(record) {
      facts.features.forEach((op, at) => {
        const field = fields[op.input];
        x[at] = Math.min(Math.max(Math.fround(feature(op, field, record[field.name])), -limit), limit);
      });
      score();
      return answer(facts, Array.from(margins));
    },
  };
}

function answer(facts, margins) {
  const { slope, intercept } = facts.calibration;
  if (facts.link === "identity") return { margins, prediction: margins[0] };
  if (facts.link === "log") {
    const mean = Math.fround(exp(margins[0]));
    return { margins: [mean], prediction: mean };
  }
  let p, label;
  if (facts.link === "logistic") {
    const positive = sigmoid(slope * margins[0] + intercept);
    p = [Math.fround(1 - positive), Math.fround(positive)];
    label = margins[0] >= facts.label_threshold ? 1 : 0;
  } else {
    const largest = Math.max(...margins.map((margin) => margin * slope));
    const parts = margins.map((margin) => exp(margin * slope - largest));
    const sum = parts.reduce((a, b) => a + b, 0);
    p = parts.map((part) => Math.fround(part / sum));
    label = margins.indexOf(Math.max(...margins));
  }
  const out = { margins, prediction: facts.classes[label], probabilities: p };
  if (facts.margin_threshold !== null) out.decision = margins[0] >= facts.margin_threshold;
  return out;
}
