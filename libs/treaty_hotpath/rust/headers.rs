//! Kafka headers as the binding gives them: a sequence of (str, bytes | None).

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

/// Calls `each` with every header in order; None where one is neither (str, bytes) nor (str, None).
pub fn walk<'py>(
    headers: &Bound<'py, PyAny>,
    mut each: impl FnMut(&str, Option<&Bound<'py, PyBytes>>),
) -> Option<()> {
    let mut one = |header: &Bound<'py, PyAny>| {
        let pair = header.cast::<PyTuple>().ok()?;
        let name = pair.get_borrowed_item(0).ok()?;
        let value = pair.get_borrowed_item(1).ok()?;
        let name = name.cast::<PyString>().ok()?;
        let name = name.to_str().ok()?;
        if value.is_none() {
            each(name, None);
        } else {
            let value = value.cast::<PyBytes>().ok()?;
            each(name, Some(&value));
        }
        Some(())
    };
    if let Ok(list) = headers.cast::<PyList>() {
        list.iter().try_for_each(|header| one(&header))
    } else {
        headers
            .cast::<PyTuple>()
            .ok()?
            .iter()
            .try_for_each(|header| one(&header))
    }
}

const A_RECORD: usize = 128;
const A_HEADER: usize = 10;

/// As treaty_chassis.kafka.sizes has it.
#[pyfunction]
pub fn record_bytes(key: Option<&[u8]>, value: Option<&[u8]>, headers: &Bound<'_, PyAny>) -> Option<usize> {
    let mut size = A_RECORD + key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len);
    walk(headers, |name, value| {
        size += A_HEADER + name.chars().count() + value.map_or(0, |v| v.as_bytes().len());
    })?;
    Some(size)
}
