//! Bad input gives one clear error that names the object and the way out, and leaves nothing half done.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test says so when it fails")]

mod support;

use mssql2pg_generate::{GenerateOptions, write_shop};
use std::path::Path;
use std::process::Output;
use support::{connect, database, mssql2pg, sample, told};

fn check(output: &Output, code: i32, words: &[&str]) {
    let text = told(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(stderr.matches("error: ").count(), 1, "{text}");
    for word in words {
        assert!(stderr.contains(word), "{word} is not in {text}");
    }
}

#[test]
fn what_is_no_source_is_refused_by_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for (name, word) in [
        ("html_page_named_NORTHWND.MDF", "HTML"),
        ("lfs_pointer_named_Northwind.mdf", "LFS"),
        ("mapdata_text_named_abra.mdf", ""),
        ("text_dump_named_chinook.bak", "text"),
    ] {
        let Some(file) = sample(&format!("negative/{name}")) else { return };
        for command in ["inspect", "plan", "migrate"] {
            let output = mssql2pg(folder.path()).arg(command).arg(&file).output().unwrap();
            check(&output, 2, &[name, word, "hint: "]);
        }
    }
    let dacpac = sample("negative/dacpac_named_FinanceDB.bak").unwrap();
    let output = mssql2pg(folder.path()).arg("inspect").arg(dacpac).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("dacpac"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn a_missing_file_a_missing_source_and_a_wrong_flag_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| mssql2pg(folder.path()).args(arguments).output().unwrap();
    check(&run(&["migrate", "nowhere.bacpac"]), 2, &["nowhere.bacpac", "hint: "]);
    check(&run(&["migrate"]), 3, &["no source", "SOURCE_URL"]);
    check(&run(&["status"]), 3, &["no run folder"]);
    check(&run(&["migrate", "x.bacpac", "--jobbs", "3"]), 3, &["--jobs"]);
    check(&run(&["status", "nowhere.run"]), 2, &["nowhere.run"]);
    std::fs::write(folder.path().join("mssql2pg.toml"), "[lode]\njobs = 3\n").unwrap();
    check(&run(&["migrate", "x.bacpac"]), 3, &["lode", "did you mean"]);
}

fn write_source(path: &Path) {
    let options = GenerateOptions { rows: 3_000, seed: 3, ..GenerateOptions::default() };
    write_shop(path, &options, &mut |_| {}).unwrap();
}

#[test]
fn a_truncated_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.bacpac");
    write_source(&path);
    let content = std::fs::read(&path).unwrap();
    std::fs::write(&path, &content[..content.len() / 2]).unwrap();
    let output = mssql2pg(folder.path()).args(["inspect", "shop.bacpac"]).output().unwrap();
    check(&output, 2, &["shop.bacpac", "hint: "]);
}

#[test]
fn a_target_that_refuses_is_named_with_the_layer_that_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_source(&folder.path().join("shop.bacpac"));
    let target = database();
    let good = target.url.clone();
    let (head, rest) = good.split_once("://").unwrap();
    let (user_info, place) = rest.split_once('@').unwrap();
    let user = user_info.split_once(':').unwrap().0;
    let (address, name) = place.split_once('/').unwrap();
    for (url, word) in [
        (format!("{head}://{user}:wrong@{place}"), "password"),
        (format!("{head}://{user_info}@{address}/nosuchdatabase"), "nosuchdatabase"),
        (format!("{head}://{user_info}@127.0.0.1:1/{name}"), "127.0.0.1"),
        (format!("{head}://{user_info}@nosuchhost.invalid/{name}"), "nosuchhost.invalid"),
        (format!("{good}{}sslmode=require", if good.contains('?') { "&" } else { "?" }), "TLS"),
        (format!("{good}{}sslmod=require", if good.contains('?') { "&" } else { "?" }), "sslmode"),
    ] {
        let output = mssql2pg(folder.path())
            .args(["migrate", "shop.bacpac"])
            .env("TARGET_URL", &url)
            .output()
            .unwrap();
        check(&output, 2, &[word, "hint: "]);
        assert!(!told(&output).contains("wrong@"), "{}", told(&output));
    }
}

