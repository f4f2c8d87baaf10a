package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// hog uses as many megabytes of memory, and waits.
func hog(args []string) {
	n, _ := strconv.Atoi(args[0])
	var held [][]byte
	for range n {
		block := make([]byte, 1<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		held = append(held, block)
	}
	fmt.Println("holds", len(held))
	time.Sleep(time.Minute)
}

// hogs starts processes that use as many megabytes each, and waits for the first one to end.
func hogs(args []string) {
	n, _ := strconv.Atoi(args[0])
	ended := make(chan error)
	for range n {
		go func() { ended <- exec.Command("/program", "hog", args[1]).Run() }()
	}
	check(<-ended)
}

// forks starts processes until no more are to be had, and says how many and why. They do nothing but wait: each is a
// copy of this one without its threads, so that none of Go works in there.
func forks([]string) {
	for n := 0; ; n++ {
		pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
		if errno != 0 || n == 5000 {
			fmt.Println(n, errno == syscall.EAGAIN)
			return
		}
		for pid == 0 {
			syscall.RawSyscall6(syscall.SYS_PPOLL, 0, 0, 0, 0, 0, 0)
		}
	}
}

// bomb starts processes that start processes, without an end.
func bomb([]string) {
	for {
		syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	}
}

// big writes a file of as many megabytes.
func big(args []string) {
	n, _ := strconv.Atoi(args[1])
	f, err := os.Create(args[0])
	check(err)
	block := make([]byte, 1<<20)
	for i := range n {
		block[0] = byte(i)
		if _, err := f.Write(block); err != nil {
			fmt.Println(i < n, errors.Is(err, syscall.EFBIG), errors.Is(err, syscall.ENOSPC))
			os.Exit(1)
		}
	}
	check(f.Close())
	fmt.Println("written")
}

// many writes files of a megabyte, and waits.
func many(args []string) {
	n, _ := strconv.Atoi(args[1])
	for i := range n {
		check(os.MkdirAll(fmt.Sprintf("%s/%d", args[0], i%7), 0o755))
		check(os.WriteFile(fmt.Sprintf("%s/%d/%d", args[0], i%7, i), make([]byte, 1<<20), 0o644))
	}
	fmt.Println("written")
	if len(args) < 3 {
		time.Sleep(time.Minute)
	}
}
