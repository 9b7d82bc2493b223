//! Folders and columns of images: rows, labels, what is left out, where paths may lead, fingerprints.

use std::path::Path;
use yard_data::{ReadOptions, fingerprint, open};
use yard_types::{
    schema::FieldType,
    table::{Column, Table},
};

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn words(table: &Table, name: &str) -> Vec<Option<String>> {
    let Some(Column::Text(text)) = table.column(name) else { panic!("no words in {name}") };
    (0..table.rows()).map(|row| text.get(row).map(str::to_owned)).collect()
}

#[test]
fn folders_become_tables() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for name in
        ["NA/2.PNG", "NA/1.jpg", "b/deep/3.jpeg", "loose.png", "b/notes.txt", ".hidden/4.png", "b/.5.png"]
    {
        write(at, name, name.as_bytes());
    }
    let opened = open(at, &ReadOptions::default()).unwrap();
    let expected = ["NA/1.jpg", "NA/2.PNG", "b/deep/3.jpeg", "loose.png"];
    assert_eq!(words(&opened.table, "image"), expected.map(|name| Some(name.to_owned())));
    let labels = ["NA", "NA", "b"].map(|name| Some(name.to_owned()));
    assert_eq!(words(&opened.table, "label"), [&labels[..], &[None]].concat());
    let types: Vec<FieldType> = opened.schema.fields.iter().map(|field| field.field_type).collect();
    assert_eq!(types, [FieldType::Image, FieldType::Category]);
    assert_eq!(opened.schema.format.kind, "images");
    assert!(opened.findings.iter().any(|own| own.code == "not_images" && own.examples == ["b/notes.txt"]));
    let files = opened.table.files().unwrap();
    assert_eq!(files.read("b/deep/3.jpeg").unwrap(), b"b/deep/3.jpeg");
    for (wrong, why) in [
        ("../x.png", "leads out"),
        ("/etc/hostname", "leads out"),
        ("", "leads out"),
        ("b", "regular"),
        ("no.png", "no such"),
    ] {
        let error = files.read(wrong).unwrap_err();
        assert!(error.contains(why), "{wrong}: {error}");
    }
    let before = fingerprint(at, None).unwrap();
    assert_eq!(before, opened.fingerprint);
    write(at, "b/deep/3.jpeg", b"b/deep/3.jpeX");
    assert_ne!(fingerprint(at, None).unwrap(), before);
    let empty = tempfile::tempdir().unwrap();
    write(empty.path(), "keep.txt", b"x");
    let error = open(empty.path(), &ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("folder without images"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_out() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(outside.path(), "secret.png", b"secret");
    write(folder.path(), "a/1.png", b"one");
    std::os::unix::fs::symlink(outside.path(), folder.path().join("b")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret.png"), folder.path().join("a/2.png")).unwrap();
    let opened = open(folder.path(), &ReadOptions::default()).unwrap();
    assert_eq!(words(&opened.table, "image"), [Some("a/1.png".to_owned())]);
    assert!(opened.findings.iter().any(|own| own.code == "links" && own.count == 2), "{:?}", opened.findings);
    for name in ["a/2.png", "b/secret.png"] {
        let error = opened.table.files().unwrap().read(name).unwrap_err();
        assert!(error.contains("link out of the folder"), "{error}");
    }
}

#[test]
fn columns_of_paths_are_found_when_the_files_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let rows = |names: [&str; 3]| format!("photo,x\n{},1\n{},2\n{},3\n", names[0], names[1], names[2]);
    write(at, "a.csv", rows(["p/1.png", "p/2.png", "p/gone.png"]).as_bytes());
    let none = open(&at.join("a.csv"), &ReadOptions::default()).unwrap();
    assert_ne!(none.schema.fields[0].field_type, FieldType::Image);
    assert!(none.findings.iter().any(|own| own.code == "no_images"), "{:?}", none.findings);
    write(at, "p/2.png", b"two");
    let some = open(&at.join("a.csv"), &ReadOptions::default()).unwrap();
    assert_eq!(some.schema.fields[0].field_type, FieldType::Image);
    assert_eq!(some.table.files().unwrap().read("p/2.png").unwrap(), b"two");
    write(at, "p/2.png", b"owt");
    let changed = open(&at.join("a.csv"), &ReadOptions::default()).unwrap();
    assert_ne!(changed.fingerprint, some.fingerprint);
    let quoted = "photo,x\n\"data:image/png;base64,AAAA\",1\n\"data:image/png;base64,AAAB\",2\n";
    write(at, "b.csv", quoted.as_bytes());
    let inline = open(&at.join("b.csv"), &ReadOptions::default()).unwrap();
    assert_eq!(inline.schema.fields[0].field_type, FieldType::Image);
}