#[test]
fn rows_with_nul_go_to_rejects_and_the_run_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    write_source(&folder.path().join("shop.bacpac"));
    let target = database();
    let output = mssql2pg(folder.path())
        .args(["migrate", "shop.bacpac"])
        .env("TARGET_URL", &target.url)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let text = told(&output);
    assert!(text.contains("FAILED") && text.contains("rejected"), "{text}");
    let planted = support::read_json(&folder.path().join("shop.bacpac.planted.json"));
    let defects = planted["defects"].as_array().unwrap();
    let nuls: u64 = defects
        .iter()
        .filter(|defect| defect["code"] == "nul-character" || defect["code"] == "lone-surrogate")
        .map(|defect| defect["count"].as_u64().unwrap())
        .sum();
    let rejects = std::fs::read_dir(folder.path().join("shop.run/rejects")).unwrap();
    let lines: usize =
        rejects.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap().lines().count()).sum();
    assert_eq!(lines as u64, nuls);
    let marks: i64 = connect(&target.url)
        .query_one("select sum(rejected)::bigint from mssql2pg.split", &[])
        .unwrap()
        .get(0);
    assert_eq!(marks.unsigned_abs(), nuls);
}

#[test]
fn a_part_that_ends_in_a_row_is_found_before_anything_moves() {
    let folder = tempfile::tempdir().unwrap();
    write_source(&folder.path().join("whole.bacpac"));
    let mut whole =
        zip::ZipArchive::new(std::fs::File::open(folder.path().join("whole.bacpac")).unwrap()).unwrap();
    let cut = std::fs::File::create(folder.path().join("cut.bacpac")).unwrap();
    let mut cut = zip::ZipWriter::new(cut);
    for place in 0..whole.len() {
        let mut entry = whole.by_index(place).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
        if name.starts_with("Data/dbo.Orders/") {
            content.truncate(content.len() - 3);
        }
        cut.start_file(&name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut cut, &content).unwrap();
    }
    cut.finish().unwrap();
    let target = database();
    let output = mssql2pg(folder.path())
        .args(["migrate", "cut.bacpac"])
        .env("TARGET_URL", &target.url)
        .output()
        .unwrap();
    check(&output, 2, &["dbo.Orders", "TableData-000-00000.BCP", "row ", "hint: "]);
    let tables: i64 = connect(&target.url)
        .query_one(
            "select count(*) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(tables, 0);
}

/// Needs to mount a small file system, which only root may do, and not everywhere.
#[test]
fn a_full_disk_is_said_and_the_same_command_goes_on_with_more_room() {
    let folder = tempfile::tempdir().unwrap();
    let small = folder.path().join("small");
    std::fs::create_dir(&small).unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mount = |options: &str| {
        let mut command = std::process::Command::new("mount");
        command
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&small)
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if !mount("size=110m") {
        eprintln!("skipped: a small file system cannot be mounted here");
        return;
    }
    let path = folder.path().join("shop.bacpac");
    let options = GenerateOptions { rows: 400_000, seed: 3, defects: false, ..GenerateOptions::default() };
    write_shop(&path, &options, &mut |_| {}).unwrap();
    let run =
        || mssql2pg(folder.path()).args(["migrate", "shop.bacpac", "--embedded-dir", "small/pg"]).output();
    let full = run();
    let roomier = mount("remount,size=900m");
    let after = run();
    assert!(std::process::Command::new("umount").arg(&small).status().unwrap().success());
    assert!(roomier);
    check(&full.unwrap(), 2, &["No space left", "hint: ", "run the same command again"]);
    let after = after.unwrap();
    assert_eq!(after.status.code(), Some(0), "{}", told(&after));
}
