#![allow(clippy::unwrap_used)]
//! The scorer's cutting against the library `tokenizers`, number for number, for an own tokenizer.

use super::learn::learn;
use tokenizers::{
    NormalizerWrapper, Tokenizer as Reference,
    models::bpe::BPE,
    normalizers::{BertNormalizer, Lowercase, Sequence, unicode::NFC},
    pre_tokenizers::bert::BertPreTokenizer,
};
use yard_score::pieces::Cutter;
use yard_types::{
    pieces::{PieceModel, Tokenizer},
    rng::Rng,
};

/// Characters of many scripts, marks, signs, blanks and controls.
const ALPHABET: &str = "abcdeABEéÉñøßİıΣσςДжקשالمहिन्दी漢字かな한글ñe\u{301}\u{345} \t\n\u{a0}\u{2003}.,!?'’-_#@$€%🙂👨‍👩‍👧\u{200d}\u{feff}\u{0}\u{1f}ﬁⅣ²٣०ᄒ";

/// Draws texts of words that repeat.
pub(super) fn texts(count: usize) -> Vec<String> {
    let mut rng = Rng::new(6, 6);
    let alphabet: Vec<char> = ALPHABET.chars().collect();
    let words: Vec<String> = (0..200)
        .map(|_| {
            let length = 1 + rng.below(7);
            (0..length).map(|_| alphabet[rng.below(alphabet.len() as u64) as usize]).collect()
        })
        .collect();
    let text = |_| {
        let length = rng.below(12);
        let word = |_| words[rng.below(words.len() as u64) as usize].clone();
        (0..length).map(word).collect::<Vec<_>>().join(if rng.below(3) == 0 { "" } else { " " })
    };
    (0..count).map(text).collect()
}

fn reference(own: &Tokenizer) -> Reference {
    let PieceModel::Bpe { vocabulary, merges, prefix, .. } = &own.model else { unreachable!("bpe") };
    let pair = |(a, b): &(u32, u32)| (vocabulary[*a as usize].clone(), vocabulary[*b as usize].clone());
    let model = BPE::builder()
        .vocab_and_merges(
            vocabulary.iter().cloned().zip(0..).collect::<tokenizers::models::bpe::Vocab>(),
            merges.iter().map(pair).collect(),
        )
        .continuing_subword_prefix(prefix.clone())
        .unk_token("[UNK]".to_owned())
        .fuse_unk(true)
        .build()
        .unwrap();
    let mut out = Reference::new(model);
    let steps: [NormalizerWrapper; 3] =
        [BertNormalizer::new(true, true, Some(false), false).into(), NFC.into(), Lowercase.into()];
    out.with_normalizer(Some(Sequence::new(steps.to_vec())));
    out.with_pre_tokenizer(Some(BertPreTokenizer));
    out
}

#[test]
fn own_tokenizers_cut_as_the_library_does() {
    let texts = texts(3_000);
    let own = learn(texts.iter().take(2_000).map(|text| (text.as_str(), 1)), 400);
    let (cutter, reference) = (Cutter::new(&own).unwrap(), reference(&own));
    let mut merged = 0;
    for text in texts.iter().map(String::as_str).chain(["", " ", "[CLS] x", &"aé🙂".repeat(20_000)]) {
        let expected = reference.encode(text, false).unwrap();
        let found = cutter.cut(text, usize::MAX);
        assert_eq!(found[1..], *expected.get_ids(), "{text:?}");
        merged += expected.get_ids().iter().filter(|id| **id > 200).count();
    }
    assert!(merged > 1_000, "{merged}");
}
