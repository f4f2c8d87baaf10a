package project

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/application"
	"github.com/lithe-build/lithe/internal/python/version"
)

// server is a program that serves applications, and what it needs in a container.
type server struct {
	program       string   // in /venv/bin
	distributions []string // normalized names of those that bring it
	asgi, wsgi    bool     // which interface of applications it knows
	call          func(application.Application) []string
	flags         []serverFlag
	ports         []string // flags whose value ends with the port on which it listens
	first         bool     // flags stand before the application
	with          string   // a distribution whose presence says that the server is meant so; "" for none
	last          bool     // it is taken where there is no other, from this release on
	from          string   // likewise, "" for all
}

// serverFlag is an argument that a server gets unless its command or its own configuration says otherwise.
type serverFlag struct {
	names  []string // with any of these, nothing is added
	conf   []string // settings of the server's own file that say the same
	add    []string // PORT stands for the port
	reason string
	from   string // the release that has it, "" for all
}

const anyHost = "a container is reached from outside of itself"

// uvicornWorker is the distribution that lets gunicorn serve ASGI by uvicorn, and does nothing else.
const uvicornWorker = "uvicorn-worker"

// gunicornFlags are those of gunicorn, after what says which kind of worker serves.
func gunicornFlags(worker ...serverFlag) []serverFlag {
	return append(worker,
		serverFlag{names: []string{"--bind", "-b"}, conf: []string{"bind"}, add: []string{"--bind", "0.0.0.0:PORT"}, reason: anyHost},
		serverFlag{names: []string{"--worker-tmp-dir"}, conf: []string{"worker_tmp_dir"}, add: []string{"--worker-tmp-dir", "/dev/shm"},
			reason: "heartbeats of workers stay in memory; a disk may block them"},
		serverFlag{names: []string{"--no-control-socket", "--control-socket"}, conf: []string{"control_socket", "control_socket_disable"},
			add: []string{"--no-control-socket"}, from: "25.1", reason: "the socket would need a folder to write to"})
}

// gunicornWorker is the kind of worker by which gunicorn serves.
func gunicornWorker(class, reason string) serverFlag {
	return serverFlag{names: []string{"--worker-class", "-k"}, conf: []string{"worker_class"}, add: []string{"--worker-class", class}, reason: reason}
}

