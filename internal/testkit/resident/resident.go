//go:build linux

// Package resident measures how much memory a program had at most. A process goes in, and bytes come out. What wait tells of a
// child is no measure: it counts the test from which the child was started.
// See https://man7.org/linux/man-pages/man5/proc_pid_status.5.html.
package resident

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Peak watches a process until it ends, and then tells the most memory that was resident, in bytes. The kernel keeps the mark,
// so that looking now and then is enough: what a process takes in its last hundredth of a second is missed.
func Peak(pid int) <-chan int64 {
	told := make(chan int64, 1)
	go func() {
		var most int64
		for now := highWater(pid); now != 0; now = highWater(pid) {
			most = now
			time.Sleep(10 * time.Millisecond)
		}
		told <- most
	}()
	return told
}

// highWater returns VmHWM of a process, 0 for one that is gone: what has ended and was not waited for has no such line.
func highWater(pid int) int64 {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}
