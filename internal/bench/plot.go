package bench

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// Plot shows how something grows.
type Plot struct {
	Title  string  `json:"title"`
	X      string  `json:"x"` // what grows, "packages"
	Y      string  `json:"y"` // what it costs, "seconds of CPU"
	Curves []Curve `json:"curves"`
}

// Curve is one line of a plot.
type Curve struct {
	Name   string       `json:"name"`
	Points [][2]float64 `json:"points"` // in the order of x
}

// The measures of a plot, in pixels.
const (
	plotWidth, plotHeight = 760, 320
	plotLeft, plotRight   = 70, 150
	plotTop, plotBottom   = 44, 50
)

// plotStyle adds to that of charts: colours that are told apart by anybody, and in print by their names at the ends.
const plotStyle = chartStyle + `
.axis { stroke: #59636e; fill: none }
.grid { stroke: #59636e; stroke-opacity: 0.2; fill: none }
.c0 { stroke: #2f6f4f; fill: #2f6f4f } .c1 { stroke: #b35c00; fill: #b35c00 } .c2 { stroke: #3d5a9e; fill: #3d5a9e }
.curve { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
.c0 { stroke: #57ab7e; fill: #57ab7e } .c1 { stroke: #e0974a; fill: #e0974a } .c2 { stroke: #8aa6e8; fill: #8aa6e8 }
.curve { fill: none }
}`

// WritePlot draws curves from zero, so that twice as high is twice as much.
func WritePlot(out io.Writer, p *Plot) error {
	d := drawing{}
	d.add(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="%s">`,
		plotWidth, plotHeight, plotWidth, plotHeight, escaped(p.Title))
	d.add(`<style>%s</style>`, plotStyle)
	d.add(`<rect class="page" width="%d" height="%d"/>`, plotWidth, plotHeight)
	d.add(`<text class="title" x="12" y="22">%s</text>`, escaped(p.Title))
	most := p.most()
	scale := func(point [2]float64) (x, y int) {
		x = plotLeft + int(math.Round(point[0]/most[0]*(plotWidth-plotLeft-plotRight)))
		return x, plotHeight - plotBottom - int(math.Round(point[1]/most[1]*(plotHeight-plotTop-plotBottom)))
	}
	d.axes(p, most, scale)
	for i, c := range p.Curves {
		d.curve(c, i, scale)
	}
	d.add(`</svg>`)
	_, err := io.WriteString(out, d.text.String())
	return err
}

// most returns where the axes end: round numbers above all points.
func (p *Plot) most() (most [2]float64) {
	for _, c := range p.Curves {
		for _, point := range c.Points {
			for i := range most {
				most[i] = math.Max(most[i], point[i])
			}
		}
	}
	return [2]float64{roundUp(most[0]), roundUp(most[1])}
}

// roundUp returns the next of 1, 2, 4, 5, 6, 8 and 10 times a power of ten.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 4, 5, 6, 8} {
		if v <= step*power {
			return step * power
		}
	}
	return 10 * power
}

// ticks is in how many parts an axis is divided.
const ticks = 4

func (d *drawing) axes(p *Plot, most [2]float64, scale func([2]float64) (int, int)) {
	for i := range ticks + 1 {
		at := [2]float64{most[0] * float64(i) / ticks, most[1] * float64(i) / ticks}
		x, y := scale(at)
		d.add(`<path class="grid" d="M%d %dH%d"/>`, plotLeft, y, plotWidth-plotRight)
		d.add(`<text class="value" x="%d" y="%d" text-anchor="end">%.4g</text>`, plotLeft-6, y+4, at[1])
		d.add(`<text class="value" x="%d" y="%d" text-anchor="middle">%.4g</text>`, x, plotHeight-plotBottom+18, at[0])
	}
	d.add(`<path class="axis" d="M%d %dV%dH%d"/>`, plotLeft, plotTop, plotHeight-plotBottom, plotWidth-plotRight)
	d.add(`<text x="%d" y="%d" text-anchor="middle">%s</text>`, (plotLeft+plotWidth-plotRight)/2, plotHeight-12, escaped(p.X))
	d.add(`<text x="12" y="%d">%s</text>`, plotTop-6, escaped(p.Y))
}

func (d *drawing) curve(c Curve, i int, scale func([2]float64) (int, int)) {
	if len(c.Points) == 0 {
		return
	}
	var path strings.Builder
	x, y := 0, 0
	for n, point := range c.Points {
		x, y = scale(point)
		fmt.Fprintf(&path, "%s%d %d", map[bool]string{true: "M", false: "L"}[n == 0], x, y)
		d.add(`<circle class="c%d" cx="%d" cy="%d" r="3"/>`, i%3, x, y)
	}
	d.add(`<path class="curve c%d" d="%s" style="fill:none"/>`, i%3, path.String())
	d.add(`<text x="%d" y="%d">%s</text>`, x+8, y+4, escaped(c.Name))
}
