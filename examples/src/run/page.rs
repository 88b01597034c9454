//! `report.html` of a run.

use super::Plan;
use super::pipeline::{Data, Summary, count};
use crate::report::{Page, Series, line_chart};
use crate::stages::megabytes;
use pretrain_filter::Funnel;
use pretrain_train::{METRICS_NAME, StepMetrics};
use std::collections::BTreeMap;

pub(super) fn render(plan: &Plan, data: &Data, summary: &Summary) -> anyhow::Result<String> {
    let mut page = Page::new("Pretraining run");
    results(&mut page, summary);
    stages(&mut page, summary);
    funnel(&mut page, plan, data)?;
    duplicates(&mut page, plan, data)?;
    tokenizer(&mut page, plan, data);
    curves(&mut page, plan)?;
    page.section("Samples", "A held-out document's first words, continued by the model.");
    for sample in &summary.samples {
        page.text(sample);
    }
    let model = serde_json::to_string_pretty(plan.model.as_config())?;
    let train = serde_json::to_string_pretty(plan.train.as_config())?;
    page.section("Settings", "").text(&model).text(&train);
    Ok(page.finish())
}

fn results(page: &mut Page, summary: &Summary) {
    let (Some(validation), Some(baselines)) = (summary.validation, summary.baselines) else {
        return;
    };
    page.section(
        "Bits per byte on held-out text",
        "Lower is better. Unigram is the best that any fixed distribution over the same tokens could do.",
    );
    let row = |name: &str, bits: f64| (name.to_owned(), (bits * 1e6) as u64, format!("{bits:.4}"));
    page.bars(&[
        row("this model", validation.bits_per_byte),
        row("gzip -9", baselines.gzip_bits_per_byte),
        row("unigram tokens", baselines.unigram_bits_per_byte),
    ]);
    let facts = [
        ["parameters".to_owned(), summary.parameters.to_string()],
        ["validation loss (nats per token)".to_owned(), format!("{:.4}", validation.loss)],
        ["perplexity".to_owned(), format!("{:.2}", validation.perplexity)],
        ["held-out documents".to_owned(), validation.documents.to_string()],
        ["held-out text".to_owned(), megabytes(validation.bytes)],
        ["training speed (tokens/s)".to_owned(), format!("{:.0}", summary.tokens_per_second)],
        ["SHA-256 of the weights".to_owned(), summary.weights_sha256.clone()],
    ];
    page.table(&["", ""], &facts);
}

fn stages(page: &mut Page, summary: &Summary) {
    page.section("Stages", "Documents and text that left each stage, and the time of this run.");
    let row = |stage: &crate::stages::StageReport| {
        let seconds = format!("{:.1}", stage.seconds);
        [stage.name.clone(), seconds, stage.documents.to_string(), megabytes(stage.bytes)]
    };
    let rows: Vec<_> = summary.stages.iter().map(row).collect();
    page.table(&["stage", "seconds", "documents", "text"], &rows);
}

fn funnel(page: &mut Page, plan: &Plan, data: &Data) -> anyhow::Result<()> {
    let report = pretrain_store::read(&plan.out.join("clean/report.json"))?;
    let report: BTreeMap<String, Funnel> = serde_json::from_slice(&report)?;
    let bad = count(&data.read.manifest, "bad_records");
    let note = format!(
        "Bytes dropped by each rule of the quality filters. {bad} records were unreadable."
    );
    page.section("Funnel", &note);
    for (source, funnel) in &report {
        let source = if source.is_empty() { "documents" } else { source };
        let mut rows = vec![(
            format!("{source}: read"),
            funnel.input.bytes,
            format!("{} documents, {}", funnel.input.documents, megabytes(funnel.input.bytes)),
        )];
        for (rule, dropped) in &funnel.dropped {
            let text = format!("{} documents, {}", dropped.documents, megabytes(dropped.bytes));
            rows.push((rule.to_string(), dropped.bytes, text));
        }
        let output = funnel.output();
        let text = format!("{} documents, {}", output.documents, megabytes(output.bytes));
        rows.push((format!("{source}: kept"), output.bytes, text));
        page.bars(&rows);
    }
    Ok(())
}

fn duplicates(page: &mut Page, plan: &Plan, data: &Data) -> anyhow::Result<()> {
    page.section(
        "Duplicates",
        "Clusters of the same text, and of texts that share most word 5-grams.",
    );
    let row = |name: &str, done: &crate::stages::Done| {
        let of = |key| count(&done.manifest, key).to_string();
        [name.to_owned(), of("clusters"), of("removed"), of("documents")]
    };
    let rows = [row("exact", &data.exact), row("near (MinHash)", &data.minhash)];
    page.table(&["", "clusters", "removed", "left"], &rows);
    let mut largest = Vec::new();
    for dir in ["dedup-exact", "dedup"] {
        let text = pretrain_store::read_to_string(&plan.out.join(dir).join("clusters.jsonl"))?;
        for line in text.lines() {
            let cluster: serde_json::Value = serde_json::from_str(line)?;
            let size = cluster["members"].as_array().map_or(0, Vec::len);
            let kept = cluster["kept"].as_str().unwrap_or_default().to_owned();
            largest.push((size, kept));
        }
    }
    largest.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let row = |(size, kept): &(usize, String)| [kept.clone(), size.to_string()];
    let rows: Vec<_> = largest.iter().take(10).map(row).collect();
    page.table(&["largest clusters: the document that stays", "members"], &rows);
    Ok(())
}

fn tokenizer(page: &mut Page, plan: &Plan, data: &Data) {
    let vocabulary = plan.tokenizer.vocab_size;
    page.section("Tokenizer", &format!("Byte-level BPE with {vocabulary} tokens."));
    let counts = &data.tokens.manifest.counts;
    let sources = counts.keys().filter_map(|key| key.strip_prefix("bytes."));
    let row = |name: &str, bytes: u64, tokens: u64| {
        let ratio = format!("{:.3}", bytes as f64 / tokens.max(1) as f64);
        [name.to_owned(), megabytes(bytes), tokens.to_string(), ratio]
    };
    let of = |key: &str| count(&data.tokens.manifest, key);
    let mut rows: Vec<_> =
        sources.map(|s| row(s, of(&format!("bytes.{s}")), of(&format!("tokens.{s}")))).collect();
    rows.push(row("all", of("bytes"), of("tokens")));
    page.table(&["source", "text", "tokens", "bytes per token"], &rows);
}

fn curves(page: &mut Page, plan: &Plan) -> anyhow::Result<()> {
    let text = pretrain_store::read_to_string(&plan.out.join("train").join(METRICS_NAME))?;
    let steps: Vec<StepMetrics> =
        text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let line = |name, value: &dyn Fn(&StepMetrics) -> Option<f64>| {
        let points = steps.iter().filter_map(|m| Some((m.step as f64, value(m)?)));
        Series { name, points: points.collect() }
    };
    let one = |title, series| line_chart(title, "step", &[series]);
    page.section("Training", "").charts(&[
        line_chart(
            "loss (nats per token)",
            "step",
            &[line("training", &|m| m.loss), line("validation", &|m| m.validation_loss)],
        ),
        one("learning rate", line("lr", &|m| Some(m.lr))),
        one("gradient norm before clipping", line("norm", &|m| m.grad_norm)),
        one("tokens per second", line("speed", &|m| Some(m.tokens_per_second))),
    ]);
    Ok(())
}