// allServers are the servers, in order of preference.
var allServers = []server{
	{program: "gunicorn", distributions: []string{"gunicorn"}, asgi: true, call: called, ports: []string{"--bind", "-b"}, with: uvicornWorker,
		flags: gunicornFlags(gunicornWorker("uvicorn_worker.UvicornWorker", "uvicorn-worker is locked, and serves ASGI by uvicorn"))},
	{program: "uvicorn", distributions: []string{"uvicorn"}, asgi: true, ports: []string{"--port"},
		call: func(a application.Application) []string {
			if a.Factory {
				return []string{a.Module + ":" + a.Name, "--factory"}
			}
			return []string{a.Module + ":" + a.Name}
		},
		flags: []serverFlag{
			{names: []string{"--host", "--uds", "--fd"}, add: []string{"--host", "0.0.0.0"}, reason: anyHost},
			{names: []string{"--port", "--uds", "--fd"}, add: []string{"--port", "PORT"}, reason: "the port that the image exposes"},
		}},
	{program: "gunicorn", distributions: []string{"gunicorn"}, wsgi: true, call: called, ports: []string{"--bind", "-b"}, flags: gunicornFlags()},
	{program: "hypercorn", distributions: []string{"hypercorn"}, asgi: true, call: called, ports: []string{"--bind", "-b"},
		flags: []serverFlag{{names: []string{"--bind", "-b"}, add: []string{"--bind", "0.0.0.0:PORT"}, reason: anyHost}}},
	{program: "granian", distributions: []string{"granian"}, asgi: true, wsgi: true, ports: []string{"--port"},
		call: func(a application.Application) []string {
			line := []string{"--interface", map[bool]string{true: "asgi", false: "wsgi"}[isASGI(a.Framework)]}
			if a.Factory {
				line = append(line, "--factory")
			}
			return append(line, a.Module+":"+a.Name)
		},
		flags: []serverFlag{
			{names: []string{"--host", "--uds"}, add: []string{"--host", "0.0.0.0"}, reason: anyHost},
			{names: []string{"--port", "--uds"}, add: []string{"--port", "PORT"}, reason: "the port that the image exposes"},
		}},
	{program: "daphne", distributions: []string{"daphne"}, asgi: true, ports: []string{"-p", "--port"},
		call: func(a application.Application) []string {
			if a.Factory {
				return nil // it knows none
			}
			return []string{a.Module + ":" + a.Name}
		},
		flags: []serverFlag{
			{names: []string{"-b", "--bind", "-u", "--unix-socket", "-e", "--endpoint", "--fd"}, add: []string{"-b", "0.0.0.0"}, reason: anyHost},
			{names: []string{"-p", "--port", "-u", "--unix-socket", "-e", "--endpoint", "--fd"}, add: []string{"-p", "PORT"}, reason: "the port that the image exposes"},
		}},
	{program: "gunicorn", distributions: []string{"gunicorn"}, asgi: true, call: called, ports: []string{"--bind", "-b"}, last: true, from: "25",
		flags: gunicornFlags(gunicornWorker("asgi", "its own worker serves ASGI"))},
	{program: "uwsgi", distributions: []string{"uwsgi", "pyuwsgi"}, wsgi: true, ports: []string{"--http-socket", "--http"},
		call: func(a application.Application) []string { return append([]string{"--module"}, called(a)...) },
		flags: []serverFlag{
			{names: []string{"--http", "--http-socket", "--https", "--socket", "-s", "--uwsgi-socket", "--fastcgi-socket"},
				conf: []string{"http", "http-socket", "https", "socket", "uwsgi-socket", "fastcgi-socket"},
				add:  []string{"--http-socket", "0.0.0.0:PORT"}, reason: anyHost},
			{names: []string{"--master", "-M"}, conf: []string{"master"}, add: []string{"--master"}, reason: "process 1 looks after the workers"},
			{names: []string{"--need-app"}, conf: []string{"need-app"}, add: []string{"--need-app"}, reason: "without its application it ends, and does not answer with errors"},
			{names: []string{"--die-on-term"}, conf: []string{"die-on-term"}, add: []string{"--die-on-term"}, reason: "SIGTERM would reload it otherwise"},
			{names: []string{"--home", "-H", "--virtualenv", "--venv", "--pyhome"}, conf: []string{"home", "virtualenv", "venv", "pyhome"},
				add: []string{"--home", "/venv"}, reason: "it has an interpreter of its own, which must find the packages"},
		}},
	{program: "waitress-serve", distributions: []string{"waitress"}, wsgi: true, first: true, ports: []string{"--listen", "--port"},
		call: func(a application.Application) []string {
			if a.Factory {
				return []string{"--call", a.Module + ":" + a.Name}
			}
			return []string{a.Module + ":" + a.Name}
		},
		flags: []serverFlag{{names: []string{"--listen", "--host", "--port", "--unix-socket"}, add: []string{"--listen=0.0.0.0:PORT"}, reason: anyHost}}},
	{program: "streamlit", distributions: []string{"streamlit"}, ports: []string{"--server.port"},
		flags: []serverFlag{
			{names: []string{"--server.address"}, conf: []string{"server.address"}, add: []string{"--server.address", "0.0.0.0"}, reason: anyHost},
			{names: []string{"--server.port"}, conf: []string{"server.port"}, add: []string{"--server.port", "PORT"}, reason: "the port that the image exposes"},
			{names: []string{"--server.headless"}, conf: []string{"server.headless"}, add: []string{"--server.headless", "true"}, reason: "it would ask for an e-mail address and open a browser"},
		}},
}

// called writes a factory as its call.
func called(a application.Application) []string {
	if a.Factory {
		return []string{a.Module + ":" + a.Name + "()"}
	}
	return []string{a.Module + ":" + a.Name}
}

