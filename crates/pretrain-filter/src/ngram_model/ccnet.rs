//! Perplexity as CCNet computes it (Wenzek et al. 2020, arXiv:1911.00359).

use pretrain_text::{SimplifyConfig, simplify_with, strip};

use super::NgramModel;

/// CCNet's text normalisation before its tokenizer: stripped, lower case, no accents, every digit 0,
/// its 34 punctuation marks as ASCII, no control characters.
pub fn ccnet_normalize(text: &str) -> String {
    let config = SimplifyConfig {
        lowercase: true,
        numbers: false,
        weekdays: false,
        months: false,
        punctuation: false,
        whitespace: false,
        diacritics: true,
    };
    let simple = simplify_with(strip(text), &config);
    let mut out = String::with_capacity(simple.len());
    for c in simple.chars() {
        match c {
            '\0'..='\x1f' | '\x7f'..='\u{9f}' => {}
            c if pretrain_text::is_decimal(c) => out.push('0'),
            '，' => out.push(','),
            '。' => out.push('.'),
            '、' => out.push(','),
            '„' | '”' | '“' | '«' | '»' | '１' | '」' | '「' | '《' | '》' => {
                out.push('"')
            }
            '´' | '‘' | '’' => out.push('\''),
            '∶' | '：' => out.push(':'),
            '？' => out.push('?'),
            '！' => out.push('!'),
            '（' => out.push('('),
            '）' => out.push(')'),
            '；' => out.push(';'),
            '–' | '—' => out.push('-'),
            '．' => out.push('.'),
            '～' => out.push('~'),
            '…' => out.push_str("..."),
            '━' => out.push('-'),
            '〈' => out.push('<'),
            '〉' => out.push('>'),
            '【' => out.push('['),
            '】' => out.push(']'),
            '％' => out.push('%'),
            '►' => out.push('-'),
            other => out.push(other),
        }
    }
    out
}

/// Perplexity of a text whose tokens are separated by spaces, as one sentence: `10^(-score / (words +
/// 1))`, with `<s>` and `</s>`, as CCNet (which rounds it to one decimal). Tokens are what the model was
/// trained on, for CCNet's own models SentencePiece pieces, which the caller makes.
pub fn perplexity(model: &NgramModel, tokens: &str) -> f64 {
    let (score, n) = model.score(tokens, true, true);
    10f64.powf(-score / n.max(1) as f64)
}
