//! Presets and configurations as data.

use pretrain_filter::{Filter, FilterConfig, FilterError, RuleName, Verdict};

#[test]
fn presets_are_valid_and_survive_toml_and_json() {
    for name in FilterConfig::preset_names() {
        let config = FilterConfig::preset(name).expect("known");
        assert_eq!(config.validate(), Ok(()), "{name}");
        let text = toml::to_string(&config).expect("TOML");
        assert_eq!(toml::from_str::<FilterConfig>(&text).expect("reads back"), config, "{name}");
        let json = serde_json::to_string(&config).expect("JSON");
        assert_eq!(serde_json::from_str::<FilterConfig>(&json).expect("reads back"), config);
        assert!(Filter::new(config).is_ok());
    }
}

#[test]
fn an_unknown_preset_names_the_known_ones() {
    let error = FilterConfig::preset("gofer").expect_err("unknown");
    assert_eq!(
        error.to_string(),
        "unknown preset \"gofer\", known are gopher, c4, fineweb, fineweb-0.10, pii, residue, prose, \
         code"
    );
    assert!(matches!(error, FilterError::UnknownPreset { .. }));
}

#[test]
fn a_misspelt_key_or_rule_is_refused() {
    for text in [
        "[[rules]]\n[rules.length]\nmin_byte = 3\n",
        "[[rules]]\n[rules.lenght]\nmin_bytes = 3\n",
        "rule = []\nrules = []\n",
        "[[rules]]\n[rules.gopher-repetition]\ntop_ngrams = [{ n = 2, max = 0.2, min = 0.1 }]\n",
        "[[rules]]\n[rules.c4]\nremove_citations = true\n",
    ] {
        assert!(toml::from_str::<FilterConfig>(text).is_err(), "{text}");
    }
}

#[test]
fn an_absent_limit_is_not_checked() {
    let text = "[[rules]]\n[rules.gopher-quality]\nmin_words = 2\n\n[[rules]]\n[rules.length]\n";
    let filter = Filter::new(toml::from_str(text).expect("config")).expect("valid");
    assert_eq!(
        filter.judge("### ###"),
        Verdict::Drop(filter_reason("gopher-quality.min-words", 0.0, 2.0))
    );
    assert_eq!(filter.judge("two words"), Verdict::Keep);
    assert_eq!(filter.measure("two words").len(), 1);
    assert_eq!(Filter::new(FilterConfig::default()).expect("valid").judge(""), Verdict::Keep);
}

fn filter_reason(rule: &str, value: f64, threshold: f64) -> pretrain_filter::Reason {
    let rule: RuleName = rule.parse().expect("a rule");
    pretrain_filter::Reason { rule, value, threshold }
}
