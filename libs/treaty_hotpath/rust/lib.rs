//! What a worker does for each uplink, compiled: see the Python package's text.

mod headers;
mod reading;
mod scan;
mod text;
mod uplink;

use pyo3::prelude::*;

#[pymodule(name = "_native")]
mod native {
    #[pymodule_export]
    use super::headers::record_bytes;
    #[pymodule_export]
    use super::reading::ReadingWriter;
    #[pymodule_export]
    use super::uplink::{read, Arrival};
}
