//! A line chart as inline SVG: two axes, a grid, one polyline per series.

use std::fmt::Write;

/// A named line: `(x, y)` pairs in order of `x`. Points that are not finite are left out.
#[derive(Debug, Clone)]
pub struct Series {
    /// Shown in the legend.
    pub name: &'static str,
    /// The points.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 26.0;
/// More points than pixels only make the file larger.
const MAX_POINTS: usize = 400;

/// Draws the series over a common pair of axes; an empty chart says so.
pub fn line_chart(title: &str, x_label: &str, series: &[Series]) -> String {
    let finite = |s: &Series| -> Vec<(f64, f64)> {
        s.points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect()
    };
    let lines: Vec<(&str, Vec<(f64, f64)>)> = series.iter().map(|s| (s.name, finite(s))).collect();
    let mut svg = format!(
        "<figure><figcaption>{}</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">",
        super::escape(title)
    );
    let all: Vec<(f64, f64)> = lines.iter().flat_map(|(_, points)| points.clone()).collect();
    if all.is_empty() {
        svg.push_str(
            "<text x=\"50%\" y=\"50%\" text-anchor=\"middle\">no data</text></svg></figure>",
        );
        return svg;
    }
    let (x0, x1) = range(all.iter().map(|p| p.0));
    let (y0, y1) = range(all.iter().map(|p| p.1));
    let px = |x: f64| LEFT + (x - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT);
    let py = |y: f64| HEIGHT - BOTTOM - (y - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM);
    for tick in ticks(y0, y1) {
        let y = py(tick);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"y\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 5.0,
            y + 3.5,
            number(tick)
        );
    }
    for tick in ticks(x0, x1) {
        let _ = write!(
            svg,
            "<text class=\"x\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            px(tick),
            HEIGHT - BOTTOM + 14.0,
            number(tick)
        );
    }
    let _ = write!(
        svg,
        "<text class=\"x\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 1.0,
        super::escape(x_label)
    );
    for (i, (name, points)) in lines.iter().enumerate() {
        let path: Vec<String> =
            thin(points).iter().map(|&(x, y)| format!("{:.1},{:.1}", px(x), py(y))).collect();
        let _ = write!(svg, "<polyline class=\"s{i}\" points=\"{}\"/>", path.join(" "));
        if lines.len() > 1 {
            let y = TOP + 4.0 + 14.0 * i as f64;
            let _ = write!(
                svg,
                "<text class=\"legend s{i}\" x=\"{:.1}\" y=\"{y:.1}\">{}</text>",
                WIDTH - RIGHT,
                super::escape(name)
            );
        }
    }
    svg.push_str("</svg></figure>");
    svg
}

/// Keeps every k-th point and the last.
fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let step = points.len().div_ceil(MAX_POINTS).max(1);
    let mut kept: Vec<_> = points.iter().copied().step_by(step).collect();
    if let (Some(last), false) = (points.last(), points.len() % step == 1 || step == 1) {
        kept.push(*last);
    }
    kept
}

/// The values' range, widened where it is a point.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if high > low {
        (low, high)
    } else {
        let margin = low.abs().max(1.0) * 0.5;
        (low - margin, high + margin)
    }
}

/// About five round numbers inside the range.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let raw = (high - low) / 5.0;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= raw);
    let step = step.unwrap_or(10.0 * power);
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

fn number(value: f64) -> String {
    let magnitude = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if !(1e-3..1e5).contains(&magnitude) {
        format!("{value:.0e}")
    } else {
        let text = format!("{value:.4}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(0.0, 10.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(0.13, 0.9).len(), 4);
        assert_eq!([0.0, 0.0005, 12.5, 250_000.0].map(number), ["0", "5e-4", "12.5", "2e5"]);
    }

    #[test]
    fn the_curve_runs_from_corner_to_corner_and_nan_is_left_out() {
        let points = vec![(0.0, 1.0), (1.0, f64::NAN), (2.0, 3.0)];
        let svg = line_chart("t", "step", &[Series { name: "a", points }]);
        assert!(svg.contains("points=\"56.0,214.0 448.0,14.0\""), "{svg}");
        assert!(line_chart("t", "step", &[]).contains("no data"));
    }

    #[test]
    fn thinning_keeps_the_ends() {
        let points: Vec<_> = (0..1001).map(|i| (f64::from(i), 0.0)).collect();
        let kept = thin(&points);
        assert!(kept.len() <= MAX_POINTS + 1);
        assert_eq!((kept[0], kept[kept.len() - 1]), (points[0], points[1000]));
        assert_eq!(thin(&points[..3]), &points[..3]);
    }
}
