// Program is what the tests of execute run in a root: each verb does one thing and says what it saw.
package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var verbs = map[string]func(args []string){
	"exit":     func(args []string) { n, _ := strconv.Atoi(args[0]); os.Exit(n) },
	"kill":     kill,
	"args":     func(args []string) { fmt.Printf("%q %q\n", args, os.Environ()) },
	"cwd":      func([]string) { dir, err := os.Getwd(); fmt.Println(dir, err) },
	"ids":      func([]string) { fmt.Println(os.Getuid(), os.Getgid(), os.Geteuid(), os.Getegid()) },
	"sum":      sum,
	"both":     func([]string) { fmt.Print("out"); fmt.Fprint(os.Stderr, "err") },
	"fill":     fill,
	"wait":     func([]string) { fmt.Println("waiting"); time.Sleep(time.Hour) },
	"catch":    catch,
	"orphan":   orphan,
	"child":    func(args []string) { d, _ := time.ParseDuration(args[0]); time.Sleep(d) },
	"write":    write,
	"read":     read,
	"status":   status,
	"pids":     func([]string) { fmt.Println(strings.Join(pids(), " ")) },
	"fds":      fds,
	"net":      interfaces,
	"get":      get,
	"serve":    serve,
	"dev":      dev,
	"ls":       ls,
	"stat":     stat,
	"echo":     echo,
	"terminal": terminal,
	"hog":      hog,
	"hogs":     hogs,
	"bomb":     bomb,
	"big":      big,
	"many":     many,
	"forks":    forks,
	"escape":   escape,
	"outside":  outside,
}

func main() {
	if len(os.Args) < 2 {
		os.Exit(2)
	}
	verbs[os.Args[1]](os.Args[2:])
}

func check(err error) {
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

// kill ends this process by a signal.
func kill(args []string) {
	n, _ := strconv.Atoi(args[0])
	check(syscall.Kill(os.Getpid(), syscall.Signal(n)))
	time.Sleep(time.Minute)
}

func sum([]string) {
	h := sha256.New()
	n, err := io.Copy(h, os.Stdin)
	check(err)
	fmt.Printf("%d %x\n", n, h.Sum(nil))
}

func fill(args []string) {
	n, _ := strconv.Atoi(args[0])
	block := strings.Repeat("x", 1<<16)
	for ; n > 0; n -= len(block) {
		fmt.Print(block[:min(n, len(block))])
	}
}

// catch exits with 40 plus the number of the first signal that comes.
func catch([]string) {
	c := make(chan os.Signal, 1)
	signal.Notify(c)
	signal.Reset(syscall.SIGURG)
	fmt.Println("waiting")
	s := <-c
	fmt.Println(s)
	os.Exit(40 + int(s.(syscall.Signal)))
}

// orphan leaves a grandchild behind that ends soon, and then looks for zombies.
func orphan(args []string) {
	if len(args) > 0 {
		check(exec.Command("/program", "child", "50ms").Start())
		return
	}
	for range 5 {
		check(exec.Command("/program", "orphan", "middle").Run())
	}
	deadline := time.Now().Add(5 * time.Second)
	for len(pids()) > 2 && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
	fmt.Println(strings.Join(pids(), " "))
}

func pids() []string {
	paths, _ := filepath.Glob("/proc/[0-9]*")
	for i, p := range paths {
		if paths[i] = filepath.Base(p); paths[i] == strconv.Itoa(os.Getpid()) {
			paths[i] = "self" // the threads of the init process have taken numbers before
		}
	}
	sort.Strings(paths)
	return paths
}

func write(args []string) {
	for _, path := range args {
		fmt.Printf("%s: %v\n", path, os.WriteFile(path, []byte("written"), 0o644))
	}
}

func read(args []string) {
	data, err := os.ReadFile(args[0])
	check(err)
	fmt.Print(string(data))
}

func status([]string) {
	data, err := os.ReadFile("/proc/self/status")
	check(err)
	for _, line := range strings.Split(string(data), "\n") {
		if strings.HasPrefix(line, "Cap") || strings.HasPrefix(line, "NoNewPrivs") {
			fmt.Println(strings.Join(strings.Fields(line), " "))
		}
	}
}

// fds lists open files but for those of the Go runtime and of the listing itself.
func fds([]string) {
	dir, err := os.Open("/proc/self/fd")
	check(err)
	names, err := dir.Readdirnames(-1)
	check(err)
	for _, name := range names {
		target, err := os.Readlink("/proc/self/fd/" + name)
		if n, _ := strconv.Atoi(name); n > 2 && err == nil && !strings.HasPrefix(target, "anon_inode:") &&
			!strings.HasSuffix(target, "/fd") {
			fmt.Println(name, target)
		}
	}
}

func interfaces([]string) {
	all, err := net.Interfaces()
	check(err)
	for _, i := range all {
		fmt.Println(i.Name, i.Flags&net.FlagUp != 0)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	_, err = net.Dial("tcp", l.Addr().String())
	check(err)
}

func get(args []string) {
	client := http.Client{Timeout: 5 * time.Second}
	r, err := client.Get(args[0])
	check(err)
	_, err = io.Copy(os.Stdout, r.Body)
	check(err)
}

func serve([]string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Println(l.Addr())
	check(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })))
}

// dev tries what a small /dev must have.
func dev([]string) {
	check(os.WriteFile("/dev/null", []byte("x"), 0))
	check(os.WriteFile("/dev/shm/x", []byte("x"), 0o644))
	f, err := os.Open("/dev/urandom")
	check(err)
	_, err = io.ReadFull(f, make([]byte, 16))
	check(err)
	fmt.Println(os.WriteFile("/dev/new", nil, 0o644) != nil)
	ls([]string{"/dev"})
}

func ls(args []string) {
	entries, err := os.ReadDir(args[0])
	check(err)
	for _, e := range entries {
		fmt.Println(e.Name())
	}
}

func stat(args []string) {
	for _, path := range args {
		info, err := os.Stat(path)
		check(err)
		fmt.Println(path, info.Mode())
	}
}

func echo([]string) {
	_, err := io.Copy(os.Stdout, os.Stdin)
	check(err)
}

// terminal reports on its terminal, and reads one line from it.
func terminal([]string) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	check(err)
	fmt.Fprintln(tty, "tty")
	link, err := os.Readlink("/proc/self/fd/0")
	check(err)
	fmt.Println(link)
	line := make([]byte, 100)
	n, err := os.Stdin.Read(line)
	check(err)
	fmt.Printf("read %q\n", line[:n])
}
