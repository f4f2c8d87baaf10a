package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText writes a result for a terminal.
func WriteText(out io.Writer, r *Result) error {
	fmt.Fprintf(out, "%s\n%s\n\n", r.Title, r.conditions())
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\t%s\n", strings.Join(r.names(), "\t"))
	for _, row := range r.Rows {
		fmt.Fprintf(w, "%s\t%s\n", row.Title, strings.Join(r.cells(row, plainRatio), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\n", r.legend())
	for _, o := range r.Left {
		fmt.Fprintf(out, "left out: %s: %s\n", o.Scenario, o.Reason)
	}
	return nil
}

// WriteMarkdown writes a result as a section of a page.
func WriteMarkdown(out io.Writer, r *Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n| | %s |\n|---|%s\n", r.conditions(), strings.Join(r.names(), " | "), strings.Repeat("---|", len(r.Contenders)))
	for _, row := range r.Rows {
		fmt.Fprintf(&b, "| %s | %s |\n", row.Title, strings.Join(r.cells(row, boldRatio), " | "))
	}
	fmt.Fprintf(&b, "\n%s\n\n| contender | what is timed | bytecode |\n|---|---|---|\n", r.legend())
	for _, c := range r.Contenders {
		fmt.Fprintf(&b, "| %s | `%s` | %s |\n", c.Name, c.About, map[bool]string{true: "yes", false: "no"}[c.Bytecode])
	}
	for i, o := range r.Left {
		if i == 0 {
			fmt.Fprint(&b, "\n")
		}
		fmt.Fprintf(&b, "Left out: %s: %s.\n", o.Scenario, o.Reason)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func (r *Result) names() (names []string) {
	for _, c := range r.Contenders {
		names = append(names, c.Name)
	}
	return names
}

// cells are the numbers of a row, in the order of the contenders.
func (r *Result) cells(row Row, ratioText func(float64) string) (cells []string) {
	for _, c := range r.Contenders {
		v, ok := row.Values[c.Name]
		if !ok {
			cells = append(cells, "–")
			continue
		}
		cell := numbersText(v, row.Unit)
		if ratio, ok := row.Ratios[c.Name]; ok {
			cell += " " + ratioText(ratio.Times)
		}
		cells = append(cells, cell)
	}
	return cells
}

func plainRatio(times float64) string { return timesText(times) }

func boldRatio(times float64) string { return "**" + timesText(times) + "**" }

// timesText has two digits that count.
func timesText(times float64) string {
	if times >= 10 {
		return fmt.Sprintf("%.0f×", times)
	}
	return fmt.Sprintf("%.1f×", times)
}

// numbersText is a median with its range, and a size, which has none.
func numbersText(n Numbers, u Unit) string {
	if u == inBytes {
		return fmt.Sprintf("%.1f MB", n.Median/1e6)
	}
	if n.Runs == 1 {
		return fmt.Sprintf("%.3f s", n.Median)
	}
	return fmt.Sprintf("%.3f (%.3f–%.3f) s", n.Median, n.Min, n.Max)
}

// conditions say where and how it was measured.
func (r *Result) conditions() string {
	runs := fmt.Sprintf("%d runs, interleaved", r.Runs)
	if r.Runs == 1 {
		runs = "one run, so that no range is told"
	}
	parts := []string{r.Date, runs, r.Machine.System}
	cpus := fmt.Sprintf("%d CPUs", r.Machine.CPUs)
	if r.Machine.CPU != "" {
		cpus += " (" + r.Machine.CPU + ")"
	}
	parts = append(parts, cpus)
	if r.Machine.Memory > 0 {
		parts = append(parts, fmt.Sprintf("%.0f GB of memory", float64(r.Machine.Memory)/1e9))
	}
	if r.Machine.Docker != "" {
		parts = append(parts, "Docker "+r.Machine.Docker)
	}
	if n := summarize(r.Machine.Load); n.Runs > 0 {
		parts = append(parts, fmt.Sprintf("load average %.1f (%.1f–%.1f)", n.Median, n.Min, n.Max))
	}
	return strings.Join(parts, "; ") + "."
}

// legend says what the numbers are.
func (r *Result) legend() string {
	text := "Median (least–most)"
	for _, c := range r.Contenders {
		if c.Peer {
			return text + ", and how many times better than the fastest Dockerfile that makes bytecode as well, or does not either."
		}
	}
	return text + "."
}
