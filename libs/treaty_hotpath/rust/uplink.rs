//! An accepted uplink, read from its record. Its texts stay where they are in the record's value.

use base64::prelude::{Engine, BASE64_STANDARD};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::headers::walk;
use crate::scan::{Place, Scan};

/// treaty_events.uplinks.UplinkAccepted, as ingestion lays it out.
#[pyclass(frozen, module = "treaty_hotpath")]
pub struct Uplink {
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

impl Uplink {
    fn of(value: &Bound<'_, PyBytes>) -> Option<Self> {
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
    pub link: &'a [u8],
}

#[pymethods]
impl Uplink {
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

type Found<'py> = (Uplink, Bound<'py, PyString>, Option<Bound<'py, PyBytes>>, bool);

#[pyfunction]
pub fn read<'py>(
    value: &Bound<'py, PyBytes>,
    headers: &Bound<'py, PyAny>,
    replays: &str,
) -> Option<Found<'py>> {
    let py = value.py();
    let mut place = None;
    let mut traceparent = None;
    let mut replayed = false;
    walk(headers, |name, told| match name {
        "ce_id" => {
            place = told
                .and_then(|told| without_index(told.as_bytes()))
                .map(|t| PyString::new(py, t))
        }
        "traceparent" => traceparent = told.cloned(),
        _ => replayed |= name == replays,
    })?;
    Some((Uplink::of(value)?, place?, traceparent, replayed))
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
