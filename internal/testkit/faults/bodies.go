package faults

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
)

// Stall sends a share of the body, in hundredths, and then nothing; it ends with the client.
func Stall(percent int) Fault {
	return cut(percent, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
}

// Truncate sends a share of the body, in hundredths, and closes the connection.
func Truncate(percent int) Fault {
	return cut(percent, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
}

// Reset sends a share of the body, in hundredths, and breaks the connection.
func Reset(percent int) Fault {
	return cut(percent, func(w http.ResponseWriter, _ *http.Request) { reset(w) })
}

// Alter changes the last byte of the body.
func Alter() Fault {
	return spoil(func(body []byte) []byte {
		if len(body) > 0 {
			body[len(body)-1] ^= 1
		}
		return body
	})
}

// Shorten leaves out the last byte, and says so in the length: another file, whole.
func Shorten() Fault {
	return spoil(func(body []byte) []byte { return body[:max(len(body)-1, 0)] })
}

// Endless sends the body without its length, and then goes on until the client has enough.
func Endless() Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		answer := record(r, next)
		writeHeader(w, answer)
		_, err := w.Write(answer.Body.Bytes())
		more := bytes.Repeat([]byte("more and more "), 1<<12)
		for err == nil && r.Context().Err() == nil {
			_, err = w.Write(more)
		}
	}
}

// cut sends a share of the handler's body under the length of the whole, and then lets end decide.
func cut(percent int, end func(http.ResponseWriter, *http.Request)) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		answer := record(r, next)
		body := answer.Body.Bytes()
		length(w.Header(), len(body))
		writeHeader(w, answer)
		_, _ = w.Write(body[:len(body)*percent/100])
		_ = http.NewResponseController(w).Flush()
		end(w, r)
	}
}

// spoil sends another body under its true length.
func spoil(change func([]byte) []byte) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		answer := record(r, next)
		body := change(slices.Clone(answer.Body.Bytes()))
		length(w.Header(), len(body))
		writeHeader(w, answer)
		_, _ = w.Write(body)
	}
}

// record lets the handler answer to nobody.
func record(r *http.Request, next http.Handler) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	next.ServeHTTP(answer, r)
	return answer
}

// writeHeader passes a recorded header on, but for the length, which is the fault's to tell.
func writeHeader(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	for name, values := range answer.Header() {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(answer.Code)
}
