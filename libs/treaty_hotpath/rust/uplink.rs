//! An accepted uplink, read from its record. Its texts stay where they are in the record's value.

use base64::prelude::{Engine, BASE64_STANDARD};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::headers::walk;
use crate::scan::{Place, Scan};

/// An accepted uplink (treaty_events.uplinks.UplinkAccepted, as ingestion lays it out), the record that brought
/// it, and what its headers tell.
#[pyclass(frozen, module = "treaty_hotpath")]
pub struct Arrival {
    #[pyo3(get)]
    record: Py<PyAny>,
    /// The EventId's text as it came, of which the index is no part of the place.
    identity: Py<PyBytes>,
    place: usize,
    #[pyo3(get)]
    pub traceparent: Option<Py<PyBytes>>,
    #[pyo3(get)]
    replayed: bool,
    value: Py<PyBytes>,
    device: Place,
    workspace: Place,
    site: Place,
    gateway: Place,
    model: Place,
    network: Place,
    external_id: Place,
    content_type: Place,
    dedup_id: Option<Place>,
    session: Option<Place>,
    link: Place,
    #[pyo3(get)]
    payload: Py<PyBytes>,
    #[pyo3(get)]
    f_port: Option<i64>,
    #[pyo3(get)]
    counter: Option<i64>,
    #[pyo3(get)]
    pub received_at: i64,
    #[pyo3(get)]
    pub observed_at: Option<i64>,
    #[pyo3(get)]
    pub late_after_ms: Option<i64>,
}

/// What headers tell.
struct Told {
    identity: Py<PyBytes>,
    place: usize,
    traceparent: Option<Py<PyBytes>>,
    replayed: bool,
}

impl Arrival {
    fn of(record: &Bound<'_, PyAny>, value: &Bound<'_, PyBytes>, told: Told) -> Option<Self> {
        let bytes = value.as_bytes();
        let mut scan = Scan::new(bytes)?;
        let mut after = |key: &[u8]| -> Option<Place> {
            scan.literal(key)?;
            scan.text()
        };
        let device = after(b"{\"device\":")?;
        let workspace = after(b",\"workspace\":")?;
        let site = after(b",\"site\":")?;
        let gateway = after(b",\"gateway\":")?;
        let model = after(b",\"model\":")?;
        let network = after(b",\"network\":")?;
        let external_id = after(b",\"external_id\":")?;
        scan.literal(b",\"received_at\":")?;
        let received_at = scan.integer()?;
        scan.literal(b",\"payload\":")?;
        let payload = BASE64_STANDARD.decode(&bytes[scan.text()?]).ok()?;
        scan.literal(b",\"content_type\":")?;
        let content_type = scan.text()?;
        scan.literal(b",\"f_port\":")?;
        let f_port = scan.nullable(Scan::integer)?;
        scan.literal(b",\"observed_at\":")?;
        let observed_at = scan.nullable(Scan::integer)?;
        scan.literal(b",\"dedup_id\":")?;
        let dedup_id = scan.nullable(Scan::text)?;
        scan.literal(b",\"session\":")?;
        let session = scan.nullable(Scan::text)?;
        scan.literal(b",\"counter\":")?;
        let counter = scan.nullable(Scan::integer)?;
        scan.literal(b",\"link\":")?;
        let from = scan.at();
        scan.nullable(link)?;
        let link = from..scan.at();
        scan.literal(b",\"late_after_ms\":")?;
        let late_after_ms = scan.nullable(Scan::integer)?;
        scan.literal(b"}")?;
        scan.ended().then(|| Self {
            record: record.clone().unbind(),
            identity: told.identity,
            place: told.place,
            traceparent: told.traceparent,
            replayed: told.replayed,
            value: value.clone().unbind(),
            device,
            workspace,
            site,
            gateway,
            model,
            network,
            external_id,
            content_type,
            dedup_id,
            session,
            link,
            payload: PyBytes::new(value.py(), &payload).unbind(),
            f_port,
            counter,
            received_at,
            observed_at,
            late_after_ms,
        })
    }

    pub fn pieces<'a>(&'a self, py: Python<'a>) -> Pieces<'a> {
        let bytes = self.value.as_bytes(py);
        Pieces {
            device: &bytes[self.device.clone()],
            workspace: &bytes[self.workspace.clone()],
            site: &bytes[self.site.clone()],
            gateway: &bytes[self.gateway.clone()],
            model: &bytes[self.model.clone()],
            place: &self.identity.as_bytes(py)[..self.place],
            link: &bytes[self.link.clone()],
        }
    }

    fn text<'py>(&self, py: Python<'py>, place: &Place) -> PyResult<Bound<'py, PyString>> {
        PyString::from_bytes(py, &self.value.as_bytes(py)[place.clone()])
    }
}