func isASGI(framework string) bool {
	return framework != application.Flask && framework != application.Django
}

// locked returns the distribution that brings the server.
func (s server) locked(in *surroundings) (Locked, bool) {
	for _, name := range s.distributions {
		if l, ok := in.Locked[name]; ok {
			return l, true
		}
	}
	return Locked{}, false
}

// serversFor returns the locked servers that can serve a framework's applications: those that the project itself requires
// first, since others come along with something else.
func serversFor(framework string, in *surroundings) []server {
	var direct, other []server
	for _, s := range allServers {
		l, ok := s.locked(in)
		switch {
		case !ok || isASGI(framework) && !s.asgi || !isASGI(framework) && !s.wsgi:
		case s.with != "" && !in.has(s.with), s.from != "" && !reaches(l.Version, s.from):
		case l.Direct && !s.last:
			direct = append(direct, s)
		default:
			other = append(other, s)
		}
	}
	return append(direct, other...)
}

// serverCalled returns the server that a program of /venv/bin is, as one of whose application nothing is known.
func serverCalled(program string) (server, bool) {
	i := slices.IndexFunc(allServers, func(s server) bool { return s.program == program && s.with == "" && !s.last })
	if i < 0 {
		return server{}, false
	}
	return allServers[i], true
}

// complete adds the flags that a server needs in a container to its arguments, each with its reason, and returns the port
// on which it listens, "" where that is not known.
func (s server) complete(args []string, in *surroundings) (line []string, port string, why []Evidence) {
	own := in.settings(s.program, args...)
	locked, _ := s.locked(in)
	var added []string
	for _, f := range s.flags {
		if f.from != "" && !reaches(locked.Version, f.from) || own.sets(f.conf) || hasFlag(args, f.names) {
			continue
		}
		add := slices.Clone(f.add)
		for i := range add {
			add[i] = strings.ReplaceAll(add[i], "PORT", in.port(s))
		}
		added = append(added, add...)
		why = append(why, Evidence{Decision: "server flag", Value: strings.Join(add, " "), Reason: s.program + ": " + f.reason,
			Pos: locked.Pos, Override: "entrypoint"})
	}
	if s.first {
		line = append(added, args...)
	} else {
		line = append(slices.Clone(args), added...)
	}
	return line, cmp.Or(portOf(line, s.ports), own.port(s)), why
}

// hasFlag reports whether arguments have a flag: "--bind", "--bind=…", and of one letter also "-b…".
func hasFlag(args, names []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool { _, ok := flagValue(arg, names); return ok })
}

// flagValue returns what stands in an argument behind a flag.
func flagValue(arg string, names []string) (value string, ok bool) {
	for _, name := range names {
		if rest, found := strings.CutPrefix(arg, name); found && (rest == "" || rest[0] == '=' || len(name) == 2 && name[1] != '-') {
			return strings.TrimPrefix(rest, "="), true
		}
	}
	return "", false
}

// portOf returns the port in the value of the last of these flags.
func portOf(args, names []string) (port string) {
	for i, arg := range args {
		value, ok := flagValue(arg, names)
		if !ok {
			continue
		}
		if value == "" && i+1 < len(args) {
			value = args[i+1]
		}
		port = portIn(value)
	}
	return port
}

// portIn returns the port of an address, "" for one that is none, as that of a Unix socket, or that only this machine
// reaches.
func portIn(address string) string {
	i := strings.LastIndexByte(address, ':')
	if i > 0 && slices.Contains([]string{"127.0.0.1", "localhost", "[::1]"}, address[:i]) {
		return ""
	}
	if n, err := strconv.Atoi(address[i+1:]); err == nil && n > 0 && n < 1<<16 {
		return fmt.Sprint(n)
	}
	return ""
}

// reaches reports whether a version is at least another one.
func reaches(have, want string) bool {
	h, err := version.Parse(have)
	if err != nil {
		return false
	}
	w, err := version.Parse(want)
	return err == nil && h.Compare(w) >= 0
}
