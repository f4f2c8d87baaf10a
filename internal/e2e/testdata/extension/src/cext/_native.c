#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *args) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, NULL}, {NULL}};
static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, .m_name = "_native", .m_methods = methods, .m_size = -1};
PyMODINIT_FUNC PyInit__native(void) { return PyModule_Create(&def); }
