//! `[disk]`

use serde::Deserialize;

/// `[disk]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiskSettings {
    /// Posts are taken only while more than this is free on the disk of `data_dir`; the reserve is for incidents and pages. A
    /// fiftieth of the disk and at most 1 GiB unless it is set; 0 keeps none.
    pub reserve_bytes: Option<u64>,
}
