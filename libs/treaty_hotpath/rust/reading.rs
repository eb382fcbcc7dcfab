//! A reading as JSON, written into one buffer without an object for each part of it.

use std::collections::HashMap;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::text::{push_float, push_instant, push_text};
use crate::uplink::Arrival;

/// A measurement's JSON up to its value and from there to its quality, and which values are plausible.
struct Measured {
    before: Vec<u8>,
    after: Vec<u8>,
    low: f64,
    high: f64,
    conversion: Option<(f64, f64, f64)>,
}

/// A property's JSON up to its value, what it may be, and as JSON which values it may have.
struct Property {
    before: Vec<u8>,
    kind: String,
    values: Option<Vec<Vec<u8>>>,
}

type Measurements = HashMap<String, (Vec<u8>, Vec<u8>, f64, f64, Option<(f64, f64, f64)>)>;
type Properties = HashMap<String, (Vec<u8>, String, Option<Vec<Vec<u8>>>)>;

#[pyclass(frozen, module = "treaty_hotpath")]
pub struct ReadingWriter {
    measurements: HashMap<String, Measured>,
    properties: HashMap<String, Property>,
    provenance: Vec<u8>,
    headers: Vec<Py<PyTuple>>,
    tolerance_ms: i64,
    last_ms: i64,
}

type Written<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyList>);

#[pymethods]
impl ReadingWriter {
    #[new]
    fn new(
        measurements: Measurements,
        properties: Properties,
        provenance: Vec<u8>,
        headers: Vec<Py<PyTuple>>,
        tolerance_ms: i64,
        last_ms: i64,
    ) -> Self {
        let measurements = measurements.into_iter().map(|(name, it)| {
            let (before, after, low, high, conversion) = it;
            (
                name,
                Measured {
                    before,
                    after,
                    low,
                    high,
                    conversion,
                },
            )
        });
        let properties = properties
            .into_iter()
            .map(|(name, (before, kind, values))| (name, Property { before, kind, values }));
        Self {
            measurements: measurements.collect(),
            properties: properties.collect(),
            provenance,
            headers,
            tolerance_ms,
            last_ms,
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn write<'py>(
        &self,
        py: Python<'py>,
        arrival: PyRef<'py, Arrival>,
        measurements: &Bound<'py, PyDict>,
        properties: &Bound<'py, PyDict>,
        position: &[u8],
        observed_at: Option<i64>,
        index: usize,
    ) -> Option<Written<'py>> {
        let received_at = arrival.received_at;
        let observed_at = observed_at.or(arrival.observed_at).unwrap_or(received_at);
        if !(0..=self.last_ms).contains(&observed_at) || !(0..=self.last_ms).contains(&received_at) {
            return None;
        }
        let latest = received_at + self.tolerance_ms;
        let late = arrival
            .late_after_ms
            .is_some_and(|after| received_at - observed_at > after);
        let (ordered_at, quality) = match (observed_at > latest, late) {
            (true, _) => (latest, &b"suspect"[..]),
            (false, true) => (observed_at, &b"late"[..]),
            (false, false) => (observed_at, &b"good"[..]),
        };
        let pieces = arrival.pieces(py);
        let mut out = Vec::with_capacity(2048);
        for (key, text) in [
            (&b"{\"device\":\""[..], pieces.device),
            (b"\",\"workspace\":\"", pieces.workspace),
            (b"\",\"site\":\"", pieces.site),
            (b"\",\"gateway\":\"", pieces.gateway),
            (b"\",\"model\":\"", pieces.model),
        ] {
            out.extend_from_slice(key);
            out.extend_from_slice(text);
        }
        out.extend_from_slice(b"\",\"observed_at\":");
        push_instant(&mut out, observed_at);
        out.extend_from_slice(b",\"ordered_at\":");
        push_instant(&mut out, ordered_at);
        out.extend_from_slice(b",\"received_at\":");
        push_instant(&mut out, received_at);
        out.extend_from_slice(b",\"measurements\":[");
        self.push_measurements(&mut out, measurements, quality)?;
        out.extend_from_slice(b"],\"properties\":{");
        self.push_properties(&mut out, properties)?;
        out.extend_from_slice(&self.provenance);
        out.push(b'"');
        out.extend_from_slice(pieces.place);
        out.extend_from_slice(b":0\"},\"position\":");
        out.extend_from_slice(position);
        out.extend_from_slice(b",\"link\":");
        out.extend_from_slice(pieces.link);
        out.push(b'}');
        let headers = self.headers_of(py, &arrival, pieces.place, index).ok()?;
        Some((PyBytes::new(py, pieces.device), PyBytes::new(py, &out), headers))
    }
}

impl ReadingWriter {
    /// Those of every reading, then its id and the trace it belongs to.
    fn headers_of<'py>(
        &self,
        py: Python<'py>,
        arrival: &Arrival,
        place: &[u8],
        index: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        let mut identity = Vec::with_capacity(place.len() + 4);
        identity.extend_from_slice(place);
        identity.push(b':');
        identity.extend_from_slice(itoa::Buffer::new().format(index).as_bytes());
        let headers = PyList::new(py, self.headers.iter().map(|header| header.bind(py)))?;
        headers.append((intern!(py, "ce_id"), PyBytes::new(py, &identity)))?;
        if let Some(traceparent) = &arrival.traceparent {
            headers.append((intern!(py, "traceparent"), traceparent.bind(py)))?;
        }
        Ok(headers)
    }

    fn push_measurements(&self, out: &mut Vec<u8>, told: &Bound<'_, PyDict>, quality: &[u8]) -> Option<()> {
        for (index, (name, value)) in told.iter().enumerate() {
            let measured = self
                .measurements
                .get(name.cast::<PyString>().ok()?.to_str().ok()?)?;
            let value = value.cast::<PyFloat>().ok()?.value();
            let canonical = match measured.conversion {
                None => value,
                Some((factor, divisor, offset)) => value * factor / divisor + offset,
            };
            if !canonical.is_finite() {
                return None;
            }
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&measured.before);
            push_float(out, canonical);
            out.extend_from_slice(&measured.after);
            let plausible = measured.low <= canonical && canonical <= measured.high;
            out.extend_from_slice(if plausible { quality } else { b"suspect" });
            out.extend_from_slice(b"\"}");
        }
        Some(())
    }

    fn push_properties(&self, out: &mut Vec<u8>, told: &Bound<'_, PyDict>) -> Option<()> {
        for (index, (name, value)) in told.iter().enumerate() {
            let property = self
                .properties
                .get(name.cast::<PyString>().ok()?.to_str().ok()?)?;
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&property.before);
            let from = out.len();
            match property.kind.as_str() {
                "boolean" => {
                    let value = value.cast_exact::<PyBool>().ok()?.is_true();
                    out.extend_from_slice(if value { b"true" } else { b"false" });
                }
                "string" => push_text(out, value.cast_exact::<PyString>().ok()?.to_str().ok()?)?,
                "number" if value.is_exact_instance_of::<PyFloat>() => {
                    let value = value.cast::<PyFloat>().ok()?.value();
                    value.is_finite().then(|| push_float(out, value))?;
                }
                _ => {
                    let value: i64 = value.cast_exact::<PyInt>().ok()?.extract().ok()?;
                    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
                }
            }
            if let Some(values) = &property.values {
                values.iter().any(|value| value == &out[from..]).then_some(())?;
            }
        }
        Some(())
    }
}
