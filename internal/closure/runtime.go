package closure

import "path"

// injected is what the NVIDIA container runtime mounts into a container that asks for a GPU: the half of the driver
// that must fit the kernel's, which therefore no image has. Where there is no GPU, the packages that need them say so.
// See https://github.com/NVIDIA/libnvidia-container/blob/main/src/nvc_info.c, its tables of libraries.
var injected = []string{
	"libcuda.so.1",
	"libcudadebugger.so.1",
	"libnvcuvid.so.1",
	"libnvidia-*.so.*",
	"libnvoptix.so.1",
	"libvdpau_nvidia.so.1",
	"libEGL_nvidia.so.*",
	"libGLESv1_CM_nvidia.so.*",
	"libGLESv2_nvidia.so.*",
	"libGLX_nvidia.so.*",
}

// spare are modules that their distribution imports to see whether it can, and does without if not. Each was tried:
// the distribution works in an image that lacks the library. Other such files are for the configuration to name.
var spare = []struct{ distribution, module string }{
	{"numba", "omppool.*.so"}, // threading layers beside its own: OpenMP,
	{"numba", "tbbpool.*.so"}, // and Intel's
}

// isSpare reports a file of the table.
func isSpare(f *file) bool {
	for _, s := range spare {
		if f.Package == s.distribution && matches([]string{s.module}, path.Base(f.Path)) {
			return true
		}
	}
	return false
}
