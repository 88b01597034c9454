//! `report.html`: the whole run on one self-contained page, without scripts or links.

mod chart;

pub use chart::{Series, line_chart};

use std::fmt::Write;

/// A page that is built from top to bottom.
#[derive(Debug)]
pub struct Page {
    html: String,
}

const STYLE: &str = "
:root{--fg:#1c2330;--bg:#fff;--soft:#66708a;--rule:#d8dde8;--a:#2458d3;--b:#d3572a;--c:#2a9d64}
@media(prefers-color-scheme:dark){:root{--fg:#e4e8f0;--bg:#14171e;--soft:#98a2b8;--rule:#333a48;--a:#7aa2ff;--b:#ff9a6b;--c:#62d69b}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:1000px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2.2rem;border-bottom:1px solid var(--rule)}
p.note,figcaption{color:var(--soft)}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{padding:.2rem .9rem .2rem 0;text-align:right;border-bottom:1px solid var(--rule)}
td:first-child,th:first-child{text-align:left}th{color:var(--soft);font-weight:500}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(400px,1fr));gap:1rem}figure{margin:0}
svg{width:100%;height:auto}svg text{font-size:10px;fill:var(--soft)}text.y,text.legend{text-anchor:end}text.x{text-anchor:middle}
.grid{stroke:var(--rule);stroke-width:.6}polyline{fill:none;stroke-width:1.5}
polyline.s0{stroke:var(--a)}polyline.s1{stroke:var(--b)}polyline.s2{stroke:var(--c)}
text.s0{fill:var(--a)}text.s1{fill:var(--b)}text.s2{fill:var(--c)}
pre{white-space:pre-wrap;background:color-mix(in srgb,var(--rule) 35%,transparent);padding:.7rem;border-radius:6px;overflow-wrap:anywhere}
.bar{display:inline-block;height:.7rem;background:var(--a);border-radius:2px}
";

impl Page {
    /// A page with its title.
    pub fn new(title: &str) -> Self {
        let title = escape(title);
        let html = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
             <style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n"
        );
        Self { html }
    }

    /// A heading and the sentence that says what is under it.
    pub fn section(&mut self, heading: &str, note: &str) -> &mut Self {
        let _ = writeln!(self.html, "<h2>{}</h2>", escape(heading));
        if !note.is_empty() {
            let _ = writeln!(self.html, "<p class=\"note\">{}</p>", escape(note));
        }
        self
    }

    /// A table; the first column is text, the others are numbers.
    pub fn table<R: AsRef<[String]>>(&mut self, head: &[&str], rows: &[R]) -> &mut Self {
        let cells = |tag: &str, cells: &mut dyn Iterator<Item = &str>| -> String {
            cells.map(|c| format!("<{tag}>{}</{tag}>", escape(c))).collect()
        };
        let _ = write!(self.html, "<table><tr>{}</tr>", cells("th", &mut head.iter().copied()));
        for row in rows {
            let row = cells("td", &mut row.as_ref().iter().map(String::as_str));
            let _ = write!(self.html, "<tr>{row}</tr>");
        }
        self.html.push_str("</table>\n");
        self
    }

    /// Rows of a label, a bar whose length is the share of the largest value, and the value.
    pub fn bars(&mut self, rows: &[(String, u64, String)]) -> &mut Self {
        let largest = rows.iter().map(|r| r.1).max().unwrap_or(0).max(1);
        self.html.push_str("<table>");
        for (label, value, text) in rows {
            let width = 240.0 * *value as f64 / largest as f64;
            let _ = write!(
                self.html,
                "<tr><td>{}</td><td style=\"text-align:left\"><span class=\"bar\" \
                 style=\"width:{width:.0}px\"></span></td><td>{}</td></tr>",
                escape(label),
                escape(text)
            );
        }
        self.html.push_str("</table>\n");
        self
    }

    /// Charts side by side, as drawn by [`line_chart`].
    pub fn charts(&mut self, svgs: &[String]) -> &mut Self {
        let _ = writeln!(self.html, "<div class=\"charts\">{}</div>", svgs.concat());
        self
    }

    /// Text as it is.
    pub fn text(&mut self, text: &str) -> &mut Self {
        let _ = writeln!(self.html, "<pre>{}</pre>", escape(text));
        self
    }

    /// The finished page.
    pub fn finish(mut self) -> String {
        self.html.push_str("</body></html>\n");
        self.html
    }
}

/// Makes text safe inside HTML elements and attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            // Control characters are not allowed in HTML, and a model may sample any byte.
            c if c.is_control() && !matches!(c, '\n' | '\t') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_document_says_becomes_markup() {
        let mut page = Page::new("a<b");
        page.section("<script>", "\"x\" & y").table(&["h"], &[["<td>".to_owned()]]).text("\0<pre>");
        let html = page.finish();
        assert!(html.contains("<h1>a&lt;b</h1>"));
        assert!(html.contains("<h2>&lt;script&gt;</h2>"));
        assert!(html.contains("<td>&lt;td&gt;</td>"));
        assert!(html.contains("<pre>\u{fffd}&lt;pre&gt;</pre>"));
        assert!(!html.contains("<script"));
    }
}
