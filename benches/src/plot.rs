//! Latency distributions as an SVG file.

use std::{fmt::Write as _, fs, path::Path};

use crate::{
    failure::{Failure, Result},
    stats::Latencies,
};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
const MARGIN: f64 = 60.0;
const COLOURS: [&str; 6] = ["#1b6ca8", "#c8553d", "#2e8b57", "#8e5ea2", "#b8860b", "#444444"];

/// Draws the share of calls that were answered within a time, on a logarithmic axis of milliseconds.
pub(crate) fn distributions(path: &Path, title: &str, curves: &mut [(String, Latencies)]) -> Result<()> {
    let mut svg = String::new();
    let drawn = draw(&mut svg, title, curves);
    drawn.map_err(|_| Failure::new("the picture could not be drawn"))?;
    fs::write(path, svg).map_err(|error| Failure::in_file(path, None, error))
}

fn draw(svg: &mut String, title: &str, curves: &mut [(String, Latencies)]) -> std::fmt::Result {
    let mut least = f64::INFINITY;
    let mut most: f64 = 0.0;
    for (_, latencies) in curves.iter_mut() {
        least = least.min(latencies.quantile_ms(0.001));
        most = most.max(latencies.quantile_ms(1.0));
    }
    let low = least.max(1e-3).log10().floor();
    let high = most.max(1e-2).log10().ceil().max(low + 1.0);
    let x = |millis: f64| MARGIN + (millis.max(1e-6).log10() - low) / (high - low) * (WIDTH - 2.0 * MARGIN);
    let y = |share: f64| HEIGHT - MARGIN - share * (HEIGHT - 2.0 * MARGIN);

    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">"#
    )?;
    writeln!(svg, r##"<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>"##)?;
    writeln!(svg, r#"<text x="{MARGIN}" y="30" font-size="15">{}</text>"#, escaped(title))?;
    for decade in low as i32..=high as i32 {
        let millis = 10_f64.powi(decade);
        let at = x(millis);
        writeln!(
            svg,
            r##"<line x1="{at:.1}" y1="{MARGIN}" x2="{at:.1}" y2="{:.1}" stroke="#dddddd"/>"##,
            y(0.0)
        )?;
        writeln!(
            svg,
            r#"<text x="{at:.1}" y="{:.1}" text-anchor="middle">{millis} ms</text>"#,
            y(0.0) + 18.0
        )?;
    }
    for percent in [0, 50, 90, 99] {
        let at = y(f64::from(percent) / 100.0);
        writeln!(
            svg,
            r##"<line x1="{MARGIN}" y1="{at:.1}" x2="{:.1}" y2="{at:.1}" stroke="#dddddd"/>"##,
            WIDTH - MARGIN
        )?;
        writeln!(
            svg,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{percent} %</text>"#,
            MARGIN - 6.0,
            at + 4.0
        )?;
    }
    for (place, (name, latencies)) in curves.iter_mut().enumerate() {
        let colour = COLOURS[place % COLOURS.len()];
        let mut points = String::new();
        for step in 0..=200 {
            let share = f64::from(step) / 200.0;
            write!(points, "{:.1},{:.1} ", x(latencies.quantile_ms(share)), y(share))?;
        }
        writeln!(
            svg,
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="1.6"/>"#,
            points.trim_end()
        )?;
        let legend = MARGIN + 18.0 * place as f64 + 12.0;
        writeln!(
            svg,
            r#"<text x="{:.1}" y="{legend:.1}" fill="{colour}" text-anchor="end">{}</text>"#,
            WIDTH - 6.0,
            escaped(name)
        )?;
    }
    writeln!(svg, "</svg>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_curve_is_drawn_for_each_name() {
        let mut latencies = Latencies::default();
        for micros in 1..500 {
            latencies.add(Duration::from_micros(micros));
        }
        let mut svg = String::new();
        draw(&mut svg, "a < b", &mut [("create".to_owned(), latencies)]).unwrap();
        assert_eq!(svg.matches("<polyline").count(), 1);
        assert!(svg.contains("a &lt; b") && !svg.contains("NaN") && !svg.contains("inf"));
    }
}
