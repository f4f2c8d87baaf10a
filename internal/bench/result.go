package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"time"
)

// Result is a finished benchmark.
type Result struct {
	Title      string      `json:"title"`
	Date       string      `json:"date"`
	Runs       int         `json:"runs"`
	Machine    Machine     `json:"machine"`
	Contenders []Contender `json:"contenders"` // lithe's ways, then the peers
	Rows       []Row       `json:"rows"`
	Left       []Omission  `json:"left"` // scenarios that were not timed
}

// Contender says who was timed.
type Contender struct {
	Name     string `json:"name"`
	About    string `json:"about"` // in one sentence
	Peer     bool   `json:"peer"`  // a Dockerfile
	Bytecode bool   `json:"bytecode"`
	Pushes   bool   `json:"pushes"` // takes part in scenarios that push
}

// Unit is what the numbers of a row are.
type Unit string

const (
	inSeconds Unit = "s"
	inBytes   Unit = "B"
)

// Scenario is what a row is about.
type Scenario struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Unit  Unit   `json:"unit"`
}

// Row has the numbers of one scenario.
type Row struct {
	Scenario
	Values map[string]Numbers `json:"values"` // by contender
	CPU    map[string]Numbers `json:"cpu"`    // seconds of the processors, where the contender's process does the work
	Ratios map[string]Ratio   `json:"ratios"` // by contender that is no peer
}

// Ratio compares a contender with the fastest peer that is like it.
type Ratio struct {
	Times float64 `json:"times"` // how many times better; below 1 it is worse
	Peer  string  `json:"peer"`
}

// Omission is a scenario that was not timed.
type Omission struct {
	Scenario string `json:"scenario"`
	Reason   string `json:"reason"`
}

// Machine is where it was measured.
type Machine struct {
	System string    `json:"system"`
	CPU    string    `json:"cpu"`
	CPUs   int       `json:"cpus"`
	Memory int64     `json:"memory"` // bytes
	Docker string    `json:"docker"` // version of the engine
	Load   []float64 `json:"load"`   // average of a minute, before each contender of each run
}

// result puts all together.
func (r *runner) result(ctx context.Context) *Result {
	out := &Result{Title: r.opt.Title, Date: r.opt.Now.UTC().Format(time.DateOnly), Runs: r.opt.Runs, Machine: machine(), Left: r.left}
	if out.Title == "" {
		out.Title = filepath.Base(r.project.from)
	}
	if r.engine != nil {
		out.Machine.Docker = r.engine.version
	}
	for _, l := range r.loads {
		out.Machine.Load = append(out.Machine.Load, round(l, 2))
	}
	for _, c := range r.contenders {
		out.Contenders = append(out.Contenders, c.describe())
	}
	rows := []Scenario{}
	for _, s := range r.scenarios {
		rows = append(rows, s.Scenario)
	}
	rows = append(rows, Scenario{packed, "image, compressed", inBytes}, Scenario{unpacked, "image, unpacked", inBytes})
	for _, s := range rows {
		if len(r.times[s.Name]) > 0 {
			out.Rows = append(out.Rows, newRow(s, r.times[s.Name], r.cpu[s.Name], out.Contenders))
		}
	}
	return out
}

func newRow(s Scenario, times, cpu map[string][]float64, contenders []Contender) Row {
	row := Row{Scenario: s, Values: map[string]Numbers{}, CPU: map[string]Numbers{}, Ratios: map[string]Ratio{}}
	for name, values := range times {
		row.Values[name] = summarize(values)
	}
	for name, values := range cpu {
		row.CPU[name] = summarize(values)
	}
	for _, c := range contenders {
		value, ok := row.Values[c.Name]
		if best, peer := fastest(row, contenders, c); ok && !c.Peer && best > 0 {
			row.Ratios[c.Name] = Ratio{Times: round(ratio(value.Median, best), 2), Peer: peer}
		}
	}
	return row
}

// maxResult is the largest saved result in bytes; one has some kilobytes.
const maxResult = 8 << 20

// Read reads a result that was saved as JSON.
func Read(r io.Reader) (*Result, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxResult+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxResult {
		return nil, fmt.Errorf("more than %d bytes are no result", maxResult)
	}
	var out Result
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// machine describes where this runs, as far as the system tells.
func machine() Machine {
	return Machine{System: runtime.GOOS + "/" + runtime.GOARCH + kernel(), CPU: processor(), CPUs: runtime.NumCPU(), Memory: memory()}
}
