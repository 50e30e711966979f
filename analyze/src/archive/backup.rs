//! A copy of the archive, while it is written.
//!
//! The archive's position is copied before the months: they cover at least what it says, whatever is committed meanwhile, and a
//! restored archive replays from it. A month's files never change once they are written. They are opened under tantivy's
//! own lock, so that none of them is removed in between, and copied without it.

use super::{generation, month, writer::POSITION};
use anyhow::Context;
use schemas::kit::backup::{copy_if_there, copy_open};
use std::{collections::HashMap, fs::File, path::Path};
use tantivy::{
    Directory, Index,
    directory::{META_LOCK, MmapDirectory},
};

/// How often a month is tried again that was built anew under our hands.
const TRIES: u32 = 5;

/// Copies the archive of a data folder into the folder `to`. Copy the log afterwards.
///
/// # Errors
/// When it cannot be read, or the copy not written.
pub fn backup(data_dir: &Path, to: &Path) -> anyhow::Result<()> {
    let (folder, to) = (data_dir.join("archive"), to.join("archive"));
    copy_if_there(&folder.join(POSITION), &to.join(POSITION))?;
    let mut tries = 0;
    loop {
        tries += 1;
        let (months, _) = generation::list(&folder, |generation| month::covered(&generation.path))?;
        let copied = months.iter().try_for_each(|generation| {
            // A restored archive begins with first generations.
            copy_month(&generation.path, &to.join(generation.month.to_string()))
                .with_context(|| format!("copying {}", generation.path.display()))
        });
        match copied {
            Err(error) if tries < TRIES => {
                tracing::debug!(error = format!("{error:#}"), "a month was replaced while it was copied: again");
                for generation in &months {
                    let _ = std::fs::remove_dir_all(to.join(generation.month.to_string()));
                }
            }
            copied => return copied,
        }
    }
}

fn copy_month(from: &Path, to: &Path) -> anyhow::Result<()> {
    let directory = MmapDirectory::open(from)?;
    if !Index::exists(&directory)? {
        return Ok(());
    }
    let index = Index::open(directory)?;
    let mut files = Vec::new();
    let meta = {
        let _held = index.directory().acquire_lock(&META_LOCK)?;
        let meta = index.load_metas()?;
        let segments: HashMap<String, _> =
            meta.segments.iter().map(|segment| (segment.id().uuid_string(), segment.delete_opstamp())).collect();
        for entry in std::fs::read_dir(from)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let Some((segment, component)) = name.split_once('.') else { continue };
            let Some(deletes) = segments.get(segment) else { continue };
            // Of the lists of deleted documents the one that this commit names.
            let is_current = deletes.is_some_and(|opstamp| component == format!("{opstamp}.del"));
            if is_current || !component.ends_with("del") {
                files.push((File::open(from.join(&name))?, name));
            }
        }
        meta
    };
    std::fs::create_dir_all(to)?;
    let mut managed = vec!["meta.json".to_owned()];
    for (file, name) in files {
        copy_open(&file, &to.join(&name))?;
        managed.push(name);
    }
    // tantivy removes only what it knows to be its own.
    std::fs::write(to.join(".managed.json"), serde_json::to_vec(&managed)?)?;
    std::fs::write(to.join("meta.json"), serde_json::to_vec_pretty(&meta)?)?;
    let copy = Index::open(MmapDirectory::open(to)?)?;
    let damaged = copy.validate_checksum()?;
    anyhow::ensure!(damaged.is_empty(), "the copy of {} is damaged: {damaged:?}", from.display());
    Ok(())
}
