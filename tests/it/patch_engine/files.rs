//! Whole directories: order, includes, and every fault at once.

use std::path::Path;

use vestibule::config::Environment;
use vestibule::config::merge::load;

use super::shape;
use super::wrap;

fn write(root: &Path, file: &str, content: &str) {
    let path = root.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

#[test]
fn a_directory_is_loaded_in_order_with_its_includes() {
    let conf = tempfile::tempdir().unwrap();
    write(
        conf.path(),
        "vestibule.config",
        &wrap("<a v='0'/><sc.include file='parts/sites.config'/>"),
    );
    write(
        conf.path(),
        "parts/sites.config",
        "<sites><site name='x'/><sc.include file='more.xml'/></sites>",
    );
    write(
        conf.path(),
        "parts/more.xml",
        "<configuration><sitecore><site name='y'/></sitecore></configuration>",
    );
    write(conf.path(), "include/z.config", &wrap("<a set:v='z'/>"));
    write(conf.path(), "include/A/b.config", &wrap("<a set:v='b'/>"));
    let merged = load(conf.path(), &Environment::default()).unwrap();
    assert_eq!(shape(&merged.root), "a[v=b],sites(site[name=x],site[name=y])");
    assert_eq!(merged.files.len(), 5);
}

#[test]
fn an_include_that_leads_back_or_nowhere_is_a_fault() {
    let conf = tempfile::tempdir().unwrap();
    write(
        conf.path(),
        "vestibule.config",
        &wrap(
            "<sc.include file='a.xml'/><sc.include file='gone.xml'/>\
        <x role:require='ContentDelivery'><sc.include file='gone.xml'/></x>",
        ),
    );
    write(conf.path(), "a.xml", "<a><sc.include file='b.xml'/></a>");
    write(conf.path(), "b.xml", "<b><sc.include file='./a.xml'/></b>");
    let faults = load(conf.path(), &Environment::default()).unwrap_err();
    assert_eq!(faults.len(), 2, "{faults:?}");
}

#[test]
fn all_faults_of_all_files_are_reported_at_once_in_the_order_of_the_files() {
    let conf = tempfile::tempdir().unwrap();
    write(conf.path(), "vestibule.config", &wrap("<a role:require='('/>"));
    write(
        conf.path(),
        "include/a.config",
        "<configuration><sitecore><a></b></sitecore></configuration>",
    );
    write(conf.path(), "include/b.config", &wrap("<b patch:before='['/><x:y/>"));
    let faults = load(conf.path(), &Environment::default()).unwrap_err();
    let places: Vec<String> = faults
        .iter()
        .map(|f| {
            f.origin.as_ref().unwrap().file.file_name().unwrap().to_string_lossy().into_owned()
        })
        .collect();
    assert_eq!(places, ["vestibule.config", "a.config", "b.config"]);
    std::fs::remove_file(conf.path().join("vestibule.config")).unwrap();
    assert!(load(conf.path(), &Environment::default()).unwrap_err().len() >= 2);
}
