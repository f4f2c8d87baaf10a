use pyo3::prelude::*;

/// How many words a text has.
#[pyfunction]
fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

#[pymodule]
fn _counter(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(words, m)?)
}