/// What goes into a reading as it stands in the uplink.
pub struct Pieces<'a> {
    pub device: &'a [u8],
    pub workspace: &'a [u8],
    pub site: &'a [u8],
    pub gateway: &'a [u8],
    pub model: &'a [u8],
    pub place: &'a [u8],
    pub link: &'a [u8],
}

#[pymethods]
impl Arrival {
    /// Itself: it has the uplink's fields.
    #[getter]
    fn uplink(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[getter]
    fn place<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        PyString::from_bytes(py, &self.identity.as_bytes(py)[..self.place])
    }

    /// Device and deduplication id with a NUL between them; None where the network gave no id.
    #[getter]
    fn delivery<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyString>>> {
        let Some(dedup_id) = &self.dedup_id else {
            return Ok(None);
        };
        let bytes = self.value.as_bytes(py);
        let mut text = Vec::with_capacity(80);
        text.extend_from_slice(&bytes[self.device.clone()]);
        text.push(0);
        text.extend_from_slice(&bytes[dedup_id.clone()]);
        PyString::from_bytes(py, &text).map(Some)
    }

    /// What a decoder is asked: payload, f_port, model, content_type, received_at.
    #[getter]
    fn message<'py>(&self, py: Python<'py>) -> PyResult<Message<'py>> {
        let payload = self.payload.bind(py).clone();
        Ok((
            payload,
            self.f_port,
            self.model(py)?,
            self.content_type(py)?,
            self.received_at,
        ))
    }

    #[getter]
    fn device<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.text(py, &self.device)
    }

    #[getter]
    fn workspace<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.text(py, &self.workspace)
    }

    #[getter]
    fn site<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.text(py, &self.site)
    }

    #[getter]
    fn gateway<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.text(py, &self.gateway)
    }

    #[getter]
    fn model<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.text(py, &self.model)
    }

    #[getter]
    fn network<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.text(py, &self.network)
    }

    #[getter]
    fn external_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.text(py, &self.external_id)
    }

    #[getter]
    fn content_type<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.text(py, &self.content_type)
    }

    #[getter]
    fn dedup_id<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyString>>> {
        self.dedup_id
            .as_ref()
            .map(|place| self.text(py, place))
            .transpose()
    }

    #[getter]
    fn session<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyString>>> {
        self.session
            .as_ref()
            .map(|place| self.text(py, place))
            .transpose()
    }
}

/// treaty_events.links.Link.
fn link(scan: &mut Scan) -> Option<()> {
    scan.literal(b"{\"rssi\":")?;
    scan.nullable(Scan::number)?;
    scan.literal(b",\"snr\":")?;
    scan.nullable(Scan::number)?;
    for key in [
        &b",\"spreading_factor\":"[..],
        b",\"frequency\":",
        b",\"bandwidth\":",
    ] {
        scan.literal(key)?;
        scan.nullable(Scan::integer)?;
    }
    scan.literal(b",\"radio_gateways\":[")?;
    if scan.found(b"]") {
        return scan.literal(b"}");
    }
    loop {
        scan.literal(b"{\"id\":")?;
        scan.text()?;
        scan.literal(b",\"rssi\":")?;
        scan.nullable(Scan::number)?;
        scan.literal(b",\"snr\":")?;
        scan.nullable(Scan::number)?;
        scan.literal(b"}")?;
        if scan.found(b"]") {
            return scan.literal(b"}");
        }
        scan.literal(b",")?;
    }
}

type Message<'py> = (
    Bound<'py, PyBytes>,
    Option<i64>,
    Bound<'py, PyString>,
    Bound<'py, PyString>,
    i64,
);

#[pyfunction]
pub fn read(
    record: &Bound<'_, PyAny>,
    value: &Bound<'_, PyBytes>,
    headers: &Bound<'_, PyAny>,
    replays: &str,
) -> Option<Arrival> {
    let mut identity = None;
    let mut traceparent = None;
    let mut replayed = false;
    walk(headers, |name, told| match name {
        "ce_id" => identity = told.map(|told| told.clone().unbind()),
        "traceparent" => traceparent = told.map(|told| told.clone().unbind()),
        _ => replayed |= name == replays,
    })?;
    let identity = identity?;
    let place = without_index(identity.as_bytes(value.py()))?.len();
    Arrival::of(
        record,
        value,
        Told {
            identity,
            place,
            traceparent,
            replayed,
        },
    )
}

/// An EventId's text (UUID:partition:offset:index) without its last part; None where it is none.
fn without_index(told: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(told).ok()?;
    let (place, index) = text.rsplit_once(':')?;
    let mut parts = place.split(':');
    let (uuid, partition, offset) = (parts.next()?, parts.next()?, parts.next()?);
    let number =
        |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let hexadecimal = uuid.len() == 36
        && uuid.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
        });
    let whole = parts.next().is_none() && number(partition, 10) && number(offset, 19) && number(index, 10);
    (hexadecimal && whole).then_some(place)
}
