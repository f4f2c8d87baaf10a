package bytecode

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/store"
)

// driver is what the interpreter runs. Its first comment says what goes in and out.
//
//go:embed driver.py
var driver string

// driverDigest is part of all keys.
func driverDigest() string { return store.DigestBytes([]byte(driver)) }

// maxAnswer bounds one answer of the interpreter. Bytecode is some times the size of its source at most.
const maxAnswer = 512 << 20

// maxComplaint bounds what is kept of an interpreter's last words.
const maxComplaint = 4 << 10

// worker is one interpreter process. It serves one caller at a time.
type worker struct {
	to     *os.File
	from   *os.File
	out    *bufio.Reader
	cancel context.CancelFunc
	ended  chan struct{} // closed when the process is gone; then err says why
	err    error
	errs   tail
	id     string
	greet  bool // the first answer has come
	lost   bool // it has ended, is about to, or is in the middle of an answer
}

// answer is what the interpreter makes of one source: a .pyc file that is not canonical yet, or a reason.
type answer struct {
	pyc    []byte
	reason string
}

// startWorker starts an interpreter. It outlives the call that it is started for, so it does not end with ctx. The
// flags keep the environment, the user's folders and site-packages out; -I would also ignore the hash seed.
func startWorker(ctx context.Context, opt Options) *worker {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w := &worker{cancel: cancel, ended: make(chan struct{}), id: opt.ID}
	in, to, err := os.Pipe()
	if err != nil {
		return w.failed(err)
	}
	from, out, err := os.Pipe()
	if err != nil {
		_, _ = in.Close(), to.Close()
		return w.failed(err)
	}
	w.to, w.from, w.out = to, from, bufio.NewReaderSize(from, 1<<16)
	go func() {
		defer close(w.ended)
		defer in.Close()
		defer out.Close() // ends the reading of an answer that will not come
		code, err := opt.Executor.Run(ctx, opt.Root, execute.Command{
			Args: []string{opt.Python, "-B", "-s", "-S", "-c", driver},
			Env: []string{"PYTHONHASHSEED=0", "PYTHONUTF8=1", "PYTHONSAFEPATH=1", "PYTHONDONTWRITEBYTECODE=1",
				"PYTHONWARNINGS=ignore", "LC_ALL=C.UTF-8"},
			Stdin: in, Stdout: out, Stderr: &w.errs,
		})
		if err == nil {
			err = fmt.Errorf("the interpreter ended with code %d", code)
		}
		w.err = err
	}()
	return w
}

// failed makes a worker that has ended already.
func (w *worker) failed(err error) *worker {
	w.err = err
	close(w.ended)
	return w
}

// compile sends one source and waits for the answer.
func (w *worker) compile(ctx context.Context, path string, source []byte) (answer, error) {
	stop := context.AfterFunc(ctx, w.cancel)
	a, err := w.exchange(path, source)
	// The answer may win against the end of ctx, but the process is lost then.
	w.lost = !stop() || err != nil
	if err == nil {
		return a, nil
	}
	if ctx.Err() != nil {
		return answer{}, ctx.Err()
	}
	return answer{}, w.explain(err)
}

// exchange has the interpreter compile one source. Before the first one it greets.
func (w *worker) exchange(path string, source []byte) (answer, error) {
	if w.out == nil {
		return answer{}, io.ErrUnexpectedEOF
	}
	if !w.greet {
		if err := w.hello(); err != nil {
			return answer{}, err
		}
		w.greet = true
	}
	// The driver reads a request whole before it answers, so writing first cannot block for ever.
	if err := errors.Join(w.send([]byte(path)), w.send(source)); err != nil {
		return answer{}, err
	}
	status, err := w.number()
	if err != nil {
		return answer{}, err
	}
	data, err := w.receive()
	switch {
	case err != nil:
		return answer{}, err
	case status != 0:
		return answer{reason: string(data)}, nil
	case len(data) < headerSize:
		return answer{}, fmt.Errorf("a .pyc file of %d bytes", len(data))
	}
	return answer{pyc: data}, nil
}

// errWrong is an error that the interpreter's last words have nothing to add to.
type errWrong struct{ error }

// hello checks that the interpreter is the one that the results are stored under.
func (w *worker) hello() error {
	version, err := w.receive()
	if err != nil {
		return err
	}
	if string(version) != w.id {
		return errWrong{fmt.Errorf("the interpreter is Python %.40q, not the compiler %s", version, w.id)}
	}
	_, err = w.receive() // the magic number, which is in every file
	return err
}

func (w *worker) send(data []byte) error {
	if err := binary.Write(w.to, binary.LittleEndian, uint32(len(data))); err != nil {
		return err
	}
	_, err := w.to.Write(data)
	return err
}

func (w *worker) number() (uint32, error) {
	var b [4]byte
	_, err := io.ReadFull(w.out, b[:])
	return binary.LittleEndian.Uint32(b[:]), err
}

// receive reads bytes after their length.
func (w *worker) receive() ([]byte, error) {
	n, err := w.number()
	if err != nil {
		return nil, err
	}
	if n > maxAnswer {
		return nil, errWrong{fmt.Errorf("the interpreter answers with %d bytes", n)}
	}
	data := make([]byte, n)
	_, err = io.ReadFull(w.out, data)
	return data, err
}

// explain waits for the end of a process that broke off, and says why it ended.
func (w *worker) explain(err error) error {
	if wrong, ok := errors.AsType[errWrong](err); ok {
		w.stop()
		return wrong.error
	}
	if w.to != nil {
		_ = w.to.Close()
	}
	<-w.ended
	if words := bytes.TrimSpace(w.errs.last); len(words) > 0 {
		return fmt.Errorf("%w: %s", w.err, words)
	}
	return w.err
}

// stop ends the process and waits until it is gone.
func (w *worker) stop() {
	w.cancel()
	<-w.ended
	if w.to != nil {
		_, _ = w.to.Close(), w.from.Close()
	}
}

// tail keeps the last words of a process.
type tail struct{ last []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.last = append(t.last, p...)
	if extra := len(t.last) - maxComplaint; extra > 0 {
		t.last = t.last[extra:]
	}
	return len(p), nil
}
