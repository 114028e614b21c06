//! Taking turns: subject and counterpart are measured alternately, so that both meet the same machine.

/// Rounds of each; the median of five drops two that something else disturbed.
const ROUNDS: usize = 5;

/// The medians of the subject and its counterpart. Each is run once before anything counts.
pub(crate) fn alternate(
    mut subject: impl FnMut() -> anyhow::Result<f64>,
    mut counterpart: impl FnMut() -> anyhow::Result<f64>,
) -> anyhow::Result<(f64, f64)> {
    subject()?;
    counterpart()?;
    let (mut subjects, mut counterparts) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let (a, b) = (subject()?, counterpart()?);
        eprintln!("  round {round}: {a:.2}, counterpart {b:.2}");
        subjects.push(a);
        counterparts.push(b);
    }
    Ok((median(subjects), median(counterparts)))
}

/// The median where there is nothing to compare with.
pub(crate) fn alone(mut subject: impl FnMut() -> anyhow::Result<f64>) -> anyhow::Result<f64> {
    subject()?;
    let mut measured = Vec::new();
    for round in 1..=ROUNDS {
        let value = subject()?;
        eprintln!("  round {round}: {value:.2}");
        measured.push(value);
    }
    Ok(median(measured))
}

pub(crate) fn median(mut measured: Vec<f64>) -> f64 {
    measured.sort_by(f64::total_cmp);
    measured[measured.len() / 2]
}
