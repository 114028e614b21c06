//! Migrations come in pairs: the same file for SQLite and for PostgreSQL.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context;

use super::Complaint;

const DATABASES: [&str; 2] = ["sqlite", "postgres"];

pub(super) fn check(root: &Path) -> anyhow::Result<Vec<Complaint>> {
    let [sqlite, postgres] = DATABASES.map(|database| names(root, database));
    let (sqlite, postgres) = (sqlite?, postgres?);
    let missing = |from: &'static str, name: &String| Complaint {
        file: format!("migrations/{from}/{name}"),
        line: None,
        message: "is missing: every migration is written for both databases, under one name"
            .to_owned(),
    };
    Ok(sqlite
        .difference(&postgres)
        .map(|name| missing("postgres", name))
        .chain(
            postgres
                .difference(&sqlite)
                .map(|name| missing("sqlite", name)),
        )
        .collect())
}

fn names(root: &Path, database: &str) -> anyhow::Result<BTreeSet<String>> {
    let folder = root.join("migrations").join(database);
    let entries =
        fs::read_dir(&folder).with_context(|| format!("could not list {}", folder.display()))?;
    let mut names = BTreeSet::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("could not list {}", folder.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".sql") {
            names.insert(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_for_one_database_only_is_named() {
        let root = tempfile::tempdir().unwrap();
        for database in DATABASES {
            let folder = root.path().join("migrations").join(database);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("0001_start.sql"), "").unwrap();
        }
        assert_eq!(check(root.path()).unwrap(), []);
        fs::write(root.path().join("migrations/sqlite/0002_more.sql"), "").unwrap();
        let found = check(root.path()).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].file, "migrations/postgres/0002_more.sql");
    }
}
