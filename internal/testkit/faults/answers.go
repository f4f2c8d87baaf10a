package faults

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Status answers with a status and headers, given as name and value in turn.
func Status(code int, headers ...string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		http.Error(w, http.StatusText(code), code)
	}
}

// Page answers 200 with a page that has nothing to do with the request, as captive portals and broken proxies do.
func Page(contentType, body string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte(body))
	}
}

// Silence takes the request and never answers; it ends with the client.
func Silence() Fault {
	return func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body) // only behind its end does a server see that the client leaves
		<-r.Context().Done()
	}
}

// Slow lets the handler answer after a while.
func Slow(wait time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		select {
		case <-time.After(wait):
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}
}

// Hangup closes the connection without an answer.
func Hangup() Fault {
	return func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }
}

// Loop redirects to where the request already is.
func Loop() Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		http.Redirect(w, r, r.URL.RequestURI(), http.StatusFound)
	}
}

// Elsewhere redirects to the same path of another server.
func Elsewhere(origin string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		http.Redirect(w, r, origin+r.URL.RequestURI(), http.StatusFound)
	}
}

// Password wants a user's name and password, and lets the handler answer to those who have them.
func Password(user, password string) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if u, p, ok := r.BasicAuth(); ok && u == user && p == password {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		http.Error(w, "who are you", http.StatusUnauthorized)
	}
}

// reset breaks a connection without a goodbye, so that the client reads an error and no end.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2 resets the stream for it
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// length writes the header for a body of n bytes.
func length(h http.Header, n int) { h.Set("Content-Length", strconv.Itoa(n)) }
