package bench

import (
	"io"
	"os"
	"strconv"
	"strings"
)

// maxProc is how much of a file of the kernel's is read.
const maxProc = 64 << 10

// proc returns a file of the kernel's, "" where there is none.
func proc(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	data, _ := io.ReadAll(io.LimitReader(f, maxProc))
	return string(data)
}

// field returns what stands behind a name in lines of "name : value".
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func kernel() string {
	if release := strings.TrimSpace(proc("/proc/sys/kernel/osrelease")); release != "" {
		return ", kernel " + release
	}
	return ""
}

func processor() string { return field(proc("/proc/cpuinfo"), "model name") }

// memory is the machine's, in bytes.
func memory() int64 {
	kilobytes, _, _ := strings.Cut(field(proc("/proc/meminfo"), "MemTotal"), " ")
	n, _ := strconv.ParseInt(kilobytes, 10, 64)
	return n << 10
}

// loadAverage is that of the last minute, 0 where nobody knows.
func loadAverage() float64 {
	one, _, _ := strings.Cut(proc("/proc/loadavg"), " ")
	n, _ := strconv.ParseFloat(one, 64)
	return n
}
