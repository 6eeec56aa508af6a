//! The arrows of the house, read off the source text: who may know whom, and what may stand where.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// They know nothing of the shop, and only each other.
const WORDS: &[&str] = &["backoff", "email", "error", "id", "money", "openapi", "page", "provider_name", "text", "time"];
/// Each may use those before it, never those behind it.
const FLOORS: &[&str] =
    &["db", "outbox", "rights", "audit", "accounts", "providers", "catalog", "cart", "orders", "payments", "checkout", "doctor"];
/// The roof: it sees everything, and a room sees of it only the `Store` whose methods it adds.
const ROOF: &[&str] = &["lib", "store", "worker", "conformance"];
/// Files of rooms that do more than decide: they read, write, or take their time.
const DOERS: &[&str] = &[
    "api",
    "sql",
    "rows",
    "calls",
    "index",
    "find",
    "capture",
    "take_in",
    "password",
    "sign_in",
    "ask",
    "begin",
    "expire",
    "pay_back",
    "reconcile",
    "webhooks",
];

/// Files of providers that only read and write what goes over the wire.
const READERS: &[&str] = &["amounts", "event", "form", "json", "signature", "units"];

struct Source {
    /// `orders` for `src/orders/sql.rs`, `money` for `src/money.rs`.
    module: String,
    /// `sql` for `src/orders/sql.rs`, `money` for `src/money.rs`.
    file: String,
    path: PathBuf,
    /// Without its comments and its tests.
    text: String,
}

#[test]
fn rooms_know_only_those_before_them() {
    let sources = sources();
    let homes = homes(&sources);
    for source in &sources {
        if ROOF.contains(&source.module.as_str()) {
            continue;
        }
        for name in names_of_the_crate(&source.text) {
            let home = homes.get(&name).unwrap_or(&name);
            let is_word = WORDS.contains(&home.as_str());
            let floor = |name: &str| FLOORS.iter().position(|floor| *floor == name);
            let allowed = match floor(&source.module) {
                Some(own) => {
                    is_word
                        || floor(home).is_some_and(|used| used <= own)
                        || (name == "Store" && DOERS.contains(&source.file.as_str()))
                }
                None => is_word,
            };
            assert!(allowed, "{} uses {name}, which is at home in {home}", source.path.display());
        }
    }
}

#[test]
fn every_module_has_its_place() {
    for source in sources() {
        let module = source.module.as_str();
        assert!([WORDS, FLOORS, ROOF].iter().any(|part| part.contains(&module)), "where does {module} stand?");
    }
}

#[test]
fn sql_stands_in_its_own_files() {
    for source in sources() {
        let may = source.module == "db" || ["sql", "rows", "lists", "calls", "outbox"].contains(&source.file.as_str());
        let has = source.text.contains("statements!")
            || ["select ", "insert into ", "update ", "delete from "]
                .iter()
                .any(|verb| source.text.contains(&format!("\"{verb}")));
        assert!(may || !has, "{} has SQL in it", source.path.display());
    }
}

/// See `statements.rs`, where those are read that are not put together from what was asked for.
#[test]
fn no_limit_of_a_filtered_list_is_a_bare_argument() {
    for source in sources() {
        for (at, word) in source.text.match_indices("limit ?") {
            let rest = &source.text[at + word.len()..];
            assert!(rest.starts_with(" + 0"), "{}: limit ?{}", source.path.display(), rest.lines().next().unwrap());
        }
    }
}

#[test]
fn rules_do_not_wait() {
    let is_rule = |source: &Source| match source.module.as_str() {
        "providers" => READERS.contains(&source.file.as_str()),
        module => FLOORS[2..].contains(&module) && !DOERS.contains(&source.file.as_str()),
    };
    let rules: Vec<_> = sources().into_iter().filter(is_rule).collect();
    assert!(rules.len() > 10, "the rules are not where they were");
    for source in rules.iter().filter(|source| source.file != "lists") {
        for word in ["async ", ".await", "tokio::", "Tx"] {
            assert!(!source.text.contains(word), "{} has {word:?} in it", source.path.display());
        }
    }
}

#[test]
fn what_an_admin_writes_stands_in_the_audit_log() {
    let mut deeds = 0;
    for source in sources() {
        for call in source.text.split("async fn ").skip(1) {
            let by_admin = call.contains("&Admin") || call.contains("Into<Party<'_>>");
            if by_admin && ["self.write()", "self.write_much()"].iter().any(|begin| call.contains(begin)) {
                deeds += 1;
                let name = call.split('(').next().unwrap();
                assert!(call.contains("audit::record("), "{} leaves no entry: {name}", source.path.display());
            }
        }
    }
    assert!(deeds > 10, "admins write in another way now");
}

