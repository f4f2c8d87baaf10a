package bench

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
)

// The measures of the chart, in pixels.
const (
	chartWidth  = 760
	labelWidth  = 150 // names of contenders
	valueWidth  = 130 // what stands behind a bar
	barHeight   = 14
	barGap      = 4
	groupGap    = 14
	titleHeight = 34
	groupTitle  = 20
	barSpace    = chartWidth - labelWidth - valueWidth
	minBar      = 2 // so that the shortest is seen
)

// chartStyle follows the reader's choice of a dark or light page. Without one of the two, as in a viewer of pictures, it is
// light, with a background of its own so that the text can be read on any.
const chartStyle = `
text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 }
.group { font-weight: 600 }
.value { fill: #59636e }
.page { fill: #ffffff }
.lithe { fill: #2f6f4f }
.peer { fill: #a9b4bf }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.value { fill: #9198a1 }
.page { fill: #0d1117 }
.lithe { fill: #57ab7e }
.peer { fill: #57606a }
}`

// WriteSVG draws a bar for the median of each contender, a group for each scenario that was timed. Bars of one group have one
// scale, so that lengths of different groups do not compare: the numbers do.
func WriteSVG(out io.Writer, r *Result) error {
	var rows []Row
	height := titleHeight
	for _, row := range r.Rows {
		rows = append(rows, row)
		height += groupTitle + len(row.Values)*(barHeight+barGap) + groupGap
	}
	d := drawing{}
	d.add(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="%s">`, chartWidth, height, chartWidth, height, escaped(r.Title))
	d.add(`<style>%s</style>`, chartStyle)
	d.add(`<rect class="page" width="%d" height="%d"/>`, chartWidth, height)
	d.add(`<text class="title" x="12" y="22">%s</text>`, escaped(r.Title))
	y := titleHeight
	for _, row := range rows {
		y = d.group(r, row, y)
	}
	d.add(`</svg>`)
	_, err := io.WriteString(out, d.text.String())
	return err
}

// drawing is a picture under way.
type drawing struct{ text strings.Builder }

func (d *drawing) add(format string, args ...any) {
	fmt.Fprintf(&d.text, format+"\n", args...)
}

// group draws the bars of one scenario, and returns where the next group begins.
func (d *drawing) group(r *Result, row Row, y int) int {
	most := 0.0
	for _, v := range row.Values {
		most = math.Max(most, v.Median)
	}
	d.add(`<text class="group" x="12" y="%d">%s</text>`, y+12, escaped(row.Title))
	y += groupTitle
	for _, c := range r.Contenders {
		v, ok := row.Values[c.Name]
		if !ok {
			continue
		}
		class := "lithe"
		if c.Peer {
			class = "peer"
		}
		length := minBar
		if most > 0 {
			length = max(minBar, int(math.Round(v.Median/most*barSpace)))
		}
		d.add(`<text x="%d" y="%d" text-anchor="end">%s</text>`, labelWidth-8, y+11, escaped(c.Name))
		d.add(`<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="2"/>`, class, labelWidth, y, length, barHeight)
		d.add(`<text class="value" x="%d" y="%d">%s</text>`, labelWidth+length+6, y+11, escaped(d.value(row, c, v)))
		y += barHeight + barGap
	}
	return y + groupGap
}

// value is what stands behind a bar.
func (d *drawing) value(row Row, c Contender, v Numbers) string {
	text := fmt.Sprintf("%.3f s", v.Median)
	if row.Unit == inBytes {
		text = numbersText(v, row.Unit)
	}
	if ratio, ok := row.Ratios[c.Name]; ok {
		text += ", " + timesText(ratio.Times)
	}
	return text
}

// escaped is text that XML takes for text.
func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes all
	return b.String()
}
