//! Finds the names somebody probably meant.

/// The candidates nearest to `name`, the nearest first, at most `count`: those that are near enough to be a
/// typing error, or that hold the name, or that it holds.
pub fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    count: usize,
) -> Vec<&'a str> {
    // One slip for every three letters, and always one.
    let slips_max = (name.chars().count() / 3).max(1);
    let mut near: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let holds = !name.is_empty() && (candidate.contains(name) || name.contains(candidate));
            let slips = distance(name, candidate);
            (slips <= slips_max || holds).then_some((slips, candidate))
        })
        .collect();
    near.sort_unstable();
    near.dedup_by_key(|(_, candidate)| *candidate);
    near.into_iter()
        .take(count)
        .map(|(_, candidate)| candidate)
        .collect()
}

/// Letters to insert, remove or replace to get from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_parts_find_the_name_and_a_foreign_word_finds_none() {
        let names = [
            "order_update",
            "order_updates",
            "order_update_v2",
            "greeting",
        ];
        assert_eq!(
            nearest("order_updat", names, 3),
            ["order_update", "order_updates", "order_update_v2"]
        );
        assert_eq!(nearest("greating", names, 3), ["greeting"]);
        assert!(nearest("invoice", names, 3).is_empty());
        assert_eq!(nearest("order", names, 1), ["order_update"]);
    }
}