/// On SQLite a deed may see what others have done and the disk does not have yet: only its own commit waits for theirs.
#[test]
fn what_is_answered_was_committed() {
    let mut answers = 0;
    for source in sources() {
        for deed in source.text.split("async fn ").skip(1) {
            let name = deed.split('(').next().unwrap();
            let begin = [".write()", ".write_once()", ".write_much()"].into_iter().find_map(|begin| deed.split_once(begin));
            let Some((_, deed)) = begin else { continue };
            // Until the end of what is tried again.
            let lines: Vec<_> = deed.lines().map(str::trim).take_while(|line| *line != "})").collect();
            for pair in lines.windows(2).filter(|pair| pair[1].starts_with("return Ok(")) {
                // A log-in that is refused, and nothing to do, are no answers from the database.
                let is_nothing = ["return Ok(None);", "return Ok((door, None));"].contains(&pair[1]);
                assert!(
                    is_nothing || pair[0].contains(".commit()"),
                    "{}: {name} answers before it commits",
                    source.path.display()
                );
                answers += 1;
            }
        }
    }
    assert!(answers > 5, "deeds answer in another way now");
}

#[test]
fn frontends_know_no_database_and_no_other_frontend() {
    let others = [
        ("ecommerce-warp", &["sqlx", "ecommerce_cli"][..]),
        ("ecommerce-cli", &["sqlx", "warp::Filter"]),
        ("ecommerce-core", &["ecommerce_warp", "ecommerce_cli"]),
    ];
    for (name, unknown) in others {
        for path in files(&workspace().join(name).join("src"), "rs") {
            let text = without_comments_and_tests(&fs::read_to_string(&path).unwrap());
            for word in unknown {
                assert!(!text.contains(word), "{} knows of {word}", path.display());
            }
        }
    }
}

#[test]
fn files_are_short() {
    let mut lengths: Vec<(usize, PathBuf)> = Vec::new();
    for member in ["ecommerce-core", "ecommerce-warp", "ecommerce-cli", "examples", "benches"] {
        for path in files(&workspace().join(member), "rs") {
            lengths.push((fs::read_to_string(&path).unwrap().lines().count(), path));
        }
    }
    let (longest, path) = lengths.iter().max().unwrap();
    assert!(*longest <= 800, "{} has {longest} lines", path.display());
    let long: Vec<_> = lengths.iter().filter(|(length, _)| *length >= 400).collect();
    assert!(long.len() * 10 <= lengths.len(), "more than one in ten has 400 lines: {long:?}");
}

#[test]
fn both_engines_have_the_same_migrations() {
    let names = |engine: &str| -> BTreeSet<_> {
        let files = files(&workspace().join("ecommerce-core/migrations").join(engine), "sql");
        files.iter().map(|path| path.file_name().unwrap().to_owned()).collect()
    };
    assert!(!names("sqlite").is_empty());
    assert_eq!(names("sqlite"), names("postgres"));
}

/// S30: no crate of the workspace, no example and no benchmark has a line that the compiler does not check.
#[test]
fn s30_every_crate_forbids_unsafe_code() {
    let read = |path: &str| fs::read_to_string(workspace().join(path).join("Cargo.toml")).unwrap();
    let root = read("");
    let members = root.split("members = [").nth(1).unwrap().split(']').next().unwrap();
    let members: Vec<_> = members.split('"').skip(1).step_by(2).collect();
    assert!(members.len() >= 5, "{members:?}");
    assert!(root.contains("[workspace.lints.rust]\nunsafe_code = \"forbid\"\n"));
    for member in members {
        let manifest = read(member);
        let forbids = ["\n[lints]\nworkspace = true\n", "\n[lints.rust]\nunsafe_code = \"forbid\"\n"];
        assert!(forbids.iter().any(|lines| manifest.contains(lines)), "{member} allows unsafe code");
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn sources() -> Vec<Source> {
    let root = workspace().join("ecommerce-core/src");
    let read = |path: PathBuf| {
        let parts: Vec<_> =
            path.strip_prefix(&root).unwrap().with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        let text = without_comments_and_tests(&fs::read_to_string(&path).unwrap());
        Source { module: parts[0].clone(), file: parts[parts.len() - 1].clone(), path, text }
    };
    files(&root, "rs").into_iter().map(read).collect()
}

fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|ending| ending == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The tests of a file stand at its end.
fn without_comments_and_tests(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| [line, "\n"]).collect()
}

/// Where each public name of the crate is at home, as `lib.rs` says.
fn homes(sources: &[Source]) -> BTreeMap<String, String> {
    let lib = sources.iter().find(|source| source.module == "lib").unwrap();
    let mut homes = BTreeMap::new();
    for exported in lib.text.split("pub use ").skip(1) {
        let (home, names) = exported.split(';').next().unwrap().split_once("::").unwrap();
        for name in names.split(|letter: char| !letter.is_alphanumeric() && letter != '_').filter(|name| !name.is_empty()) {
            homes.insert(name.to_owned(), home.to_owned());
        }
    }
    assert!(homes.len() > 80, "lib.rs exports in another way now");
    homes
}

/// What a file takes from the crate: the first name behind every `crate::`, and every one in `crate::{...}`.
fn names_of_the_crate(text: &str) -> BTreeSet<String> {
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    let first = |text: &str| text.trim().chars().take_while(|letter| is_name(*letter)).collect::<String>();
    let mut names = BTreeSet::new();
    for rest in text.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(first(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = 0;
        for (at, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    names.insert(first(&group[start..at]));
                    start = at + 1;
                    if letter == '}' {
                        break;
                    }
                }
                _ => {}
            }
        }
    }
    names.remove("");
    names
}
