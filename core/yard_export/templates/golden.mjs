// Re-computes the golden examples bit by bit: node golden.mjs
import { readFileSync } from "node:fs";
import { load } from "./model.mjs";

const here = (name) => new URL(name, import.meta.url);
const facts = JSON.parse(readFileSync(here("model.json"), "utf8"));
const model = await load(readFileSync(here("model.wasm")), facts);
const golden = readFileSync(here("golden.jsonl"), "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
const same = (a, b) => a.length === b.length && a.every((value, at) => Math.fround(value) === Math.fround(b[at]));
const equal = golden.filter((want) => {
  const got = model.score(want.request);
  const decided = want.decision === null || want.decision === got.decision;
  const close = facts.classes.length === 0 || got.prediction === want.prediction;
  return same(got.margins, want.margins) && same(got.probabilities ?? [], want.probabilities) && decided && close;
});
console.log(`${equal.length} of ${golden.length} golden examples equal`);
process.exit(equal.length === golden.length ? 0 : 1);
